"""What every classifier does when it learns, whatever it classifies: its steps, its validation, its figures."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tl_core.base.errors import Stopped
from tl_core.base.split import Split
from tl_core.classification import report, steps
from tl_core.classification.report import Report
from tl_core.training.learner import Learned, Standing

Chunk = tuple[np.ndarray, np.ndarray]  # places among the examples, and their rows


class ClassificationLearner:
    """The part of `tl_core.training.learner.Learner` that all classifiers share; the rest is the task's.

    Attributes:
        config: has `batch_size`.
        split: of the examples.
        labels: int32, one for each example.
        importance: float32 likewise, its weight in the loss.
        activations: rows of the examples at the present boundary.
        take: from `steps.trainer`.
        pace: of training.
        predict: from `steps.predictor`.
        looking: the pace of predictions.
        report: on the validation examples, once it is made.
    """

    config: Any
    standing: Standing
    split: Split
    labels: np.ndarray
    importance: np.ndarray
    activations: steps.Activations
    take: Callable
    pace: steps.Pace
    predict: Callable
    looking: steps.Pace
    report: Report | None
    should_stop: Callable[[], bool]

    def step(self, chunk: Chunk) -> Learned:
        """One optimizer step after the other over the chunk's batches."""
        indices, rows = chunk
        began = time.monotonic()
        total, right = self.take(rows, self.labels[indices], self.importance[indices])
        sums = {"loss": float(total), "accuracy": int(right)}  # waits until the steps are done
        self.pace.took(time.monotonic() - began)
        return Learned(sums, len(indices), math.ceil(len(indices) / self.config.batch_size))

    def validate(self, trained: Mapping[str, float]) -> dict[str, float]:
        """Loss and accuracy on the validation examples, if there are any."""
        if not len(self.split.validation):
            return {}
        probabilities, labels = self.predictions(), self.labels[self.split.validation]
        right = probabilities[np.arange(len(probabilities)), labels]
        return {
            "val_loss": report.cross_entropy(right),
            "val_accuracy": float((probabilities.argmax(1) == labels).mean()),
        }

    def callback(self, best: bool) -> None:
        """Nothing besides the curve."""

    def metrics(self) -> Mapping[str, float]:
        """Of the report, or of the best epoch."""
        return self.report.metrics if self.report else self.standing.best

    def predictions(self, chunks: Iterable[tuple[Any, np.ndarray]] | None = None) -> np.ndarray:
        """Probabilities of the validation examples, [n, classes].

        Args:
            chunks: other rows of theirs, in their order; None: those that validation always looks at.
        """
        said = []
        for _, rows in chunks or steps.chunks(self.activations, self.split.validation, 0, self.looking):
            if self.should_stop():
                raise Stopped
            began = time.monotonic()
            said.append(self.predict(rows).numpy())
            self.looking.took(time.monotonic() - began)
        probabilities = np.concatenate(said)
        return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities
