"""Seeded views of a picture: the same (seed, picture, view) is always the same view, so that views can be cached."""

import hashlib

import numpy as np
import tensorflow as tf

from tl_core.images.options import STRENGTHS, Augmentation

VERSION = 2  # of what a view is; raise it when their meaning changes: views are cached


def seeds(ids: list[str], seed: int, view: int) -> np.ndarray:
    """What decides the views of these pictures: int32 [n, 2], from SHA-256 over picture, run seed and view."""
    digests = [hashlib.sha256(f"{picture}/{seed}/{view}".encode()).digest()[:8] for picture in ids]
    return np.frombuffer(b"".join(digests), np.int32).reshape(-1, 2).copy()


def augmenter(strength: Augmentation, image_size: int) -> "tf.types.experimental.Callable":
    """A function from pixels (float32 [1, h, w, 3], 0..255) and a seed (int32 [2]) to a view of the same range.

    The view has the network's size and is cut from the central square, as the preprocessing would do it. Half of the
    views are mirrored; shift, zoom and rotation are drawn uniformly and what lies outside the picture is its mirror
    image; brightness and contrast follow, with the meaning that Keras' layers of these names give them.
    """
    shift, zoom, rotation, brightness, contrast = STRENGTHS[strength]

    def augment(pixels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        drawn = tf.random.stateless_uniform((7,), seed, -1.0, 1.0)
        height, width = tf.cast(tf.shape(pixels)[1], tf.float32), tf.cast(tf.shape(pixels)[2], tf.float32)
        scale = tf.minimum(height, width) / image_size * (1.0 + zoom * drawn[0])
        mirrored = tf.where(drawn[1] < 0, -1.0, 1.0)
        cosine, sine = tf.cos(rotation * drawn[2]) * scale, tf.sin(rotation * drawn[2]) * scale
        middle = (image_size - 1) / 2
        offset_x = (width - 1) / 2 + shift * drawn[3] * tf.minimum(height, width)
        offset_y = (height - 1) / 2 + shift * drawn[4] * tf.minimum(height, width)
        # Output (x, y) comes from input (a0 x + a1 y + a2, b0 x + b1 y + b2).
        a0, a1, b0, b1 = mirrored * cosine, -sine, mirrored * sine, cosine
        transform = tf.stack([a0, a1, offset_x - (a0 + a1) * middle, b0, b1, offset_y - (b0 + b1) * middle, 0.0, 0.0])
        view = tf.raw_ops.ImageProjectiveTransformV3(
            images=pixels,
            transforms=transform[None],
            output_shape=(image_size, image_size),
            interpolation="BILINEAR",
            fill_mode="REFLECT",
            fill_value=0.0,
        )
        view = tf.clip_by_value(view + 255.0 * brightness * drawn[5], 0.0, 255.0)
        mean = tf.reduce_mean(view, (1, 2), keepdims=True)
        view = mean + (view - mean) * (1.0 + contrast * drawn[6])
        return tf.clip_by_value(view, 0.0, 255.0)

    return augment
