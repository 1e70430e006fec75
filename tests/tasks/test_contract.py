"""What every task keeps: the cache changes nothing, resume changes nothing, Stop keeps the best, the seed is the curve.

The contract's other parts: `test_code_trains.py` (the script reproduces the run), `test_taken_home.py` (what is handed
out answers alike) and `test_hostile_names.py` (names are harmless). A task without a case in one of them fails here.
"""

import pytest

from tests.tasks import test_code_trains, test_hostile_names, test_taken_home
from tests.tasks.experiments import EPOCHS, EXPERIMENTS, Course, Experiment, quickly
from tl_core.base import events
from tl_core.tasks.registry import TASKS
from tl_core.training import checkpoint

PARTS = {
    "learning": EXPERIMENTS,
    "the script": test_code_trains.CASES,
    "taken home": test_taken_home.CASES,
    "hostile names": test_hostile_names.CASES,
}


@pytest.mark.parametrize("part", PARTS)
def test_every_task_has_a_case(part):
    assert PARTS[part].keys() == {task.name for task in TASKS.values()}


@pytest.fixture(params=EXPERIMENTS)
def task(request, tl_home, tmp_path, monkeypatch) -> Experiment:
    """Each task in turn."""
    quickly(monkeypatch)
    return Experiment(EXPERIMENTS[request.param](tmp_path), tmp_path)


def trained(course: Course) -> bool:
    """All epochs are over: what comes after them is left out."""
    return len(course.of(events.Epoch)) == EPOCHS


def alike(one: Course, other: Course, rel: float) -> bool:
    """Whether two runs have the same curve."""
    return [line[:3] for line in one.curve] == [line[:3] for line in other.curve] and all(
        first[3] == pytest.approx(second[3], rel=rel) for first, second in zip(one.curve, other.curve, strict=True)
    )


def test_the_same_seed_gives_the_same_curve_and_another_one_another(task):
    first = task.run("first", trained)
    assert len(first.curve) == EPOCHS and {line[0] for line in first.curve} == {"head", "fine-tuning"}
    assert task.run("again", trained).curve == first.curve
    assert not alike(task.run("other", trained, seed=1), first, 1e-6)


def test_the_cache_changes_nothing(task):
    cached = task.run("cached", trained)
    assert alike(task.run("plain", trained, cache=False), cached, 1e-4)


def test_resume_changes_nothing(task):
    """Stopped in the middle of an epoch of either phase, and between the phases."""
    whole = task.run("whole", trained)
    steps = [line[2] for line in whole.curve]
    parts = [task.run("parts", lambda course: course.of(events.Batch)[-1:] and course.of(events.Batch)[-1].step >= 1)]
    for stop in (steps[1], steps[2] + 1):
        reached = lambda course: max((e.step for e in course.of(events.Batch)), default=0) >= stop  # noqa: B023, E731
        parts.append(task.run("parts", reached, resume=True))
        assert parts[-1].outcome.stopped
    parts.append(task.run("parts", trained, resume=True))
    joined = Course()
    for part in parts:
        joined.extend(part)
    assert alike(joined, whole, 1e-5)
    assert [part.facts["resumed_step"] for part in parts][1:] == [
        max(event.step for event in part.of(events.Batch)) for part in parts[:-1]
    ]


def test_stop_keeps_the_best_and_makes_nothing_else(task):
    stopped = task.run("run", lambda course: len(course.of(events.Epoch)) == 1)
    folder, best = task.tmp / "run", stopped.of(events.Epoch)[0]
    assert stopped.outcome.stopped and stopped.outcome.best_epoch == 1
    assert stopped.outcome.metrics["loss"] == best.metrics["val_loss"]
    assert checkpoint.load(checkpoint.best_path(folder)).facts["epoch"] == 1
    assert {path.name for path in folder.iterdir()} == {"best.weights.npz", "checkpoint"}
    assert not {"saving", "evaluation"} & {phase.phase for phase in stopped.of(events.Phase)}
