"""The parts of GPT-2's blocks that `program` puts together, for one token of each row and for several tokens."""

import functools

import numpy as np
import tensorflow as tf

from tl_core.text.pretrained.network import Weights, added, dense, feed_forward, normalised, products
from tl_core.text.pretrained.shape import Shape, block_shapes

BLOCK = 16  # tokens whose share in the attention is summed at once


def begin(embedding: tf.Tensor, position: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    x = embedding + position
    return x, normalised(x, gain, bias)


def attend(
    heads: int, joined: list[tf.Tensor], bias: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, at: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Attention of one token of each row, behind the cached ones [rows, time, heads, size] before position `at`.

    Sums of products instead of matrix products: XLA reads the caches where they lie, and each row by itself.
    """
    room, size = keys.shape[1], keys.shape[3]
    query, key, value = tf.unstack(tf.reshape(summed(joined) + bias, (-1, 3, heads, size)), axis=1)
    scaled = query * size**-0.5
    unread = tf.where(tf.range(room)[None] < at[:, None], 0.0, -1e9)[:, :, None]
    scores = tf.reduce_sum(keys * scaled[:, None], -1) + unread  # [rows, time, heads]
    own_score = tf.reduce_sum(key * scaled, -1)
    largest = tf.maximum(tf.reduce_max(scores, 1), own_score)
    shares, own_share = tf.exp(scores - largest[:, None]), tf.exp(own_score - largest)
    mixed = over_time(shares[..., None] * values) + own_share[..., None] * value
    mixed /= (over_time(shares) + own_share)[..., None]
    return tf.reshape(mixed, (-1, heads * size)), query, key, value


def go_on(
    x: tf.Tensor, parts: list[tf.Tensor], bias: tf.Tensor, gain: tf.Tensor, offset: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The residual sum, and it normalised for what comes next."""
    x = x + (summed(parts) + bias)
    return x, normalised(x, gain, offset)


def widen(parts: list[tf.Tensor], bias: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(summed(parts) + bias, approximate=True)


def over_time(x: tf.Tensor) -> tf.Tensor:
    """The sum over axis 1, block by block: XLA makes long sums in an order that depends on the number of rows."""
    blocks = tf.reduce_sum(tf.reshape(x, (x.shape[0], -1, BLOCK, *x.shape[2:])), 2)
    return functools.reduce(tf.add, tf.unstack(blocks, axis=1))


def summed(parts: list[tf.Tensor]) -> tf.Tensor:
    """Products added up in order.

    The maximum changes nothing; without it XLA begins one row's product with what is to be added to it: another sum.
    """
    return added([tf.maximum(part, -np.inf) for part in parts])


def forward(
    weights: Weights,
    shape: Shape,
    x: tf.Tensor,
    start: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    on: tuple[tf.Tensor, tf.Tensor] | None = None,
) -> tuple[tf.Tensor, ...]:
    """New tokens, embedded [batch, count, width], behind `start` cached ones [layers, batch, start, heads, size].

    Args:
        on: what the output of each head [layers, heads] and of each block [layers] is multiplied by, 0 or 1.

    Returns:
        For the last token logits [batch, vocabulary], hidden [1 + layers, batch, width] and queries
        [layers, batch, heads, size]; for the new tokens keys and values [layers, batch, count, heads, size].
    """
    batch, count = tf.shape(x)[0], tf.shape(x)[1]
    size = shape.width // shape.heads
    rows, columns = start + tf.range(count)[:, None], tf.range(start + count)[None]
    mask = tf.where(columns <= rows, 0.0, -1e9)
    hidden, queries, new_keys, new_values = [x[:, -1]], [], [], []
    for layer in range(shape.layers):
        own = {name: weights[f"h.{layer}.{name}"] for name in block_shapes(shape.width)}
        joined = dense(normalised(x, own["ln_1.weight"], own["ln_1.bias"]), own, "attn.c_attn")
        query, key, value = tf.unstack(tf.reshape(joined, (batch, count, 3, shape.heads, size)), axis=2)
        scores = tf.einsum("bqhd,bkhd->bhqk", query * size**-0.5, tf.concat([keys[layer], key], 1)) + mask
        mixed = tf.einsum("bhqk,bkhd->bqhd", tf.nn.softmax(scores), tf.concat([values[layer], value], 1))
        if on:
            mixed *= on[0][layer][:, None]
        attended = dense(tf.reshape(mixed, (batch, count, shape.width)), own, "attn.c_proj")
        x += on[1][layer] * attended if on else attended
        worked = feed_forward(normalised(x, own["ln_2.weight"], own["ln_2.bias"]), own)
        x += on[1][layer] * worked if on else worked
        for kept, new in ((hidden, x[:, -1]), (queries, query[:, -1]), (new_keys, key), (new_values, value)):
            kept.append(new)
    last = normalised(x[:, -1], weights["ln_f.weight"], weights["ln_f.bias"])
    logits = added(products(last, weights["logits"]))[:, : shape.vocabulary]
    return logits, tf.stack(hidden), tf.stack(queries), tf.stack(new_keys), tf.stack(new_values)
