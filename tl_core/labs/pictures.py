"""The pictures of an experiment: all of a dataset, or a part of them drawn at random."""

from collections import Counter
from dataclasses import replace

import numpy as np

from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig

FEW = 10  # pictures that each class keeps, where it has them
KEPT = 0.8  # share of each class that a seed draws


def load(data: DataConfig, most: int) -> Dataset:
    """The dataset in the state that was chosen, with at most so many pictures.

    Each class keeps its share, and ten pictures at least. The same arguments draw the same pictures.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    dataset = datasets.load(data.dataset)
    total = len(dataset.images)
    if total <= most:
        return dataset
    counts = Counter(image.label for image in dataset.images)
    left = {label: max(round(count * most / total), FEW) for label, count in counts.items()}
    kept = []
    for index in np.random.default_rng(data.seed).permutation(total):
        image = dataset.images[index]
        if left[image.label]:
            left[image.label] -= 1
            kept.append(index)
    return replace(dataset, images=tuple(dataset.images[index] for index in sorted(kept)))


def drawn(indices: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Four fifths of these examples, of each class its share and one at least: what a seed learns from.

    Args:
        indices: int [m], into `labels`.
        labels: int [n], of all examples.
        seed: not negative.

    Returns:
        Some of the indices, int, increasing.
    """
    found = []
    for label in np.unique(labels[indices]):
        own = indices[labels[indices] == label]
        count = max(1, round(KEPT * len(own)))
        found.append(np.random.default_rng((seed, int(label))).permutation(own)[:count])
    return np.sort(np.concatenate(found))
