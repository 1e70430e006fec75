"""Races without training: runs whose logs are written by hand. And the lines that a docstring has for a notebook."""

from collections.abc import Mapping, Sequence
from types import ModuleType

from tests.pages.made import ME, drawn, trained
from tl_core.base import events
from tl_core.experiments import race
from tl_core.experiments.groups import Experiment
from tl_core.runs import store
from tl_core.tasks import registry
from tl_core.tasks.registry import Config

TASK = registry.FIRST
WAYS = tuple(TASK.room("ways").WAYS)
TOPS = {
    "frozen": (0.8, 0.82, 0.81),
    "head_first": (0.8, 0.81, 0.84),
    "at_once": (0.7, 0.72, 0.71),
    "scratch": (0.4,) * 3,
}


def usual() -> Config:
    """Small pictures in three classes."""
    return TASK.room("ways").usual(drawn(each=12).id)


def notebook(module: ModuleType, quicker: Mapping[str, str]) -> str:
    """The lines in a module's docstring, fewer than ten, with these texts in them exchanged."""
    lines = [line.strip() for line in (module.__doc__ or "").split("\n") if line.startswith("    ")]
    assert len(lines) < 10
    program = "\n".join(lines)
    for usual, quick in quicker.items():
        assert usual in program
        program = program.replace(usual, quick)
    return program


def started(seeds: int = 3, owner: str = ME, **settings: object) -> Experiment:
    """A race that waits."""
    return race.start(usual(), seeds, owner=owner, name="Race", **settings)


def finish(experiment: Experiment, tops: Mapping[str, Sequence[float]] = TOPS, examples: int = 50) -> Experiment:
    """Write the logs of all its runs as if they had been trained: validation accuracy climbs to `tops`."""
    for member in experiment.members:
        run = store.get(member.run)
        trainable = 1000 if member.arm == "frozen" else 50_000
        phase, *rest = trained(4, tops[member.arm][member.seed])
        begun = [events.Started(t=100.0), events.Phase(**{**vars(phase), "t": 100.0, "trainable": trainable})]
        log = [*begun, *(type(event)(**{**vars(event), "t": 101.0}) for event in rest)]
        over = 102.0 if member.arm == "frozen" else 106.0
        log += [
            events.Phase(t=over, phase="evaluation", total=examples, unit="images"),
            events.Finished(t=over, best_epoch=4),
        ]
        for event in log:
            events.append(run.log, event)
    return experiment
