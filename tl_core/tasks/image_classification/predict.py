"""A loaded image model, ready to say what is in pictures."""

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.engine.protocol import Answer
from tl_core.images import decoding
from tl_core.images.data import pictures
from tl_core.images.pretrained import batchnorm

BATCH = 16  # pictures passed through a network together


class Classifier:
    """A model, cut behind its resizing so that pictures of different sizes make one batch, and run once.

    Attributes:
        bytes: of its weights.
        version: changes when the model's file does.
    """

    def __init__(self, model: keras.Model, classes: tuple[str, ...], version: object):
        self.version = version
        self.bytes = sum(int(np.prod(weight.shape)) * 4 for weight in model.weights)
        self._classes = classes
        resized = next(layer.output for layer in model.layers if None not in layer.output.shape[1:])
        resize, rest = keras.Model(model.input, resized), batchnorm.folded(keras.Model(resized, model.output))
        pixels = tf.TensorSpec((1, None, None, 3), tf.float32)
        inputs = tf.TensorSpec((None, *resized.shape[1:]), resized.dtype)
        self._resize = tf.function(lambda x: resize(x, training=False), input_signature=[pixels], autograph=False)
        self._network = tf.function(lambda x: rest(x, training=False), input_signature=[inputs], autograph=False)
        self._network(self._resize(tf.zeros((1, 240, 320, 3))))

    def classify(
        self,
        names: Sequence[str],
        decoded: Iterable[np.ndarray | UserError],
        top: int,
        is_gone: Callable[[], bool],
    ) -> list[Answer]:
        """Say what is in pictures.

        Args:
            names: one for each picture.
            decoded: [h, w, 3] pixels 0 to 255 of any size, or what is wrong with the file; in the same order.
            top: so many classes for each, the likeliest first.
            is_gone: says that nobody waits any more; then the answers that are missing are left out.
        """
        inputs = [
            item if isinstance(item, UserError) else self._resize(item[None].astype(np.float32))[0] for item in decoded
        ]
        good = [item for item in inputs if not isinstance(item, UserError)]
        rows: list[np.ndarray] = []
        for start in range(0, len(good), BATCH):
            if is_gone():
                break
            rows += list(self._network(tf.stack(good[start : start + BATCH])).numpy())
        answers, results = [], iter(rows)
        for name, item in zip(names, inputs, strict=True):
            if isinstance(item, UserError):
                answers.append(Answer(name, (), item))
            elif (row := next(results, None)) is not None:
                best = np.argsort(-row, kind="stable")[:top]
                answers.append(Answer(name, tuple((self._classes[i], float(row[i])) for i in best)))
        return answers


def decoded_picture(data: bytes) -> np.ndarray | UserError:
    """The pixels of a picture file [h, w, 3], or what is wrong with it."""
    try:
        return decoding.decode(data)
    except pictures.Rejected as error:
        return UserError(error.reason, message("Choose another picture."))
