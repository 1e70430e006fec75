"""One optimizer step, one evaluation, and the windows of tokens that they take."""

import math
from collections.abc import Callable

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.text.pretrained.model import lower_part
from tl_core.training import precision

AT_ONCE = 8  # windows evaluated together, at most
A_MOMENT = 3e10  # and operations: less than a second on two cores, so that Stop is obeyed soon


def stepper(
    network: keras.Model, below: int, optimizer: keras.Optimizer, variables: list[keras.Variable]
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """One optimizer step: input of the upper part, targets int32 [batch, time] -> loss, accuracy."""

    @tf.function(reduce_retracing=True, autograph=False)
    def step(inputs: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            losses, hits = _losses(network, below, inputs, targets, training=True)
            loss = tf.reduce_mean(losses)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, [v.value for v in variables]), variables)
        return loss, tf.reduce_mean(hits)

    return step


def evaluator(
    network: keras.Model, below: int, should_stop: Callable[[], bool]
) -> Callable[[np.ndarray], tuple[float, float]]:
    """Mean loss and accuracy over windows; NaN where there are none. It raises Stopped where `should_stop` says so."""

    @tf.function(reduce_retracing=True, autograph=False)
    def losses(windows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        tokens = windows[:, :-1]
        inputs = lower_part(network, below, tokens) if below else tokens
        return _losses(network, below, inputs, windows[:, 1:], training=False)

    def evaluate(windows: np.ndarray) -> tuple[float, float]:
        if not len(windows):
            return math.nan, math.nan
        sums = np.zeros(2)
        most = int(np.clip(A_MOMENT / (2 * network.count_params() * windows.shape[1]), 1, AT_ONCE))
        for start in range(0, len(windows), most):
            if should_stop():
                raise Stopped
            part = windows[start : start + most]
            filled = np.resize(part, (most, windows.shape[1]))  # one size, one program: tracing takes seconds
            sums += [float(value.numpy()[: len(part)].sum()) for value in losses(tf.constant(filled))]
        return tuple((sums / (windows.shape[0] * (windows.shape[1] - 1))).tolist())

    return evaluate


def _losses(
    network: keras.Model, below: int, inputs: tf.Tensor, targets: tf.Tensor, training: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross-entropy in nats and hits of every target, float32 [batch, time].

    `inputs` are the activations at the boundary, or tokens where nothing is frozen.
    """
    if below == 0:
        inputs = lower_part(network, 0, inputs, training)
    x = tf.cast(inputs, network.compute_dtype)
    for block in network.transformer_layers[max(0, below - 1) :]:
        x = block(x, training=training)
    logits = tf.cast(network.token_embedding(network.layer_norm(x), reverse=True), tf.float32)
    hits = tf.cast(tf.argmax(logits, -1, tf.int32) == targets, tf.float32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), hits


def bfloat16_gain(width: int, heads: int, windows: int, context: int, should_stop: Callable[[], bool]) -> float:
    """How many times as fast as in float32 a block of this size learns in bfloat16 on this CPU; in a few seconds."""

    def learning(dtype: str) -> Callable[[], tf.Tensor]:
        policy = "float32" if dtype == "float32" else f"mixed_{dtype}"
        block = keras_hub.layers.TransformerDecoder(
            4 * width, heads, activation="gelu", normalize_first=True, dtype=policy
        )
        inputs = tf.random.normal((windows, context, width), seed=0)
        block(inputs)  # builds it

        @tf.function(autograph=False)
        def run() -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.cast(block(inputs, training=True), tf.float32) ** 2)
            return tf.add_n([tf.reduce_sum(each) for each in tape.gradient(loss, block.trainable_variables)])

        return run

    return precision.gain(("block", width, heads, windows, context), learning, should_stop)


def order(count: int, batch: int, seed: int, step: int) -> np.ndarray:
    """Which windows make up a step: every reading of the text in another order, drawn from (seed, reading)."""
    wanted = np.arange(step * batch, (step + 1) * batch)
    orders = {
        int(reading): np.random.default_rng((seed, int(reading))).permutation(count)
        for reading in np.unique(wanted // count)
    }
    return np.array([orders[int(i // count)][i % count] for i in wanted])


def windows_of(row: np.ndarray, context: int) -> np.ndarray:
    """Cut a row of tokens into windows [n, context + 1] that share one token with their neighbours."""
    count = max(0, (len(row) - 1) // context)
    return row[np.arange(count)[:, None] * context + np.arange(context + 1)]


def spread(windows: np.ndarray, most: int) -> np.ndarray:
    """At most so many windows, evenly spread."""
    if len(windows) <= max(1, most):
        return windows
    return windows[np.linspace(0, len(windows) - 1, max(1, most)).round().astype(int)]
