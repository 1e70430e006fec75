"""How pictures are divided into training, validation and test."""

from dataclasses import dataclass

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import setting
from tl_core.base.split import Split, TooFew, divide, few, per_class, split_seed, test_share, validation_share
from tl_core.images.data.dataset import Dataset

__all__ = ["DataConfig", "Split", "split"]


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are split.

    A dataset's own ready-made parts are respected: images marked train, validation or test stay there; the fractions
    apply to the parts that are missing (taken from the training images).
    """

    dataset: str = setting(  # dataset id (content hash, edits included)
        key="dataset", label=message("Version of the pictures"), term=message("pictures"), group="data"
    )
    validation: float = validation_share(  # fraction of each class
        message("The share of pictures that only measures progress. A ready-made split of the folder is kept.")
    )
    test: float = test_share(0.2)  # fraction of each class
    seed: int = split_seed(message("Another number draws other pictures for validation and test."))
    per_class: int = per_class(  # training pictures of each class that are used; 0 is all
        message("So many pictures of each class are learned from; the seed of the split draws which.")
    )


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Assign every picture to one part, as `divide` says; folders may have named their parts. Of the training
    pictures some may be left out, as `few` says.

    Returns:
        Indices into `dataset.images`.

    Raises:
        UserError: fewer than two classes have pictures, or a class has too few for the parts asked for.
    """
    filled = sum(count > 0 for count in dataset.counts)
    if filled < 2:
        raise UserError(
            message("Training needs at least two classes with pictures; there are {n}.", n=filled),
            message("Add a folder of pictures for each further class."),
        )
    try:
        parts = divide(dataset.images, len(dataset.classes), config.validation, config.test, config.seed)
    except TooFew as error:
        raise UserError(
            message(
                "The class {name} has too few different pictures ({n}) for this split.",
                name=dataset.classes[error.label],
                n=error.count,
            ),
            message("Add pictures to it, remove the class, or set the test share to zero."),
        ) from error
    return few(parts, np.array([image.label for image in dataset.images]), config.per_class, config.seed)
