"""A linear probe on frozen features: which examples it learns from and is tested on, and what it reaches."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.events import Artifact
from tl_core.base.messages import message
from tl_core.base.split import Part, Split
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig, split
from tl_core.labs import linear, pictures

FOLDS = 3  # of the cross-validation that chooses a probe's penalty
DIVISION = "division"  # the artifact that says how the examples are divided


class Example(Protocol):
    """A picture or a text of a dataset."""

    @property
    def label(self) -> int:
        """Its class."""

    @property
    def part(self) -> Part | None:
        """Where folders name parts."""


@dataclass(frozen=True)
class Division:
    """How the examples are divided (seed 0), and the accuracy of always saying the most frequent class."""

    training: int
    validation: int
    chance: float


def divided(data: DataConfig, dataset: Dataset, seeds: int) -> list[Split]:
    """For each seed the pictures that its probes learn from and are tested on, as `repeated`.

    Raises:
        UserError: there are too few pictures, or none that validate.
    """
    return repeated(lambda seed: split(dataset, replace(data, seed=data.seed + seed)), dataset.images, seeds)


def repeated(divide: Callable[[int], Split], examples: Sequence[Example], seeds: int) -> list[Split]:
    """For each seed the examples that its probes learn from and are tested on; indices into `examples`.

    Seed 0 divides as a run with these settings does, others anew. Where folders name the parts, they stay, and a seed
    learns from four fifths of the training examples.

    Args:
        divide: makes a seed's parts; seed 0 as a run does.

    Raises:
        UserError: none are left that validate; or as `divide`.
    """
    labels = np.array([example.label for example in examples])
    parts = []
    for seed in range(seeds):
        found = divide(seed)
        if not all(example.part is None for example in examples):
            found = replace(found, train=pictures.drawn(found.train, labels, seed))
        parts.append(found)
    if not all(len(part.validation) for part in parts):
        raise UserError(
            message("There are no validation examples to test a probe on."),
            message("Give them a share of the data."),
        )
    return parts


def told(labels: np.ndarray, parts: Sequence[Split]) -> Artifact:
    """How many examples there are, and how many of them always saying the most frequent class would get right."""
    often = [np.bincount(labels[part.train]).argmax() for part in parts]
    chance = [float((labels[part.validation] == label).mean()) for part, label in zip(parts, often, strict=True)]
    first = parts[0]
    payload = {"training": len(first.train), "validation": len(first.validation), "chance": float(np.mean(chance))}
    return Artifact(name=DIVISION, payload=payload)


def division(artifacts: Iterable[Artifact]) -> Division | None:
    """What the log says of it; None where it says nothing, or nothing that can be."""
    for made in artifacts:
        said: list[Any] = [made.payload.get(name) for name in ("training", "validation", "chance")]
        if made.name == DIVISION and all(isinstance(value, int | float) and value >= 0 for value in said):
            training, validation, chance = said
            if validation >= 1 and chance <= 1:
                return Division(int(training), int(validation), float(chance))
    return None


def accuracies(
    features: np.ndarray, labels: np.ndarray, part: Split, classes: int, should_stop: Callable[[], bool]
) -> dict[str, float]:
    """Of a probe that learns from the training part; its penalty is chosen by cross-validation on that part alone.

    Args:
        features: float32 [n, d].
        labels: int [n].
        should_stop: asked while it learns.

    Returns:
        "val_accuracy", "accuracy" (of the training examples) and "l2" (the penalty).

    Raises:
        Stopped: `should_stop` answered True.
    """
    probe = linear.fit(features[part.train], labels[part.train], classes, folds=FOLDS, should_stop=should_stop)
    return {
        "val_accuracy": probe.accuracy(features[part.validation], labels[part.validation]),
        "accuracy": probe.accuracy(features[part.train], labels[part.train]),
        "l2": probe.l2,
    }
