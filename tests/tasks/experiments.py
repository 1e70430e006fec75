"""A small experiment of every task on material of its own, and how one is run in several ways.

A task joins the contract with a row in `EXPERIMENTS`.
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
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import HeadConfig
from tl_core.tasks.image_classification.config import PhaseConfig as ImagePhase
from tl_core.tasks.text_classification.config import DataConfig as LabelledConfig
from tl_core.tasks.text_classification.config import EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_classification.config import HeadConfig as TextsHead
from tl_core.tasks.text_classification.config import PhaseConfig as TextsPhase
from tl_core.tasks.text_generation import learner as text_learner
from tl_core.tasks.text_generation.config import PhaseConfig as TextPhase
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus
from tl_core.text.pretrained.shape import Shape
from tl_core.training import loop

EPOCHS = 4  # two phases of two, head first, with dropout
TEXT = "\n\n".join(f"The {a} king met the {b} fox." for a in ("old", "young", "sad") for b in "abcdefghijklmno") * 4


def images(tmp: Path) -> registry.Config:
    """Stripes and a small network."""
    pictures = toys.dataset({"level": 16, "upright": 16})
    phases = ImagePhase(-1, 2, 1e-2), ImagePhase(4, 2, 1e-3, "rmsprop", "fine-tuning", "cosine")
    weights = toys.pretrained(tmp / "small.weights.h5")
    changes = {"weights": weights, "head": HeadConfig(units=16, dropout=0.3), "augmentation": "light", "views": 2}
    return toys.config(pictures, *phases, **changes)


def texts(tmp: Path) -> registry.Config:
    """Kings, foxes and a tiny GPT-2."""
    shape = Shape(vocabulary=300, context=32, layers=2, heads=2, width=16)
    base = folders.write(tmp / "base", shape, folders.random_weights(shape, scale=0.1))
    phases = TextPhase(-1, 12, 1e-2, "adam", "constant", "head"), TextPhase(2, 10, 5e-3)
    settings = {"evaluate_every": 6, "sample_every": 100, "sample_length": 4, "batch_size": 4, "context": 16}
    return TextConfig(corpus.paste(TEXT, name="kings").id, str(base), phases=phases, dropout=0.2, **settings)


def opinions(tmp: Path) -> registry.Config:
    """Good and bad, and a tiny BERT."""
    encoder = EncoderConfig(str(tiny.write(tmp / "tiny")), length=16)
    phases = TextsPhase(-1, 2, 1e-2), TextsPhase(2, 2, 1e-3, "rmsprop", "fine-tuning", "cosine")
    settings = {"phases": phases, "head": TextsHead(8, 0.3), "dropout": 0.2, "batch_size": 8}
    return TextClassificationConfig(LabelledConfig(tiny.texts(60).id, 0.3), encoder, **settings)


EXPERIMENTS: dict[str, Callable[[Path], registry.Config]] = {
    "image_classification": images,
    "text_generation": texts,
    "text_classification": opinions,
}


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


@dataclass(frozen=True)
class Experiment:
    """One experiment that can be run in several ways."""

    config: Any
    tmp: Path

    def run(
        self, name: str, until: Callable[[Course], bool] = lambda course: False, resume: bool = False, **changes: Any
    ) -> Course:
        """Train in a folder of this name, until it ends by itself or the condition is met."""
        course, folder = Course(), self.tmp / name
        folder.mkdir(exist_ok=True)
        config = dataclasses.replace(self.config, **changes)
        task = registry.of(config)
        course.outcome = task.room("training").train(
            config,
            task.room("material").load(config),
            folder,
            course.append,
            lambda: until(course),
            resume=resume,
            started=course.facts.update,
        )
        return course


def quickly(patch: pytest.MonkeyPatch) -> None:
    """Every batch is told, and little is validated."""
    patch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    patch.setattr(text_learner, "VALIDATION_TOKENS", 512)
    patch.setattr(text_learner, "SOURCE_TOKENS", 128)
