"""About how long such an experiment takes on two cores. TensorFlow-free."""

from dataclasses import replace

from tl_core.labs.cut.estimate import LOAD, PICTURES, PROBE
from tl_core.labs.cut_texts.config import CutTextsConfig
from tl_core.tasks.text_classification import estimate


def seconds(config: CutTextsConfig, texts: int) -> float:
    """From Start to the last probe, with so many texts.

    Raises:
        UserError: the encoder is not here.
    """
    whole = config.training(len(config.places))
    passed = replace(whole, phases=tuple(replace(phase, epochs=0) for phase in whole.phases))  # the head learns nothing
    once = estimate.estimate(passed, texts, 0).seconds - estimate.BEGIN
    probes = 2 * config.seeds * len(config.places)
    return estimate.BEGIN + (1 + config.seeds) * (LOAD + once) + probes * PROBE * max(1.0, texts / PICTURES)
