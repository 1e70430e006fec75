"""From stored JPEGs to pixels, one way for all: training, classification and the examples that go with an export.

Decoding is Pillow's, resizing is the first layers of the saved model.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data import pictures

THREADS = max(2, min(8, os.cpu_count() or 2))


def decode(data: bytes) -> np.ndarray:
    """Any supported picture file as upright RGB pixels, uint8 [height, width, 3].

    Raises:
        tl_core.images.data.pictures.Rejected: not a picture, damaged or too large.
    """
    clean = pictures.clean(data)
    return np.asarray(Image.open(io.BytesIO(clean.data)).convert("RGB"))


def resizer(preprocessing: keras.Model, augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None) -> Callable:
    """A function from one picture (uint8 [h, w, 3]) and its seed (int32 [2]) to network input, float32 [size, size, 3].

    Args:
        preprocessing: from `tl_core.tasks.image_classification.network`.
        augment: applied to pixels 0..255 of the network's size, before they are scaled.
    """

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((2,), tf.int32)], autograph=False
    )
    def prepared(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        batch = tf.cast(pixels, tf.float32)[None]
        if augment is not None:
            batch = augment(batch, seed)
        return preprocessing(batch)[0]

    return prepared


def batches(
    paths: Sequence[Path],
    seeds: np.ndarray | None,
    prepared: Callable,
    batch_size: int,
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Decode and prepare pictures on threads, a few batches ahead of whoever consumes them.

    Args:
        paths: stored JPEGs.
        seeds: int32 [n, 2], for the augmentation; None without one.
        prepared: from `resizer`.
        batch_size: pictures in a batch; the last one may be smaller.
        change: what is done to a picture before that, uint8 [h, w, 3] in and out; None: nothing.

    Yields:
        The positions in `paths`, and float32 [batch, size, size, 3].

    Raises:
        UserError: a file is gone or damaged.
    """

    if seeds is None:
        seeds = np.zeros((len(paths), 2), np.int32)

    def one(index: int) -> np.ndarray:
        try:
            with Image.open(paths[index]) as image:
                pixels = np.asarray(image.convert("RGB"))
        except OSError as error:
            raise UserError(
                message("A picture of the dataset cannot be read ({reason}).", reason=str(error)[:200]),
                message("Bring the pictures in again; the dataset's files are damaged or gone."),
            ) from error
        if change is not None:
            pixels = change(pixels)
        return prepared(tf.constant(pixels), tf.constant(seeds[index])).numpy()

    places = [slice(start, min(start + batch_size, len(paths))) for start in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(THREADS) as pool:
        ahead = [[pool.submit(one, i) for i in range(place.start, place.stop)] for place in places[:3]]
        try:
            for number, place in enumerate(places):
                batch = np.stack([future.result() for future in ahead.pop(0)])
                if number + 3 < len(places):
                    following = places[number + 3]
                    ahead.append([pool.submit(one, i) for i in range(following.start, following.stop)])
                yield place, batch
        finally:
            for futures in ahead:
                for future in futures:
                    future.cancel()
