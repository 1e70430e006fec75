"""The network of an experiment: an encoder divided at the freeze boundary, and the head.

    tokens -> embeddings and frozen layers (computed once) | upper layers (trained) -> mean over tokens -> head

What lies between is one array a text, a row. Where all blocks are frozen it is the mean, [width]; else the activations
[time, width + 1], whose last column says with 1 and 0 which tokens belong to the text; where nothing below a layer is
frozen, the tokens themselves, [time].
"""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tl_core.tasks.text_classification.config import HeadConfig
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoder import LoadedEncoder


@dataclass(frozen=True)
class Row:
    """What a row is at a boundary."""

    shape: tuple[int, ...]
    dtype: np.dtype


def row(encoder: LoadedEncoder, frozen: int, length: int) -> Row:
    """The kind of row below which so many blocks are frozen."""
    if frozen <= 1:
        return Row((length,), np.dtype(np.int32))
    width = encoder.shape.width
    whole = frozen == len(encoder.shape.blocks)
    return Row((width,) if whole else (length, width + 1), np.dtype(np.float32))


def lower(encoder: LoadedEncoder, frozen: int, tokens: tf.Tensor) -> tf.Tensor:
    """Rows of tokens int32 [batch, time], float32; for more than one frozen block."""
    mask = tokens != encoder.padding
    x = encoders.through(encoder, encoders.embedded(encoder, tokens), mask, 0, frozen - 1)
    x = tf.cast(x, tf.float32)
    if frozen == len(encoder.shape.blocks):
        return encoders.mean(x, mask)
    return tf.concat([x, tf.cast(mask, tf.float32)[:, :, None]], -1)


def build_head(config: HeadConfig, classes: int, width: int, seed: int) -> keras.Model:
    """The mean over a text's tokens [width] to probabilities [classes], float32; weights are drawn from the seed."""
    draw = (keras.initializers.GlorotUniform(seed + number) for number in range(2))
    inputs = x = keras.Input((width,), dtype="float32", name="mean")
    if config.units:
        x = keras.layers.Dense(config.units, "relu", kernel_initializer=next(draw), name="hidden")(x)
    if config.dropout:
        x = keras.layers.Dropout(config.dropout, seed=seed, name="dropout")(x)
    outputs = keras.layers.Dense(
        classes, "softmax", kernel_initializer=next(draw), dtype="float32", name="probabilities"
    )(x)
    return keras.Model(inputs, outputs, name="head")


class TrainedPart(keras.Model):
    """Rows to probabilities: the blocks above a boundary, and the head.

    Args:
        encoder: whose blocks they are.
        frozen: leading blocks that stay as they are.
        head: from `build_head`.
    """

    def __init__(self, encoder: LoadedEncoder, frozen: int, head: keras.Model):
        super().__init__(name="trained_part")
        self.encoder, self.frozen, self.head = encoder, frozen, head
        self.total = len(encoder.shape.blocks)

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """The upper blocks' and the head's."""
        return [*encoders.block_variables(self.encoder, self.frozen), *self.head.trainable_variables]

    def call(self, rows: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Probabilities float32 [batch, classes]."""
        if self.frozen == self.total:
            return self.head(rows, training=training)
        if self.frozen <= 1:
            mask = rows != self.encoder.padding
            x = encoders.embedded(self.encoder, rows, training and self.frozen == 0)
        else:
            x, mask = tf.cast(rows[..., :-1], self.compute_dtype), rows[..., -1] > 0
        x = encoders.through(self.encoder, x, mask, max(0, self.frozen - 1), self.total - 1, training)
        return self.head(encoders.mean(tf.cast(x, tf.float32), mask), training=training)
