"""What a run learns from: the pictures of a dataset."""

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.tasks.image_classification.config import RunConfig

GONE = message("pictures that have been deleted")


def load(config: RunConfig) -> Dataset:
    """The dataset, in the state that the run was given.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    return datasets.load(config.data.dataset)


def id(config: RunConfig) -> str:
    """What the dataset is known by in all its states."""
    return config.data.dataset.split("@")[0]


def name(config: RunConfig) -> str | None:
    """What the dataset is called; None where it has been deleted."""
    try:
        return load(config).name
    except UserError:
        return None


def private(config: RunConfig) -> str | None:
    """Whose alone it is to see what a run shows of the pictures: nobody's, everybody may see them."""
    return None
