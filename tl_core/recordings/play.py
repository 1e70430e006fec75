"""Recorded runs that come with the app: real event logs, replayed without TensorFlow and always labelled as recordings.

assets/recordings/<name>/config.json              what the experiment was
assets/recordings/<name>/events.jsonl.gz          what happened (tl_core.base.events); no owner, host, process or path
assets/recordings/<name>/card.json                title, what to notice, machine, date, weights, data
assets/recordings/<name>/...                      what of the task's report anybody may see, if there is something

`record` makes them. A recording is read like any run: as a `History`, here up to a moment of its time.
Recorded experiments and recorded texts lie beside them; `labs` and `generation` read those.
"""

import contextlib
import gzip
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from tl_core.base import events, records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.base.paths import ASSETS
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS, Config

FOLDER = ASSETS / "recordings"
SPEEDS = (1, 2, 5, 10, 20, 50)  # times as fast as it happened
SLOW_MOTION = 0.1  # for curves that were done before anybody could look: a frozen backbone's, with its activations kept
BLINK = 5.0  # seconds of curves below which slow motion is offered, and begun with
SITTING = 40.0  # seconds that a replay should take at most, if a speed allows it
NAME = re.compile(r"[a-z0-9_]{1,40}")
LOG = "events.jsonl.gz"


@dataclass(frozen=True)
class Card:
    """What a reader must know of a recording; nobody may take it for a run of today."""

    title: Message
    notice: Message  # what to look at
    machine: Message
    date: str  # of the run, YYYY-MM-DD
    weights: Message  # what the network knew when training began
    data: Message  # what it learned from
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """One recording. `moments` are the seconds from the start of the worker to each event."""

    name: str
    folder: Path
    config: Config
    card: Card
    events: tuple[events.Event, ...]
    moments: tuple[float, ...]

    @property
    def length(self) -> float:
        """Seconds that the run took."""
        return self.moments[-1]

    @property
    def curves_begin(self) -> float:
        """Seconds until the first batch, epoch or trial was written: before that there is nothing to see."""
        shown = (events.Batch, events.Epoch, events.Trial)
        pairs = zip(self.events, self.moments, strict=True)
        return next((moment for event, moment in pairs if isinstance(event, shown)), 0.0)

    @property
    def speeds(self) -> tuple[float, ...]:
        """The speeds that are offered."""
        return offered(self.length - self.curves_begin)

    @property
    def speed(self) -> float:
        """The one that a replay begins with."""
        return watchable(self.length - self.curves_begin)

    @property
    def report(self) -> Any | None:
        """The task's report on the validation part without its pictures, if it was recorded."""
        return registry.of(self.config).room("recording").result(self.folder)


def offered(seconds: float) -> tuple[float, ...]:
    """The speeds at which curves of so many seconds can be replayed."""
    return (SLOW_MOTION, *SPEEDS) if seconds < BLINK else SPEEDS


def watchable(seconds: float) -> float:
    """The slowest of them at which a replay takes no longer than a class will watch."""
    speeds = offered(seconds)
    return next((speed for speed in speeds if seconds / speed <= SITTING), speeds[-1])


class Replay:
    """A recording's history as it was at a moment; going forward costs only what is new."""

    def __init__(self, recording: Recording):
        self.recording = recording
        self._rewind()

    def at(self, moment: float) -> History:
        """The history as a reader would have seen it `moment` seconds after the worker's start."""
        taken = bisect_right(self.recording.moments, moment)
        if taken < self._taken:
            self._rewind()
        for event in self.recording.events[self._taken : taken]:
            self._history.take(event)
        self._taken = taken
        return self._history

    def _rewind(self) -> None:
        self._taken, self._history = 0, History(None, self.recording.config.epochs)


