"""About how long such an experiment takes on two cores. TensorFlow-free."""

from tl_core.labs.cut.estimate import LOAD, PICTURES
from tl_core.labs.labels.config import LabelsConfig
from tl_core.tasks.image_classification import estimate

SEED = 4.0  # seconds of folds and heads with a few hundred pictures


def seconds(config: LabelsConfig, pictures: int) -> float:
    """From Start to the last head, with so many pictures."""
    rate, size = estimate.FORWARD.get(config.backbone.name, estimate.OTHERS)
    rate *= (size / config.backbone.image_size) ** 2
    return estimate.BEGIN + LOAD + pictures / rate + config.seeds * SEED * max(1.0, pictures / PICTURES)
