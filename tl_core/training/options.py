"""What a training may be asked for by name; nothing here imports TensorFlow."""

from typing import Literal

Optimizer = Literal["rmsprop", "adam", "adamw", "sgd"]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

OPTIMIZERS: tuple[Optimizer, ...] = ("rmsprop", "adam", "adamw", "sgd")
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
