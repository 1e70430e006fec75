"""The curves of a classifier's training, and what can be read off them without knowing what was trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.events import Epoch


@dataclass(frozen=True)
class Curves:
    """A value an epoch, all of the same length; those of training as measured while it learned."""

    loss: Sequence[float]  # cross-entropy, natural logarithm
    accuracy: Sequence[float]  # 0 to 1
    val_loss: Sequence[float]
    val_accuracy: Sequence[float]
    rate: float  # the highest learning rate
    classes: int
    examples: int  # for validation
    chance: float  # the share of the most frequent class among them: what guessing reaches

    @classmethod
    def of(cls, epochs: Sequence[Epoch], rate: float, classes: int, examples: int, chance: float) -> "Curves":
        """The curves of a run's epochs.

        Raises:
            ValueError: an epoch has no validation, or is not one of a classifier.
        """
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        if any(name not in epoch.metrics for epoch in epochs for name in names):
            raise ValueError("an epoch lacks loss or accuracy, of training or of validation")
        loss, accuracy, val_loss, val_accuracy = ([epoch.metrics[name] for epoch in epochs] for name in names)
        return cls(loss, accuracy, val_loss, val_accuracy, rate, classes, examples, chance)

    @property
    def guessing(self) -> float:
        """The loss of giving every class the same probability."""
        return math.log(self.classes)

    @property
    def beyond_chance(self) -> float:
        """The validation accuracy that guessing exceeds once in forty times: chance and two standard deviations."""
        return self.chance + 2 * math.sqrt(self.chance * (1 - self.chance) / max(self.examples, 1))

    @property
    def at_chance(self) -> bool:
        """Whether training ends where guessing is: its loss up to a twentieth, its accuracy up to 0.05.

        An untrained network may be right a little more often than chance; then the first epoch is what counts.
        """
        still = end(self.accuracy) < max(self.chance, self.accuracy[0]) + 0.05
        return still and end(self.loss) > 0.95 * self.guessing


def end(values: Sequence[float]) -> float:
    """Where a curve ends: the median of the last quarter of its epochs, three at least."""
    return float(np.median(values[-max(3, len(values) // 4) :]))
