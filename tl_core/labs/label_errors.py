"""Whose label is wrong? Suspects by what a linear probe says of examples that it was not trained on.

C. Northcutt, L. Jiang and I. Chuang, Confident learning: estimating uncertainty in dataset labels, Journal of
Artificial Intelligence Research 70, 2021. They are suspects: of those flagged in ten known test sets about half were
truly wrong (C. Northcutt, A. Athalye and J. Mueller, arXiv 2103.14749).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tl_core.labs import linear

Ranking = Literal["self_confidence", "normalized_margin"]


@dataclass(frozen=True)
class Suspects:
    """How doubtful each label is. All arrays are in the order of the examples, but for `order`."""

    score: np.ndarray  # float64 [n]: the lower, the more doubtful
    order: np.ndarray  # int64 [n]: the examples, the most doubtful first
    flagged: np.ndarray  # bool [n]: confident learning takes it for wrong
    likely: np.ndarray  # int64 [n]: the class that it would rather be: of the others the most probable one
    joint: np.ndarray  # int64 [classes, classes]: examples by given label and by class that they confidently are of


@dataclass(frozen=True)
class Planted:
    """Labels of which some were made wrong on purpose."""

    labels: np.ndarray  # int64 [n]
    where: np.ndarray  # int64 [m], increasing: the examples whose label is wrong now


def out_of_fold(features: np.ndarray, labels: np.ndarray, classes: int, seed: int = 0) -> np.ndarray:
    """What a linear probe says of each example when it is trained on others: float32 [n, classes].

    Stratified five-fold cross-validation; the strength of its penalty is the one whose held-out loss is lowest.

    Args:
        features: float32 [n, d], of frozen blocks.
        labels: int [n], 0 to classes - 1; each class that occurs has two examples at least.
        classes: at least two.
        seed: of the folds.

    Raises:
        ValueError: as `tl_core.labs.linear.cross_validate`.
    """
    return linear.cross_validate(features, labels, classes, seed=seed).probabilities


def suspects(probabilities: np.ndarray, labels: np.ndarray, ranking: Ranking = "self_confidence") -> Suspects:
    """Rank labels by doubt, and flag those that confident learning takes for wrong.

    Self-confidence is the probability of the given label; the normalized margin is it less that of the most probable
    other class. Where doubt is equal the earlier example comes first.

    Args:
        probabilities: [n, classes], out of fold.
        labels: int [n], as given.
        ranking: what the score is.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),):
        raise ValueError(f"probabilities {probabilities.shape} and labels {labels.shape} do not fit together")
    rows = np.arange(len(labels))
    given = probabilities[rows, labels].astype(np.float64)
    others = probabilities.astype(np.float64)
    others[rows, labels] = -np.inf
    likely = others.argmax(1)
    score = given if ranking == "self_confidence" else given - others[rows, likely]
    confident, joint = _confident(probabilities, labels)
    flagged = (confident >= 0) & (confident != labels)
    return Suspects(score, np.argsort(score, kind="stable"), flagged, likely, joint)


def plant(labels: np.ndarray, fraction: float, classes: int, seed: int) -> Planted:
    """Make a share of the labels wrong: examples drawn without replacement, each gets one of the other classes.

    Args:
        labels: int [n], 0 to classes - 1.
        fraction: 0 to 1; the number of examples is rounded.
        classes: at least two.
        seed: not negative.

    Raises:
        ValueError: the fraction or the number of classes is another.
    """
    if not 0 <= fraction <= 1 or classes < 2:
        raise ValueError(f"{fraction} of the labels of {classes} classes cannot be made wrong")
    draw = np.random.default_rng(seed)
    where = np.sort(draw.choice(len(labels), round(fraction * len(labels)), replace=False))
    wrong = labels.astype(np.int64)
    wrong[where] = (wrong[where] + draw.integers(1, classes, size=len(where))) % classes
    return Planted(wrong, where)


def found(order: np.ndarray, planted: np.ndarray, share: float = 0.10) -> float:
    """The share of the planted labels among the most doubtful `share` of all (rounded up): 0.1 would be chance.

    Args:
        order: int [n], the examples, the most doubtful first.
        planted: int [m], at least one.
        share: above 0, at most 1.

    Raises:
        ValueError: nothing was planted.
    """
    if not len(planted):
        raise ValueError("nothing was planted")
    looked_at = order[: int(np.ceil(share * len(order)))]
    return float(np.isin(planted, looked_at).mean())


def _confident(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class that each example confidently is of (-1: of none), and the confident joint.

    A class's threshold is the mean probability that examples with this label are given for it. An example is
    confidently of a class that reaches its threshold, of several the most probable one (equation 1 of the paper).
    """
    classes = probabilities.shape[1]
    thresholds = np.array(
        [
            probabilities[labels == label, label].mean() if (labels == label).any() else np.inf
            for label in range(classes)
        ]
    )
    above = np.where(probabilities >= thresholds, probabilities, -1.0)
    confident = np.where(above.max(1) >= 0, above.argmax(1), -1)
    joint = np.zeros((classes, classes), np.int64)
    some = confident >= 0
    np.add.at(joint, (labels[some], confident[some]), 1)
    return confident, joint
