"""What the probes learn from: the pictures of a dataset, or a part of them drawn at random."""

from tl_core.images.data.dataset import Dataset
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
