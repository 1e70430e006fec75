"""How pictures may be varied while a network learns, by name; nothing here imports TensorFlow."""

from typing import Literal

Augmentation = Literal["none", "light", "strong"]

AUGMENTATIONS: tuple[Augmentation, ...] = ("none", "light", "strong")
