"""Stop in the midst of anything: it is asked before every step, every batch of a validation and every token."""

from pathlib import Path

import pytest

from tests.tasks.experiments import Course, Experiment, quickly, texts
from tl_core.base import events
from tl_core.tasks.text_generation import learner, steps


class Watched:
    """Notes what a run is amid each time it asks whether to stop, and how often it would have to ask there."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.asked: list[str] = []
        self.amid, self.needed = ["a step"], {"a validation": 0, "a sample": 0}
        evaluators, write = learner.evaluator, learner.Sampler.write

        def evaluator(*args):
            evaluate = evaluators(*args)
            return lambda windows: self.within("a validation", -(-len(windows) // steps.AT_ONCE), evaluate, windows)

        def counted(sampler, *args):
            return self.within("a sample", sampler.config.sample_length, write, sampler, *args)

        patch.setattr(steps, "AT_ONCE", 2)
        patch.setattr(learner, "evaluator", evaluator)
        patch.setattr(learner.Sampler, "write", counted)

    def within(self, name, times, function, *args):
        self.needed[name] += times
        self.amid.append(name)
        try:
            return function(*args)
        finally:
            self.amid.pop()

    def ask(self) -> int:
        """How often it has been asked by now."""
        self.asked.append(self.amid[-1])
        return len(self.asked)


def test_no_more_than_one_step_one_batch_or_one_token_is_done_after_the_request(tl_home, tmp_path, monkeypatch):
    quickly(monkeypatch)
    watched, experiment = Watched(monkeypatch), Experiment(texts(tmp_path), tmp_path)
    config = experiment.config

    def run(name: str, place: float) -> tuple[Course, list[int]]:
        """Stopped when it asks for the time behind `place`; and how many events had been told at each yes."""
        told: list[int] = []

        def stop(course: Course) -> bool:
            if watched.ask() > place:
                told.append(len(course))
            return bool(told)

        watched.asked.clear()
        return experiment.run(name, stop, sample_every=6), told

    run("whole", float("inf"))
    whole = tuple(watched.asked)
    assert whole.count("a step") >= config.steps
    assert whole.count("a validation") >= watched.needed["a validation"] > 10
    assert whole.count("a sample") >= watched.needed["a sample"] >= 4 * config.sample_length

    first = whole.index("a sample")  # of the base, before the first step
    validating = whole.index("a validation", whole.index("a step", first))  # the first round
    writing = whole.index("a sample", validating)
    for place, rounds in ((first + 1, 0), (validating + 1, 0), (writing + 1, 1)):
        course, told = run(str(place), place)
        assert watched.asked == list(whole[: place + 1]) and len(told) == 1, "the first yes counts"
        assert course.outcome.stopped and course.outcome.best_epoch == len(course.of(events.Epoch)) == rounds
        assert course[told[0] :] == [], "nothing is told after it"
        assert made(tmp_path / str(place)) <= {"best.weights.npz", "checkpoint"}


def made(folder: Path) -> set[str]:
    """What a run has left."""
    return {path.name for path in folder.iterdir()}
