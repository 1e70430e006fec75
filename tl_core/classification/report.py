"""What a finished classifier gets right and wrong on one part of its examples; no TensorFlow.

runs/<id>/report-validation.json    written at the end of training
runs/<id>/report-test.json          written once, when somebody asks for the last test
"""

import dataclasses
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from tl_core.base import records
from tl_core.base.records import Count, Diverging, Moment, Share

Part = Literal["validation", "test"]


class Example(Protocol):
    """What a report needs to know of a picture, a text ..."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def label(self) -> int: ...


@dataclass(frozen=True)
class ClassScore:
    """How one class fares. A ratio is None where its denominator is zero."""

    name: str
    examples: Count  # of this class
    predicted: Count  # examples that the network takes for this class
    correct: Count
    precision: Share | None  # correct / predicted
    recall: Share | None  # correct / examples

    @property
    def f1(self) -> float:
        """2 correct / (examples + predicted), the harmonic mean of precision and recall; 0 where both are undefined."""
        total = self.examples + self.predicted
        return 2 * self.correct / total if total else 0.0


@dataclass(frozen=True)
class Prediction:
    """One example and what the network says of it."""

    example: str  # its id, which equal ones share
    key: str  # its place in the dataset
    true: Count
    predicted: Count
    confidence: Share  # probability of the predicted class
    true_probability: Share  # probability of the true class


@dataclass(frozen=True)
class Report:
    """Figures over all examples of a part, and every single prediction."""

    part: Part
    dataset: str
    classes: tuple[str, ...]
    accuracy: Share
    loss: Diverging  # mean cross-entropy, natural logarithm
    macro_f1: Share  # mean of the classes' F1; classes without examples are left out
    scores: tuple[ClassScore, ...]
    confusion: tuple[tuple[Count, ...], ...]  # [true][predicted]
    predictions: tuple[Prediction, ...]
    created: Moment  # seconds since 1970

    @property
    def mistakes(self) -> list[Prediction]:
        """Wrong predictions, the worst first: those that give the true class the least probability."""
        wrong = [item for item in self.predictions if item.true != item.predicted]
        return sorted(wrong, key=lambda item: (item.true_probability, -item.confidence, item.key))

    def cell(self, true: int, predicted: int) -> list[Prediction]:
        """The examples behind one cell of the confusion matrix, the surest first."""
        found = [item for item in self.predictions if (item.true, item.predicted) == (true, predicted)]
        return sorted(found, key=lambda item: (-item.confidence, item.key))

    @property
    def metrics(self) -> dict[str, float]:
        """Loss, accuracy and macro F1, for the event log."""
        return {"loss": self.loss, "accuracy": self.accuracy, "macro_f1": self.macro_f1}


def cross_entropy(probabilities: np.ndarray) -> float:
    """Mean negative natural logarithm of the true classes' probabilities [n], which count as 1e-7 at least (Keras)."""
    return float(-np.log(np.clip(probabilities.astype(np.float64), 1e-7, 1.0)).mean())


def report(
    part: Part, dataset: str, classes: Sequence[str], examples: Sequence[Example], probabilities: np.ndarray
) -> Report:
    """Compare predictions with the labels.

    Args:
        part: which part the examples are.
        dataset: the id of where they come from.
        classes: their names.
        examples: at least one.
        probabilities: float32 [n, classes], rows in the order of `examples`.
    """
    true = np.array([example.label for example in examples], np.int64)
    predicted = probabilities.argmax(1)
    rows = np.arange(len(examples))
    of_true = probabilities[rows, true].astype(np.float64)
    count = len(classes)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (true, predicted), 1)
    scores = tuple(
        ClassScore(
            name,
            known := int(confusion[label].sum()),
            guessed := int(confusion[:, label].sum()),
            correct := int(confusion[label, label]),
            correct / guessed if guessed else None,
            correct / known if known else None,
        )
        for label, name in enumerate(classes)
    )
    return Report(
        part=part,
        dataset=dataset,
        classes=tuple(classes),
        accuracy=float((true == predicted).mean()),
        loss=cross_entropy(of_true),
        macro_f1=float(np.mean([score.f1 for score in scores if score.examples])),
        scores=scores,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        predictions=tuple(
            Prediction(
                example.id,
                example.key,
                int(label),
                int(guess),
                round(float(probabilities[row, guess]), 5),
                round(float(of_true[row]), 5),
            )
            for row, (example, label, guess) in enumerate(zip(examples, true, predicted, strict=True))
        ),
        created=time.time(),
    )


def path(folder: Path, part: Part) -> Path:
    """Where a run's report of this part lies."""
    return folder / f"report-{part}.json"


def save(made: Report, folder: Path) -> None:
    """Write the report into a run's folder, whole or not at all."""
    target = path(folder, made.part)
    arriving = target.with_name(f".{target.name}.{os.getpid()}")
    arriving.write_text(json.dumps(dataclasses.asdict(made), ensure_ascii=False), encoding="utf-8")
    arriving.replace(target)


def load(folder: Path, part: Part) -> Report | None:
    """A run's report of this part; None if there is none (yet) or it is unreadable."""
    try:
        found = records.build(Report, upgraded(records.load(path(folder, part))))
        _check(found, part)
    except (OSError, ValueError):
        return None
    return found


def upgraded(data: dict[str, Any]) -> dict[str, Any]:
    """A report of an earlier version, which spoke of pictures, in today's words."""
    old = {"pictures": "examples", "picture": "example"}
    for rows in ("scores", "predictions"):
        if isinstance(data.get(rows), list):
            data[rows] = [
                {old.get(name, name): value for name, value in row.items()} if isinstance(row, dict) else row
                for row in data[rows]
            ]
    return data


def _check(found: Report, part: Part) -> None:
    """What a report says must fit together, or a page would look for classes that are not there.

    The report of a recording has no predictions.

    Raises:
        ValueError: it does not.
    """
    count = len(found.classes)
    square = len(found.confusion) == count and all(len(row) == count for row in found.confusion)
    labels = all(max(item.true, item.predicted) < count for item in found.predictions)
    scored = [score for score in found.scores if score.recall is not None]
    if not (square and labels and scored and len(found.scores) == count and found.part == part):
        raise ValueError("the report does not fit together")
