"""Multinomial logistic regression on features: the linear probe of every experiment here.

What is minimized is the mean cross-entropy (natural logarithm) plus l2 / 2 times the sum of the squared weights, on
features that are standardized by the training part; the biases are free. It is convex, so the same features and labels
give the same classifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.labs.folds import stratified
from tl_core.labs.lbfgs import Function, minimum

L2 = (10.0, 1.0, 0.1, 0.01, 0.001)  # what cross-validation chooses from, the simplest classifier first
ALONE = 0.1  # where a class has one example only, and nothing can be held out
FOLDS = 5


@dataclass(frozen=True)
class Linear:
    """A trained classifier: softmax((features - mean) / scale @ weights + bias)."""

    weights: np.ndarray  # float32 [d, classes]
    bias: np.ndarray  # float32 [classes]
    mean: np.ndarray  # float32 [d]
    scale: np.ndarray  # float32 [d]
    l2: float

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """What it says of features [n, d]: float32 [n, classes], rows that sum to one."""
        standardized = (features.astype(np.float32, copy=False) - self.mean) / self.scale
        return softmax(standardized @ self.weights + self.bias)

    def accuracy(self, features: np.ndarray, labels: np.ndarray) -> float:
        """The share of examples, features [n, d] and labels int [n], whose most probable class is the right one."""
        return float((self.probabilities(features).argmax(1) == labels).mean())


@dataclass(frozen=True)
class CrossValidation:
    """What k-fold cross-validation found: the best strength, and what it says of examples that it has not seen."""

    l2: float
    losses: tuple[float, ...]  # mean cross-entropy of the examples held out, for each strength tried
    probabilities: np.ndarray  # float32 [n, classes], out of fold, with the best strength


def fit(features: np.ndarray, labels: np.ndarray, classes: int, l2: float | None = None, seed: int = 0) -> Linear:
    """Train on these examples.

    Args:
        features: float32 [n, d], finite.
        labels: int [n], 0 to classes - 1; classes without examples are learned to be improbable.
        classes: at least two.
        l2: strength of the penalty, positive; None: chosen by cross-validation on these examples alone.
        seed: of the folds; without effect where `l2` is given.

    Raises:
        ValueError: shapes, labels or values are others.
    """
    features = _checked(features, labels, classes)
    if l2 is None:
        enough = np.unique(labels, return_counts=True)[1].min() > 1
        l2 = cross_validate(features, labels, classes, seed=seed).l2 if enough else ALONE
    return _path(features, labels, classes, (l2,))[0]


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    strengths: Sequence[float] = L2,
    folds: int = FOLDS,
    seed: int = 0,
) -> CrossValidation:
    """Choose the strength of the penalty by the cross-entropy of examples held out, in stratified folds.

    Each fold is standardized by what it trains on. No class has an empty training part: where the smallest one has
    fewer examples than there are folds, there are as many folds as it has examples.

    Args:
        features, labels, classes: as for `fit`; each class that occurs has two examples at least.
        strengths: to choose from, falling.
        folds: at least two.
        seed: of the folds.

    Raises:
        ValueError: shapes, labels or values are others, or a class has one example.
    """
    features = _checked(features, labels, classes)
    smallest = int(np.unique(labels, return_counts=True)[1].min())
    fold = stratified(labels, min(folds, smallest), seed)
    said = np.empty((len(strengths), len(labels), classes), np.float32)
    for number in range(fold.max() + 1):
        held = fold == number
        for row, trained in enumerate(_path(features[~held], labels[~held], classes, strengths)):
            said[row, held] = trained.probabilities(features[held])
    right = said[:, np.arange(len(labels)), labels].astype(np.float64)
    losses = -np.log(np.clip(right, 1e-7, 1.0)).mean(1)
    best = int(losses.argmin())
    return CrossValidation(float(strengths[best]), tuple(losses.tolist()), said[best])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Logits [n, classes] to probabilities of the same type."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def _checked(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    if features.ndim != 2 or labels.shape != (len(features),) or not len(labels):
        raise ValueError(f"features {features.shape} and labels {labels.shape} do not fit together")
    if classes < 2 or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels are not among {classes} classes, or there are fewer than two")
    features = features.astype(np.float32, copy=False)
    if not np.isfinite(features).all():
        raise ValueError("features are not finite")
    return features


def _path(features: np.ndarray, labels: np.ndarray, classes: int, strengths: Sequence[float]) -> list[Linear]:
    """A classifier for each strength; each begins where the one before ended."""
    if min(strengths) <= 0:
        raise ValueError("the penalty must be positive")
    mean = features.mean(0, dtype=np.float64)
    scale = features.std(0, dtype=np.float64)
    scale[scale < 1e-6 * np.maximum(abs(mean), 1e-6)] = 1.0  # what is the same everywhere says nothing
    mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    standardized = (features - mean) / scale
    wanted = np.eye(classes, dtype=np.float32)[labels]
    size = features.shape[1] * classes
    point = np.zeros(size + classes)
    found = []
    for l2 in strengths:
        point = minimum(_objective(standardized, wanted, l2), point)
        weights = point[:size].reshape(-1, classes).astype(np.float32)
        found.append(Linear(weights, point[size:].astype(np.float32), mean, scale, float(l2)))
    return found


def _objective(features: np.ndarray, wanted: np.ndarray, l2: float) -> Function:
    """The penalized loss and its gradient, as a function of weights and biases in one float64 vector."""
    n, classes = wanted.shape
    size = features.shape[1] * classes

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights = point[:size]
        logits = features @ weights.reshape(-1, classes).astype(np.float32) + point[size:].astype(np.float32)
        logits = logits.astype(np.float64)
        logits -= logits.max(1, keepdims=True)
        raised = np.exp(logits)
        total = raised.sum(1)
        value = float((np.log(total) - (logits * wanted).sum(1)).mean() + l2 / 2 * weights @ weights)
        error = ((raised / total[:, None] - wanted) / n).astype(np.float32)
        slope = (features.T @ error).ravel().astype(np.float64) + l2 * weights
        return value, np.concatenate([slope, error.sum(0, dtype=np.float64)])

    return loss
