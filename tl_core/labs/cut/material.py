"""What the probes learn from: the pictures of a dataset, or a part of them drawn at random."""

from dataclasses import replace

import numpy as np

from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import Split, split
from tl_core.labs import pictures
from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification import material

GONE = material.GONE
id, name, private = material.id, material.name, material.private  # what these ask of a config, this one has too


def load(config: CutConfig) -> Dataset:
    """The dataset in the state that was chosen, with at most as many pictures as are asked for.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    return pictures.load(config.data, config.pictures)


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
    return replace(parts, train=pictures.drawn(parts.train, labels, seed))
