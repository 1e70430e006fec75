"""Recorded experiments of the labs: one run each, as `play` reads it, or a group of runs that are replayed together.

assets/recordings/<name>/group.json        which lab it is, and what each of its runs stands for and was set up with
assets/recordings/<name>/<n>.jsonl.gz      what happened in its run n, as in `play`
assets/recordings/<name>/card.json         as in `play`

`record_group` makes the groups. One is read as `tl_core.experiments` reads a group: as courses, up to a moment.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.records import Count
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment, Lab, Member
from tl_core.recordings import play
from tl_core.recordings.play import NAME, Card, Recording, Replay
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

GROUP = "group.json"


@dataclass(frozen=True)
class Stored:
    """One run of a group as group.json holds it."""

    arm: str
    seed: Count
    size: Count
    config: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """What group.json holds."""

    lab: Lab
    runs: tuple[Stored, ...]


@dataclass(frozen=True)
class RecordedGroup:
    """One recorded group of runs; `begins` are the seconds from the start of the first run to that of each."""

    name: str
    folder: Path
    card: Card
    experiment: Experiment  # its members' runs are their places in `runs`
    runs: tuple[Recording, ...]
    begins: tuple[float, ...]

    @property
    def task(self) -> Task:
        """Of its runs."""
        return registry.of(self.config)

    @property
    def config(self) -> Config:
        """Of its first run."""
        return self.runs[0].config

    @property
    def length(self) -> float:
        """Seconds from the first start to the last end."""
        return max(begin + run.length for begin, run in zip(self.begins, self.runs, strict=True))

    @property
    def curves_begin(self) -> float:
        """Seconds until there is something to see."""
        return min(begin + run.curves_begin for begin, run in zip(self.begins, self.runs, strict=True))

    @property
    def speeds(self) -> tuple[float, ...]:
        """The speeds that are offered."""
        return play.offered(self.length - self.curves_begin)

    @property
    def speed(self) -> float:
        """The one that a replay begins with."""
        return play.watchable(self.length - self.curves_begin)


class GroupReplay:
    """A recorded group as it was at a moment; going forward costs only what is new."""

    def __init__(self, recording: RecordedGroup):
        self.recording = recording
        self._replays = [Replay(run) for run in recording.runs]

    def at(self, moment: float) -> list[Course]:
        """What its runs had done `moment` seconds after the first of them began, in the order of its members."""
        members = self.recording.experiment.members
        histories = [
            replay.at(moment - begin) for replay, begin in zip(self._replays, self.recording.begins, strict=True)
        ]
        return [
            Course(member.arm, member.seed, member.size, history, history.outcome is not None)
            for member, history in zip(members, histories, strict=True)
        ]


def lab(recording: Recording | RecordedGroup) -> str:
    """The name of the lab that it is of."""
    return recording.experiment.lab if isinstance(recording, RecordedGroup) else registry.of(recording.config).name


def all() -> list[Recording | RecordedGroup]:
    """All that can be read, by name."""
    return play.readable(sorted({*play.named("config.json"), *play.named(GROUP)}), get)


def get(name: str) -> Recording | RecordedGroup:
    """One recorded experiment.

    Raises:
        UserError: there is none of this name, or it cannot be read.
    """
    folder = play.FOLDER / name
    if not NAME.fullmatch(name) or not (folder / GROUP).is_file():
        recording = play.get(name)
        if not registry.is_lab(recording.config):
            raise play.no_recording(name)
        return recording
    try:
        return _read(folder, (folder / "card.json").stat().st_mtime_ns)
    except (UserError, OSError, EOFError, ValueError, zlib.error) as error:
        raise play.unreadable(name, error) from error


@lru_cache(maxsize=32)
def _read(folder: Path, stamp: int) -> RecordedGroup:
    card = records.build(Card, records.load(folder / "card.json"))
    group = records.build(Group, records.load(folder / GROUP), strict=True)
    configs = [registry.config(stored.config) for stored in group.runs]
    if len({config.kind for config in configs}) != 1 or registry.is_lab(configs[0]):
        raise ValueError("its runs are not of one task")
    runs = tuple(
        play.built(folder, f"{folder.name} {number}", config, card, log(number))
        for number, config in enumerate(configs)
    )
    starts = [play.started(run.events).t for run in runs]
    members = tuple(
        Member(stored.arm, stored.seed, stored.size, str(number)) for number, stored in enumerate(group.runs)
    )
    experiment = Experiment(folder.name, group.lab, str(card.title), "", min(starts), members)
    return RecordedGroup(folder.name, folder, card, experiment, runs, tuple(start - min(starts) for start in starts))


def log(number: int) -> str:
    """What the log of one of its runs is called, counted from 0."""
    return f"{number}.jsonl.gz"
