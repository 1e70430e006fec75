"""About how long such an experiment takes on two cores. TensorFlow-free."""

from tl_core.labs.cut.estimate import LOAD, PICTURES, PROBE
from tl_core.labs.sources.config import SOURCES, SourcesConfig, shapes
from tl_core.tasks.image_classification import estimate


def seconds(config: SourcesConfig, pictures: int) -> float:
    """From Start to the last probe, with so many pictures."""
    networks = [(each.name, each.image_size) for each in SOURCES.values()] + list(shapes()) * config.seeds
    passes = sum(LOAD + pictures / _rate(name, size) for name, size in networks)
    probes = config.seeds * (len(SOURCES) + len(shapes()))
    return estimate.BEGIN + passes + probes * PROBE * max(1.0, pictures / PICTURES)


def _rate(name: str, size: int) -> float:
    """Pictures a second through a network."""
    rate, measured = estimate.FORWARD.get(name, estimate.OTHERS)
    return rate * (measured / size) ** 2
