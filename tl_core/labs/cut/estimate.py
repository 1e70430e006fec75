"""About how long such an experiment takes on two cores. TensorFlow-free."""

from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification import estimate

LOAD = 3.0  # seconds to build a network and take its weights
PROBE = 0.4  # seconds that a probe takes with a few hundred pictures, the choice of its penalty included
PICTURES = 400


def seconds(config: CutConfig, pictures: int) -> float:
    """From Start to the last probe, with so many pictures."""
    rate, size = estimate.FORWARD.get(config.backbone.name, estimate.OTHERS)
    rate *= (size / config.backbone.image_size) ** 2
    networks = 1 + config.seeds
    probes = 2 * config.seeds * len(config.places)
    return estimate.BEGIN + networks * (LOAD + pictures / rate) + probes * PROBE * max(1.0, pictures / PICTURES)
