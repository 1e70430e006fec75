"""Optimizer steps and predictions, many of them in one call of TensorFlow.

A small head takes well under a millisecond a step, and asking Python in between would cost more than the step. So a
call gets the rows of several batches and loops over them inside the graph; how many, `Pace` decides: about a tenth of
a second's worth, so that Stop is obeyed at once and a batch curve can grow.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

BATCH = 32  # rows in a batch of predictions
MOST_BYTES = 64 * 1024 * 1024  # rows handed over in one call, together


class Activations(Protocol):
    """The rows that training starts from: what frozen blocks make of examples, in one or several views."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""

    @property
    def dtype(self) -> np.dtype:
        """Of the rows."""

    def stored(self, view: int) -> bool:
        """Whether this view's rows are read from the cache."""

    def rows(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Rows of these examples in this order, from the cache."""

    def computed(self, indices: np.ndarray, view: int, batch_size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute rows now; yields (place in `indices`, [n, *shape]) batch by batch."""


class Pace:
    """How many batches to hand over in one call; `batches` grows and shrinks with the time that calls take."""

    def __init__(self, activations: Activations, batch_size: int):
        self.batch_size = batch_size
        row = int(np.prod(activations.shape)) * activations.dtype.itemsize
        self.most = max(1, MOST_BYTES // (row * batch_size))
        self.batches = 1

    def took(self, seconds: float) -> None:
        """Say how long the latest call took."""
        if seconds < 0.05:
            self.batches = min(2 * self.batches, self.most)
        elif seconds > 0.15:
            self.batches = max(self.batches // 2, 1)


def chunks(
    activations: Activations, indices: np.ndarray, view: int, pace: Pace
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield some of `indices` and their rows, in order, whole batches but for the last: read or computed."""
    if not activations.stored(view):
        for place, rows in activations.computed(indices, view, pace.batch_size):
            yield indices[place], rows
        return
    start = 0
    while start < len(indices):
        some = indices[start : start + pace.batches * pace.batch_size]
        yield some, activations.rows(some, view)
        start += len(some)


def trainer(
    part: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    activations: Activations,
    batch_size: int,
    label_smoothing: float = 0.0,
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[tf.Tensor, tf.Tensor]]:
    """A function that takes one optimizer step after the other over consecutive batches.

    Args:
        part: activations to probabilities; its trainable variables are trained.
        optimizer: built for them.
        activations: say shape and dtype of the rows.
        batch_size: rows in a step; the last step of a call may have fewer.
        label_smoothing: share of each label that is spread over all classes in what the steps descend.

    Returns:
        A function from rows [n, ...], labels int32 [n] and weights in the loss float32 [n] to the sum of the weighted
        losses (against the labels as they are, to be compared with those of validation), and how many rows were
        classified correctly (while the network changed).
    """
    variables = part.trainable_variables

    def step(rows: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            probabilities = part(rows, training=True)
            smoothed = _losses(labels, probabilities, label_smoothing) * importance
            scaled = optimizer.scale_loss(tf.reduce_mean(smoothed))
        optimizer.apply(tape.gradient(scaled, variables), variables)
        losses = _losses(labels, probabilities) * importance if label_smoothing else smoothed
        total = tf.cast(tf.reduce_sum(losses), tf.float64)  # sums the same however the steps are divided among calls
        return total, tf.math.count_nonzero(_classes(probabilities) == labels, dtype=tf.int32)

    signature = [_rows(activations), tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.float32)]

    @tf.function(input_signature=signature, autograph=False)
    def take(rows: tf.Tensor, labels: tf.Tensor, importance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def body(start: tf.Tensor, total: tf.Tensor, right: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            end = start + batch_size
            loss, hits = step(rows[start:end], labels[start:end], importance[start:end])
            return end, total + loss, right + hits

        count = tf.shape(rows)[0]
        begin = (tf.constant(0), tf.constant(0.0, tf.float64), tf.constant(0))
        return tf.while_loop(lambda start, *_: start < count, body, begin, parallel_iterations=1)[1:]

    return take


def predictor(part: keras.Model, activations: Activations) -> Callable[[np.ndarray], tf.Tensor]:
    """A function from rows [n, ...] to what `part` says of them, float32 [n, outputs], in inference mode."""

    @tf.function(input_signature=[_rows(activations)], autograph=False)
    def predict(rows: tf.Tensor) -> tf.Tensor:
        def body(start: tf.Tensor, said: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            probabilities = part(rows[start : start + BATCH], training=False)
            return start + BATCH, said.write(start // BATCH, probabilities)

        count = tf.shape(rows)[0]
        outputs = part.head.output_shape[-1]
        said = tf.TensorArray(tf.float32, 0, dynamic_size=True, infer_shape=False, element_shape=(None, outputs))
        return tf.while_loop(lambda start, _: start < count, body, (tf.constant(0), said))[1].concat()

    return predict


def importance(labels: np.ndarray, training: np.ndarray, balanced: bool) -> np.ndarray:
    """Each example's weight in the loss: 1, or examples / (classes * examples of its class), as in scikit-learn.

    Args:
        labels: int32 [n], of all examples.
        training: indices of those that are trained on.
        balanced: whether rare classes weigh more.
    """
    if not balanced:
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels[training], minlength=labels.max() + 1)
    return (len(training) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[labels].astype(np.float32)


def _rows(activations: Activations) -> tf.TensorSpec:
    return tf.TensorSpec((None, *activations.shape), activations.dtype)


def _losses(labels: tf.Tensor, probabilities: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """Cross-entropy of each row, natural logarithm; [n, 1] is the probability of class 1 of two."""
    if probabilities.shape[-1] == 1:
        one = tf.cast(labels, tf.float32)[:, None]
        return keras.losses.binary_crossentropy(one, probabilities, label_smoothing=smoothing)
    if smoothing:
        rows = tf.one_hot(labels, probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(rows, probabilities, label_smoothing=smoothing)
    return keras.losses.sparse_categorical_crossentropy(labels, probabilities)


def _classes(probabilities: tf.Tensor) -> tf.Tensor:
    if probabilities.shape[-1] == 1:
        return tf.cast(probabilities[:, 0] > 0.5, tf.int32)
    return tf.argmax(probabilities, -1, tf.int32)
