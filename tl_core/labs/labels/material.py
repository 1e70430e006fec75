"""What is searched for wrong labels, and what judges the heads: parts of the pictures that have none in common."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.labs import label_errors, pictures
from tl_core.labs.labels.config import LabelsConfig
from tl_core.tasks.image_classification import material

GONE = material.GONE
id, name, private = material.id, material.name, material.private  # what these ask of a config, this one has too


@dataclass(frozen=True)
class Parts:
    """Which pictures are searched and which ones judge: indices into `Dataset.images`, increasing int64 arrays."""

    searched: np.ndarray
    judging: np.ndarray
    judge: Literal["test", "validation"]  # which part of the split the latter are


def load(config: LabelsConfig) -> Dataset:
    """The dataset in the state that was chosen, with at most as many pictures as are asked for.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    return pictures.load(config.data, config.pictures)


def parts(config: LabelsConfig, dataset: Dataset) -> Parts:
    """Training and validation pictures are searched, and test pictures judge; without these those of validation do.

    Raises:
        UserError: there are too few pictures.
    """
    found = split(dataset, config.data)
    if len(found.test):
        return Parts(np.sort(np.concatenate([found.train, found.validation])), found.test, "test")
    if not len(found.validation):
        raise UserError(
            message("There are no pictures to judge the heads on."),
            message("Give validation or the last test a share of the pictures."),
        )
    return Parts(found.train, found.validation, "validation")


def planted(config: LabelsConfig, labels: np.ndarray, classes: int, seed: int) -> label_errors.Planted:
    """The labels that a seed searches: those of the dataset, int [n], of which a share is made wrong.

    Raises:
        UserError: there are too few pictures.
    """
    made = label_errors.plant(labels, config.planted, classes, config.data.seed + seed)
    if np.unique(made.labels, return_counts=True)[1].min() < 2 or (config.planted and not len(made.where)):
        raise UserError(
            message("There are too few pictures to search for wrong labels."),
            message("Add pictures, or give less to validation and test."),
        )
    return made
