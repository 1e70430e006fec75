"""What the channels of a block make of one picture: its feature maps, the ones that vary most over the picture first.

After M. Zeiler and R. Fergus, Visualizing and understanding convolutional networks, 2014,
https://arxiv.org/abs/1311.2901.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from tl_core.images.pretrained import batchnorm
from tl_core.tasks.image_classification.calls import Channel, Channels

SHOWN = 16  # channels that are told of a block


class ChannelReader:
    """Reads all blocks of one network in one pass.

    Args:
        model: flat and functional.
        pixels: where in it the picture has its square size, [n, side, side, 3] of 0 to 255.
        cuts: the layer that ends each block, by the block's name, in their order.
    """

    def __init__(self, model: keras.Model, pixels: keras.KerasTensor, cuts: Mapping[str, str]):
        self._model, self._pixels, self.cuts = model, pixels, cuts

    def read(self, pixels: np.ndarray, block: str) -> Channels:
        """The feature maps of one block.

        Args:
            pixels: float32 [side, side, 3], 0 to 255.
            block: its name.
        """
        maps = dict(zip(self.cuts, self._read(tf.constant(pixels[None])), strict=True))[block][0].numpy()
        spread = maps.std((0, 1))
        strongest = np.argsort(-spread, kind="stable")[:SHOWN]
        return Channels(
            block,
            total=maps.shape[-1],
            flat=int((spread <= 1e-6 * max(float(np.abs(maps).max()), 1e-6)).sum()),
            shown=tuple(
                Channel(int(number), tuple(tuple(map(float, row)) for row in maps[..., number])) for number in strongest
            ),
        )

    @cached_property
    def _read(self) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        outputs = [self._model.get_layer(cut).output for cut in self.cuts.values()]
        model = batchnorm.folded(keras.Model(self._pixels, outputs))
        inputs = tf.TensorSpec((1, *self._pixels.shape[1:]), tf.float32)

        def read(x: tf.Tensor) -> list[tf.Tensor]:
            return [tf.cast(maps, tf.float32) for maps in tf.nest.flatten(model(x, training=False))]

        return tf.function(read, input_signature=[inputs], autograph=False)
