"""Stratified folds: each holds about the same share of every class."""

import numpy as np


def stratified(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal the examples of each class out to the folds, in an order drawn from (seed, class).

    The deal goes on from class to class where it stopped, so that folds differ by one example at most.

    Args:
        labels: int [n].
        folds: at least two, at most n.
        seed: not negative.

    Returns:
        The fold of each example, int64 [n].

    Raises:
        ValueError: there are fewer than two folds, or more than examples.
    """
    if not 2 <= folds <= len(labels):
        raise ValueError(f"{len(labels)} examples cannot be dealt out to {folds} folds")
    dealt = np.empty(len(labels), np.int64)
    start = 0
    for label in np.unique(labels):
        own = np.random.default_rng((seed, int(label))).permutation(np.flatnonzero(labels == label))
        dealt[own] = (start + np.arange(len(own))) % folds
        start += len(own)
    return dealt
