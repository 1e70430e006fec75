"""What a training may be asked for by name; nothing here imports TensorFlow."""

from typing import Literal

Optimizer = Literal["rmsprop", "adam", "adamw", "sgd"]
Schedule = Literal["constant", "cosine"]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
PhaseName = Literal["head", "fine-tuning", "from scratch"]

SLOTS: dict[Optimizer, int] = {"adam": 2, "adamw": 2, "rmsprop": 1, "sgd": 0}  # numbers that Keras keeps a parameter
EXACT_BYTES = 512 * 1024**2  # activations of a text that are kept as they were computed; more are rounded
AT_LAST = 0.1  # of the learning rate is left at the end of a cosine; a warm-up begins with as much


def warm_up(steps: int) -> int:
    """Steps at the beginning of a phase in which the learning rate rises, where it then falls along a cosine."""
    return min(20, max(1, steps // 10))
