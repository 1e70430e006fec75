"""GPT-2's network in plain TensorFlow operations over weights named as the Hub names them.

Sources: Radford et al. 2019 (GPT-2), Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762), layer normalisation before
each part after Xiong et al. 2020 (https://arxiv.org/abs/2002.04745), tanh-approximated gelu after Hendrycks & Gimpel
2016 (https://arxiv.org/abs/1606.08415).
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tl_core.text.pretrained.shape import Shape, block_shapes, weight_shapes

EPSILON = 1e-5
Weights = Mapping[str, tf.Tensor | tf.Variable | tuple[tf.Tensor, ...]]


def random_weights(shape: Shape, seed: int) -> dict[str, np.ndarray]:
    """Float32 weights as GPT-2 starts: normal with deviation 0.02, residual projections narrower by sqrt(2 layers)."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, size in weight_shapes(shape).items():
        if name.endswith("bias"):
            weights[name] = np.zeros(size, np.float32)
        elif "ln_" in name:
            weights[name] = np.ones(size, np.float32)
        else:
            deviation = 0.02 / np.sqrt(2 * shape.layers) if name.endswith("c_proj.weight") else 0.02
            weights[name] = random.normal(0, deviation, size).astype(np.float32)
    return weights


def hidden_states(
    weights: Weights, shape: Shape, tokens: tf.Tensor, dropout: float = 0.0, seed: tf.Tensor | None = None
) -> tf.Tensor:
    """The last layer's normalised output: int32 [batch, time] of static shape -> [batch, time, width].

    With `dropout` above 0 it is applied where GPT-2 has it, save to the attention weights, drawn from `seed` int32 [2].
    """
    length = tokens.shape[1]
    x = _drop(embedded(weights, tokens), dropout, seed, 0)
    mask = tf.constant(np.triu(np.full((length, length), -1e9, np.float32), 1), x.dtype)
    for layer in range(shape.layers):
        own = {name: weights[f"h.{layer}.{name}"] for name in block_shapes(shape.width)}
        attended, _shares = _attention(normalised(x, own["ln_1.weight"], own["ln_1.bias"]), own, shape.heads, mask)
        x += _drop(attended, dropout, seed, 2 * layer + 1)
        x += _drop(feed_forward(normalised(x, own["ln_2.weight"], own["ln_2.bias"]), own), dropout, seed, 2 * layer + 2)
    return normalised(x, weights["ln_f.weight"], weights["ln_f.bias"])


def attention_maps(weights: Weights, shape: Shape, tokens: Sequence[int], last: int) -> np.ndarray:
    """How much each of the last tokens looks at each of them, in every head.

    Returns:
        float32 [layers, heads, n, n], rows look at columns; n is `last`, or less for a shorter text. A row sums to 1
        together with what it gives to the tokens before.
    """
    x = embedded(weights, tf.constant([list(tokens)], tf.int32))
    mask = tf.constant(np.triu(np.full((len(tokens), len(tokens)), -1e9, np.float32), 1))
    maps = []
    for layer in range(shape.layers):
        own = {name: weights[f"h.{layer}.{name}"] for name in block_shapes(shape.width)}
        attended, shares = _attention(normalised(x, own["ln_1.weight"], own["ln_1.bias"]), own, shape.heads, mask)
        maps.append(shares[0, :, -last:, -last:])
        x += attended
        x += feed_forward(normalised(x, own["ln_2.weight"], own["ln_2.bias"]), own)
    return tf.stack(maps).numpy()


def embedded(weights: Weights, tokens: tf.Tensor, start: tf.Tensor | int = 0) -> tf.Tensor:
    """Token plus position: int32 [batch, time], the first at position `start` -> [batch, time, width]."""
    positions = weights["wpe.weight"][start : start + tf.shape(tokens)[1]]
    return tf.gather(weights["wte.weight"], tokens) + positions


def feed_forward(x: tf.Tensor, own: Weights) -> tf.Tensor:
    """A block's two-layer network."""
    return dense(tf.nn.gelu(dense(x, own, "mlp.c_fc"), approximate=True), own, "mlp.c_proj")


def dense(x: tf.Tensor, own: Weights, name: str) -> tf.Tensor:
    """Times the weight plus the bias called `name`, over the last axis, as flat matrix products."""
    weight: Any = own[f"{name}.weight"]
    bias: Any = own[f"{name}.bias"]
    flat = added(products(tf.reshape(x, (-1, x.shape[-1])), weight)) + bias
    return tf.reshape(flat, tf.concat([tf.shape(x)[:-1], bias.shape], 0)) if len(x.shape) > 2 else flat


def products(x: tf.Tensor, weight: tf.Tensor | tuple[tf.Tensor, ...]) -> list[tf.Tensor]:
    """What is to be `added` for [n, in] times a weight [in, out], which may be given as pieces of its rows."""
    if not isinstance(weight, tuple):
        return [tf.matmul(x, weight)]
    parts = tf.split(x, [piece.shape[0] for piece in weight], axis=-1) if len(weight) > 1 else [x]
    return [tf.matmul(part, piece) for part, piece in zip(parts, weight, strict=True)]


def added(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """The sum, in order."""
    return functools.reduce(tf.add, parts)


def normalised(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Layer normalisation over the last axis, in float32 inside."""
    wide = tf.cast(x, tf.float32)
    centred = wide - tf.reduce_mean(wide, -1, keepdims=True)
    unit = centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + EPSILON)
    return tf.cast(unit, x.dtype) * gain + bias


def _attention(x: tf.Tensor, own: Weights, heads: int, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What the heads bring together [batch, time, width], and their weights [batch, heads, time, time]."""
    batch, length, width = x.shape
    joined = tf.reshape(dense(x, own, "attn.c_attn"), (batch, length, 3, heads, width // heads))
    query, key, value = tf.unstack(tf.transpose(joined, (2, 0, 3, 1, 4)))
    scores = tf.matmul(query * (width // heads) ** -0.5, key, transpose_b=True) + mask
    shares = tf.nn.softmax(scores)
    mixed = tf.transpose(tf.matmul(shares, value), (0, 2, 1, 3))
    return dense(tf.reshape(mixed, (batch, length, width)), own, "attn.c_proj"), shares


def _drop(x: tf.Tensor, rate: float, seed: tf.Tensor | None, place: int) -> tf.Tensor:
    """Dropout that is a function of seed and place, so that a resumed training draws the same."""
    return tf.nn.experimental.stateless_dropout(x, rate, seed + tf.constant([place << 20, 0])) if rate else x
