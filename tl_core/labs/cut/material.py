"""What the probes learn from: the pictures of a dataset, or a part of them drawn at random."""

from collections import Counter
from dataclasses import replace

import numpy as np

from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import Split, split
from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification import material

GONE = material.GONE
id, name, private = material.id, material.name, material.private  # what these ask of a config, this one has too

FEW = 10  # pictures that each class keeps, where it has them
KEPT = 0.8  # share of the training pictures that a seed draws where the folder names its parts


def load(config: CutConfig) -> Dataset:
    """The dataset in the state that was chosen, with at most as many pictures as are asked for.

    Each class keeps its share, and ten pictures at least. The same config draws the same pictures.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    dataset = datasets.load(config.data.dataset)
    total = len(dataset.images)
    if total <= config.pictures:
        return dataset
    counts = Counter(image.label for image in dataset.images)
    left = {label: max(round(count * config.pictures / total), FEW) for label, count in counts.items()}
    kept = []
    for index in np.random.default_rng(config.data.seed).permutation(total):
        image = dataset.images[index]
        if left[image.label]:
            left[image.label] -= 1
            kept.append(index)
    return replace(dataset, images=tuple(dataset.images[index] for index in sorted(kept)))


def division(config: CutConfig, dataset: Dataset, seed: int) -> Split:
    """Which pictures a seed's probes learn from and are tested on; indices into `dataset.images`.

    Seed 0 divides as a run with these settings does, others anew. Where the folder names its parts, they stay, and a
    seed learns from four fifths of the training pictures.

    Raises:
        UserError: there are too few pictures.
    """
    parts = split(dataset, replace(config.data, seed=config.data.seed + seed))
    if all(image.part is None for image in dataset.images):
        return parts
    labels = np.array([image.label for image in dataset.images])
    drawn = []
    for label in np.unique(labels[parts.train]):
        own = parts.train[labels[parts.train] == label]
        count = max(1, round(KEPT * len(own)))
        drawn.append(np.random.default_rng((seed, int(label))).permutation(own)[:count])
    return replace(parts, train=np.sort(np.concatenate(drawn)))
