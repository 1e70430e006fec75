"""Ranks with ties, and what is computed from them."""

import numpy as np


def average(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on, float64 [n]; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's rank correlation, -1 to 1; None where one of them is the same everywhere or has one value.

    Args:
        first, second: [n], of the same n things.

    Raises:
        ValueError: the lengths differ.
    """
    _check(first, second)
    a, b = (average(np.asarray(values)) - (len(first) + 1) / 2 for values in (first, second))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else None


def kendall(first: np.ndarray, second: np.ndarray) -> float | None:
    """Kendall's tau-b, -1 to 1, which allows for ties: pairs in the same order less pairs in the opposite order.

    None where one of them is the same everywhere or has one value. Memory grows with n squared.

    Args:
        first, second: [n], of the same n things.

    Raises:
        ValueError: the lengths differ.
    """
    _check(first, second)
    a, b = (np.sign(np.subtract.outer(np.asarray(values), np.asarray(values))) for values in (first, second))
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size else None


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be compared with {len(second)}")