@dataclass(frozen=True)
class Clock:
    """Where a replay stands: recorded time as a function of the wall clock. Every change gives a new clock."""

    position: float = 0.0  # recorded seconds at `since`
    speed: float = 10.0
    since: float | None = None  # seconds of the wall clock when it began to play; None: it stands still

    def at(self, now: float, length: float) -> float:
        """The recorded moment at wall-clock time `now`, at most `length`; a clock set back never goes back."""
        played = 0.0 if self.since is None else max(0.0, now - self.since) * self.speed
        return min(self.position + played, length)

    def playing(self, now: float, length: float) -> bool:
        """Whether it moves: it was started and has not come to the end."""
        return self.since is not None and self.at(now, length) < length

    def play(self, now: float, length: float) -> "Clock":
        """Go on from where it stands."""
        return replace(self, position=self.at(now, length), since=now)

    def pause(self, now: float, length: float) -> "Clock":
        """Stand still where it is."""
        return replace(self, position=self.at(now, length), since=None)

    def go(self, position: float, now: float) -> "Clock":
        """Jump to a recorded moment, and move on from there if it was started."""
        return replace(self, position=position, since=None if self.since is None else now)

    def at_speed(self, speed: float, now: float, length: float) -> "Clock":
        """Go on at another speed, without a jump."""
        moved = self.at(now, length)
        return replace(self, position=moved, speed=speed, since=None if self.since is None else now)


_Kind = TypeVar("_Kind")


def all() -> list[Recording]:
    """All recordings of training that can be read: task by task, its lessons first, in their order."""
    found = readable(named("config.json"), get)
    return sorted((recording for recording in found if not registry.is_lab(recording.config)), key=_place)


def named(file: str) -> list[str]:
    """The recordings that have a file of this name, in alphabetical order."""
    names = (path.parent.name for path in FOLDER.glob(f"*/{file}")) if FOLDER.is_dir() else ()
    return sorted(name for name in names if NAME.fullmatch(name))


def _place(recording: Recording) -> tuple[int, int]:
    task = registry.of(recording.config)
    lessons = list(task.room("recording").LESSONS)
    known = recording.name in lessons
    return list(TASKS.values()).index(task), lessons.index(recording.name) if known else len(lessons)


def readable(names: Sequence[str], get: Callable[[str], _Kind]) -> list[_Kind]:
    """What `get` gives for each name, without those that it refuses."""
    found = []
    for name in names:
        with contextlib.suppress(UserError):
            found.append(get(name))
    return found


def get(name: str) -> Recording:
    """One recording, of training or of a lab that is one run.

    Raises:
        UserError: there is none of this name, or it cannot be read.
    """
    folder = FOLDER / name
    if not NAME.fullmatch(name) or not (folder / "config.json").is_file():
        raise no_recording(name)
    try:
        return _read(folder, (folder / "card.json").stat().st_mtime_ns)
    except (UserError, OSError, EOFError, ValueError, zlib.error) as error:
        raise unreadable(name, error) from error


def no_recording(name: str) -> UserError:
    """That there is none of this name."""
    return UserError(message("There is no recording called {name}.", name=name), message("Choose one from the list."))


def unreadable(name: str, error: Exception) -> UserError:
    """That one is damaged."""
    return UserError(
        message("The recording {name} cannot be read: {reason}.", name=name, reason=str(error)[:200]),
        message("Install the app again, or make the recording anew with `python -m tl_core record`."),
    )


@lru_cache(maxsize=32)
def _read(folder: Path, stamp: int) -> Recording:
    card = records.build(Card, records.load(folder / "card.json"))
    config = registry.config(records.load(folder / "config.json"))
    return built(folder, folder.name, config, card, LOG)


def built(folder: Path, name: str, config: Config, card: Card, log: str) -> Recording:
    """A recording with the log that lies in this folder under this name.

    Raises:
        OSError, ValueError, EOFError, zlib.error: there is none, or it is damaged.
    """
    logged = parsed(gzip.decompress((folder / log).read_bytes()))
    began = started(logged).t
    moments = tuple(max(0.0, event.t - began) for event in logged)
    return Recording(name, folder, config, card, tuple(logged), moments)


def started(log: Sequence[events.Event]) -> events.Started:
    """The beginning of the work that a log tells of."""
    return next(event for event in log if isinstance(event, events.Started))


def parsed(data: bytes) -> Sequence[events.Event]:
    """The events of a log.

    Raises:
        ValueError: a line is not an event, the log has no beginning or no end, or time runs backwards.
    """
    log: list[events.Event] = []
    for number, line in enumerate(data.splitlines(), 1):
        event = events.parse(line)
        if event is None:
            raise ValueError(f"line {number} is no event")
        log.append(event)
    if not any(isinstance(event, events.Started) for event in log) or not isinstance(log[-1], events.Finished):
        raise ValueError("the log has no beginning or no end")
    if any(later.t < earlier.t for earlier, later in pairwise(log)):
        raise ValueError("time runs backwards")
    return log
