"""How pictures may be varied while a network learns, by name and by strength; nothing here imports TensorFlow."""

from typing import Literal, NamedTuple

Augmentation = Literal["none", "light", "strong"]


class Strength(NamedTuple):
    """The most that a view differs from its picture; each is drawn uniformly from minus to plus this."""

    shift: float  # fraction of the side
    zoom: float  # fraction
    rotation: float  # radians
    brightness: float  # fraction of the range of pixels that is added, as in keras.layers.RandomBrightness
    contrast: float  # of the distance from each channel's mean, as in keras.layers.RandomContrast


STRENGTHS = {"light": Strength(0.08, 0.12, 0.0, 0.0, 0.0), "strong": Strength(0.12, 0.25, 0.35, 0.12, 0.25)}
