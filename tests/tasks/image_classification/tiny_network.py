"""A backbone like a MobileNet, with as many blocks as one and two layers in each: it is traced in a moment."""

import keras

from tl_core.base.messages import message
from tl_core.images.pretrained.backbones import Backbone, Block

SIDE = 64
WIDTHS = (8, 12, 16, 24, 32)


def TinyNet(include_top: bool, weights: None, input_shape: tuple[int, int, int]) -> keras.Model:
    """Its layers with random weights, as keras.applications builds its networks; it has no top."""
    assert not include_top
    inputs = x = keras.Input(input_shape)
    for block, width in enumerate(WIDTHS):
        if block:
            x = keras.layers.DepthwiseConv2D(
                3, 1 if block == 1 else 2, "same", use_bias=False, name=f"block{block}_depthwise"
            )(x)
            x = keras.layers.BatchNormalization(name=f"block{block}_depthwise_bn")(x)
        kernel, strides = (1, 1) if block else (3, 2)
        x = keras.layers.Conv2D(width, kernel, strides, "same", use_bias=False, name=f"block{block}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"block{block}_bn")(x)
        x = keras.layers.ReLU(6.0, name=f"block{block}_out")(x)
    return keras.Model(inputs, x, name="tiny")


def _blocks() -> tuple[Block, ...]:
    found, before = [], 3
    for block, width in enumerate(WIDTHS):
        kernels = before * width * (1 if block else 9) + (before * 9 if block else 0)
        norms = width + (before if block else 0)
        found.append(
            Block(f"block{block}", f"block{block}_out", kernels + 4 * norms, kernels + 2 * norms, 5 if block else 3)
        )
        before = width
    return tuple(found)


TINY = Backbone(
    "tiny",
    "TinyNet",
    "TinyNet",
    {},
    message("For tests."),
    2026,
    "",
    0.0,
    _blocks(),
    channels=WIDTHS[-1],
    sizes={SIDE: SIDE // 16},
    default_size=SIDE,
    native_size=SIDE,
    scaling="tf",
    cpu_precision="float32",
    library=__name__,
)
