"""Recorded writing that comes with the app: what a language model really wrote, replayed token by token without it.

assets/recordings/<name>/writing.json       model, prompt and settings
assets/recordings/<name>/tokens.jsonl.gz    what happened (tl_core.tasks.text_generation.stream), each with its second
assets/recordings/<name>/card.json          title, what to notice, machine, date, weights

`tl_core.recordings.record_generation` makes them.
"""

import gzip
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tl_core.base import records
from tl_core.base.messages import Message
from tl_core.base.records import Seconds
from tl_core.recordings import play
from tl_core.recordings.play import NAME, SPEEDS
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Ended, Event, Written

SLOWER = (0.01, 0.1)  # times as fast as it happened: a small model writes hundreds of tokens a second
FOLLOWED = 10.0  # tokens a second


@dataclass(frozen=True)
class Card:
    """What a reader must know of it; nobody may take it for text of today."""

    title: Message
    notice: Message  # what to look at
    machine: Message
    date: str  # YYYY-MM-DD
    weights: Message  # which model wrote


@dataclass(frozen=True)
class _Asked:
    """What stream.json holds."""

    model: str
    prompt: str
    settings: Settings


@dataclass(frozen=True)
class WrittenRecording:
    """One recorded text. `moments` are the seconds from the start of the writing to each event."""

    name: str
    folder: Path
    card: Card
    model: str  # as `tl_core.engine.client.write` calls it
    prompt: str
    settings: Settings
    events: tuple[Event, ...]
    moments: tuple[float, ...]

    @property
    def length(self) -> float:
        """Seconds that the writing took."""
        return self.moments[-1]

    @property
    def curves_begin(self) -> float:
        """There is something to see from the first token on, so a replay begins at the beginning."""
        return 0.0

    @property
    def speeds(self) -> tuple[float, ...]:
        """The speeds that are offered."""
        return (*SLOWER, *SPEEDS)

    @property
    def speed(self) -> float:
        """The fastest of them at which a reader can follow, token by token."""
        fitting = [speed for speed in self.speeds if self.tokens / max(self.length, 1e-9) * speed <= FOLLOWED]
        return max(fitting, default=self.speeds[0])

    @property
    def tokens(self) -> int:
        """How many were written."""
        return sum(isinstance(event, Written) for event in self.events)

    def at(self, moment: float) -> list[Written]:
        """The tokens as a reader would have seen them so many seconds after the start."""
        taken = self.events[: bisect_right(self.moments, moment)]
        return [event for event in taken if isinstance(event, Written)]


def all() -> list[WrittenRecording]:
    """All that can be read, by name."""
    return play.readable(play.named("writing.json"), get)


def get(name: str) -> WrittenRecording:
    """One recorded text.

    Raises:
        UserError: there is none of this name, or it cannot be read.
    """
    folder = play.FOLDER / name
    if not NAME.fullmatch(name) or not (folder / "writing.json").is_file():
        raise play.no_recording(name)
    try:
        return _read(folder, (folder / "card.json").stat().st_mtime_ns)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise play.unreadable(name, error) from error


@lru_cache(maxsize=32)
def _read(folder: Path, stamp: int) -> WrittenRecording:
    card = records.build(Card, records.load(folder / "card.json"))
    asked = records.build(_Asked, records.load(folder / "writing.json"), strict=True)
    moments, events = parsed(gzip.decompress((folder / "tokens.jsonl.gz").read_bytes()))
    return WrittenRecording(folder.name, folder, card, asked.model, asked.prompt, asked.settings, events, moments)


def parsed(data: bytes) -> tuple[tuple[float, ...], tuple[Event, ...]]:
    """The seconds and the events of a recorded text.

    Raises:
        ValueError: a line is not an event, the end is missing, or time runs backwards.
    """
    lines = [records.value(dict[str, Any], records.loads(line)) for line in data.splitlines()]
    moments = tuple(records.value(Seconds, line.pop("t", None)) for line in lines)
    events = tuple(map(stream.from_json, lines))
    if not events or not isinstance(events[-1], Ended):
        raise ValueError("the end is missing")
    if any(later < earlier for earlier, later in pairwise(moments)):
        raise ValueError("time runs backwards")
    return moments, events
