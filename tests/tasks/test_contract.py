"""What every task keeps: the cache changes nothing, resume changes nothing, Stop keeps the best, the seed is the curve.

A task joins by a row in `ADAPTERS`: a small experiment on material of its own.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.image_classification import toys
from tests.tasks.text_classification import tiny
from tests.tasks.text_generation import folders
from tl_core.base import events
from tl_core.tasks.image_classification import training as image_training
from tl_core.tasks.image_classification.config import HeadConfig
from tl_core.tasks.image_classification.config import PhaseConfig as ImagePhase
from tl_core.tasks.registry import TASKS
from tl_core.tasks.text_classification import training as texts_training
from tl_core.tasks.text_classification.config import DataConfig as LabelledConfig
from tl_core.tasks.text_classification.config import EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_classification.config import HeadConfig as TextsHead
from tl_core.tasks.text_classification.config import PhaseConfig as TextsPhase
from tl_core.tasks.text_generation import learner as text_learner
from tl_core.tasks.text_generation import training as text_training
from tl_core.tasks.text_generation.config import PhaseConfig as TextPhase
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus
from tl_core.text.pretrained.shape import Shape
from tl_core.training import checkpoint, loop

EPOCHS = 4  # two phases of two
TEXT = "\n\n".join(f"The {a} king met the {b} fox." for a in ("old", "young", "sad") for b in "abcdefghijklmno") * 4


@dataclass(frozen=True)
class Adapter:
    """A task: its `train`, and an experiment of two phases of two epochs, head first, with dropout."""

    train: Callable[..., loop.Outcome]
    experiment: Callable[[Path, pytest.MonkeyPatch], tuple[Any, Any]]  # -> config with `cache` and `seed`, material


def images(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Stripes and a small network."""
    pictures = toys.dataset({"level": 16, "upright": 16})
    phases = ImagePhase(-1, 2, 1e-2), ImagePhase(4, 2, 1e-3, "rmsprop", "fine-tuning", "cosine")
    weights = toys.pretrained(tmp / "small.weights.h5")
    changes = {"weights": weights, "head": HeadConfig(units=16, dropout=0.3), "augmentation": "light", "views": 2}
    return toys.config(pictures, *phases, **changes), pictures


def texts(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Kings, foxes and a tiny GPT-2."""
    monkeypatch.setattr(text_learner, "VALIDATION_TOKENS", 512)
    monkeypatch.setattr(text_learner, "SOURCE_TOKENS", 128)
    shape = Shape(vocabulary=300, context=32, layers=2, heads=2, width=16)
    base = folders.write(tmp / "base", shape, folders.random_weights(shape, scale=0.1))
    text = corpus.paste(TEXT, name="kings")
    phases = TextPhase(-1, 12, 1e-2, "adam", "constant", "head"), TextPhase(2, 10, 5e-3)
    settings = {"evaluate_every": 6, "sample_every": 100, "sample_length": 4, "batch_size": 4, "context": 16}
    return TextConfig(text.id, str(base), phases=phases, dropout=0.2, **settings), text


def opinions(tmp: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Good and bad, and a tiny BERT."""
    made = tiny.texts(60)
    encoder = EncoderConfig(str(tiny.write(tmp / "tiny")), length=16)
    phases = TextsPhase(-1, 2, 1e-2), TextsPhase(2, 2, 1e-3, "rmsprop", "fine-tuning", "cosine")
    settings = {"phases": phases, "head": TextsHead(8, 0.3), "dropout": 0.2, "batch_size": 8}
    return TextClassificationConfig(LabelledConfig(made.id, 0.3), encoder, **settings), made


ADAPTERS = {
    "image_classification": Adapter(image_training.train, images),
    "text_generation": Adapter(text_training.train, texts),
    "text_classification": Adapter(texts_training.train, opinions),
}


def test_every_task_keeps_the_contract():
    assert ADAPTERS.keys() == {task.name for task in TASKS.values()}


@pytest.fixture(params=ADAPTERS)
def task(request, tl_home, tmp_path, monkeypatch) -> "Task":
    """Each task in turn."""
    adapter = ADAPTERS[request.param]
    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    config, material = adapter.experiment(tmp_path, monkeypatch)
    return Task(adapter, config, material, tmp_path)


@dataclass(frozen=True)
class Task:
    """One experiment that can be run in several ways."""

    adapter: Adapter
    config: Any
    material: Any
    tmp: Path

    def run(
        self, name: str, until: Callable[["Course"], bool] = lambda course: False, resume: bool = False, **changes: Any
    ) -> "Course":
        """Train in a folder of this name, until it ends by itself or the condition is met."""
        course, folder = Course(), self.tmp / name
        folder.mkdir(exist_ok=True)
        course.outcome = self.adapter.train(
            dataclasses.replace(self.config, **changes),
            self.material,
            folder,
            course.append,
            lambda: until(course),
            resume=resume,
            started=course.facts.update,
        )
        return course


class Course(list):
    """Events in order, and how it began and ended."""

    def __init__(self):
        self.facts: dict[str, Any] = {}
        self.outcome: loop.Outcome | None = None

    def of(self, kind: type) -> list:
        """The events of one kind."""
        return [event for event in self if isinstance(event, kind)]

    @property
    def curve(self) -> list[tuple]:
        """What each epoch measured."""
        return [(epoch.phase, epoch.epoch, epoch.step, epoch.metrics) for epoch in self.of(events.Epoch)]


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
