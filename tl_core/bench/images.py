"""Measure what `batchnorm` saves: one pass through a backbone, as Keras computes it and as this app does.

    python -m tl_core.bench.images [--backbones mobilenet_0.25 resnet50] [--image-size 224] [--batch 8]

Random weights and pictures, which cost what real ones cost. Both ways take turns in one process; the fastest pass of
each counts, since other programs only slow down.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 8


@dataclass(frozen=True)
class Figures:
    """Seconds per picture."""

    what: str
    keras: float
    app: float


def measure(name: str, image_size: int, batch: int, repeats: int = REPEATS) -> list[Figures]:
    """Prediction, fine-tuning of all blocks (statistics fixed) and training from scratch (statistics of the batch).

    Args:
        name: a row of the registry.
        image_size: pixels, one of that row's sizes.
        batch: pictures in a pass.
        repeats: passes of each.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    from tl_core.images.pretrained import batchnorm
    from tl_core.images.pretrained.backbones import backbone
    from tl_core.tasks.image_classification import network

    pictures = tf.constant(np.random.default_rng(0).uniform(-1, 1, (batch, image_size, image_size, 3)), tf.float32)
    base = network.load_base(backbone(name), "random", image_size)  # fused
    plain = keras.Model.from_config(base.get_config())
    folded = batchnorm.folded(base)

    def prediction(model: keras.Model) -> Callable[[], tf.Tensor]:
        return tf.function(lambda: model(pictures, training=False))

    def gradient(model: keras.Model, training: bool) -> Callable[[], tf.Tensor]:
        @tf.function
        def compute() -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model(pictures, training=training) ** 2)
            return tf.add_n([tf.reduce_sum(part) for part in tape.gradient(loss, model.trainable_variables)])

        return compute

    ways = {
        "prediction": (prediction(plain), prediction(folded)),
        "fine-tuning": (gradient(plain, False), gradient(folded, False)),
        "from scratch": (gradient(plain, True), gradient(base, True)),
    }
    found = []
    for what, both in ways.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(repeats + 2):
            for way, taken in zip(both, seconds, strict=True):
                began = time.perf_counter()
                way().numpy()
                if number >= 2:  # before that it traces, and libraries choose their layouts
                    taken.append(time.perf_counter() - began)
        found.append(Figures(what, *(min(taken) / batch for taken in seconds)))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    usual = ["mobilenetv2_0.5", "mobilenet_0.25", "resnet50", "efficientnetv2b0"]
    parser.add_argument("--backbones", nargs="+", default=usual, metavar="NAME", help=f"default {' '.join(usual)}")
    parser.add_argument("--image-size", type=int, default=224, help="pixels (224)")
    parser.add_argument("--batch", type=int, default=8, help="pictures in a pass (8)")


def main(args: argparse.Namespace) -> int:
    """Measure and print a table, the ratio first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    for name in args.backbones:
        for each in measure(name, args.image_size, args.batch):
            print(
                f"{each.keras / each.app:5.2f}x  {name:<18}{each.what:<14}"
                f"{1000 * each.app:8.2f} ms a picture, Keras {1000 * each.keras:8.2f} ms",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
