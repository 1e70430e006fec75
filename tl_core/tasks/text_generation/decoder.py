"""GPT-2 one token at a time: plain TensorFlow operations, keys and values kept per block, one compiled call a token.

A prompt is read by an ordinary graph of any length; from then on each token is one XLA program, compiled when the
model is loaded (`warm`) for a short context, and for longer ones in the background. What makes it fast on a processor:
the weights are read once per token and nothing is copied; the caches are variables that the program reads in place, no
longer than the text needs, and that one scatter afterwards extends.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tl_core.text.pretrained.network import Weights, attention_maps, dense, embedded, feed_forward, normalised
from tl_core.text.pretrained.shape import Shape, block_shapes

ROOMS = (64, 256)  # tokens; contexts compiled besides the whole one, shortest first
CHUNK = 256  # tokens of a prompt read between two looks at Stop


@dataclass(frozen=True)
class Seen:
    """What the network says after one token.

    Attributes:
        logits: float32 [vocabulary].
        hidden: float32 [1 + layers, width], the output of the embeddings and of every block.
        queries: float32 [layers, heads, width / heads].
    """

    logits: np.ndarray
    hidden: np.ndarray
    queries: np.ndarray


class Decoder:
    """A loaded network with the keys and values of one text.

    `length` tokens have been read; `rewind` forgets the last of them. Not for two threads at once; `kept` and
    `bring_back` let several texts take turns.

    Args:
        changing: the weights will be replaced with `update` now and then; not compiled, since it writes little.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, np.ndarray], changing: bool = False):
        self.shape = shape
        self.length = 0
        self._compiled = not changing
        make = (lambda value: tf.Variable(value, trainable=False)) if changing else tf.constant
        self._weights = {name: make(np.asarray(value, np.float32)) for name, value in weights.items()}
        self._rooms: dict[int, _Room] = {}
        self._sizes = sorted({*(min(size, shape.context) for size in ROOMS), shape.context})
        self._compiling = {size: threading.Lock() for size in self._sizes}
        self._room = self._made(self._sizes[0])
        self._read = tf.function(self._read_many, input_signature=[_INTS, _INT, _CACHE, _CACHE], autograph=False)

    def warm(self, background: bool = True) -> None:
        """Trace the reading of prompts now, and compile for longer contexts in a thread (or now too)."""
        self.read([0, 0])
        self.rewind(0)
        if background:
            threading.Thread(target=self._make_all, daemon=True, name="compile").start()
        else:
            self._make_all()

    def update(self, weights: Mapping[str, np.ndarray]) -> None:
        """Replace all weights of a changing network; what it has read is forgotten."""
        for name, variable in self._weights.items():
            variable.assign(weights[name])
        self.rewind(0)

    def rewind(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        self.length = min(length, self.length)

    def read(self, tokens: list[int]) -> Seen:
        """Read further tokens; at least one, and no more than the context has room for."""
        self._make_room(self.length + len(tokens))
        if len(tokens) == 1:
            seen = self._room.step(tokens[0], self.length)
        else:
            keys, values = self.kept()
            logits, hidden, queries, new_keys, new_values = self._read(
                tf.constant(tokens, tf.int32), tf.constant(self.length), keys, values
            )
            self._room.put(self.length, new_keys, new_values)
            seen = Seen(logits.numpy(), hidden.numpy(), queries.numpy())
        self.length += len(tokens)
        return seen

    def kept(self) -> tuple[tf.Tensor, tf.Tensor]:
        """A copy of the keys and values of the text so far, for `bring_back`."""
        return self._room.keys[:, : self.length], self._room.values[:, : self.length]

    def bring_back(self, keys: tf.Tensor, values: tf.Tensor) -> None:
        """Go on with another text, whose keys and values `kept` gave."""
        self.length = 0
        self._make_room(keys.shape[1])
        self._room.put(0, keys, values)
        self.length = keys.shape[1]

    def block_logits(self, hidden: np.ndarray) -> np.ndarray:
        """What each block alone would predict (the logit lens): [n, width] -> [n, vocabulary].

        Source: nostalgebraist 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru.
        """
        x = normalised(tf.constant(hidden), self._weights["ln_f.weight"], self._weights["ln_f.bias"])
        return tf.matmul(x, self._weights["wte.weight"], transpose_b=True).numpy()

    def attention(self, queries: np.ndarray, layer: int, head: int) -> np.ndarray:
        """How much the last token read looks at each one so far, itself included: float32 [length], sum 1."""
        keys = self._room.keys[layer, : self.length, head].numpy()
        scores = keys @ queries[layer, head] / np.sqrt(keys.shape[1])
        weights = np.exp(scores - scores.max())
        return weights / weights.sum()

    def attention_maps(self, tokens: Sequence[int], last: int) -> np.ndarray:
        """As `tl_core.text.pretrained.network.attention_maps`; what has been read stays."""
        return attention_maps(self._weights, self.shape, tokens, last)

    def branches(self, count: int) -> "Branches":
        """`count` copies of the text so far that can go on differently (beam search)."""
        keys, values = self.kept()
        spread = lambda cache: tf.repeat(cache[:, None], count, 1)  # noqa: E731
        return Branches(self.shape, self._weights, spread(keys), spread(values))

    def _read_many(
        self, tokens: tf.Tensor, start: tf.Tensor, keys: tf.Tensor, values: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Several tokens behind `start` cached ones; caches are [layers, time, heads, size]."""
        parts = _forward(self._weights, self.shape, tokens[None], start, keys[:, None], values[:, None])
        logits, hidden, queries, new_keys, new_values = parts
        return logits[0], hidden[:, 0], queries[:, 0], new_keys[:, 0], new_values[:, 0]

    def _make_room(self, length: int) -> None:
        size = next(size for size in self._sizes if length <= size)
        if size > self._room.size:
            room = self._made(size)
            room.put(0, *self.kept())
            self._room = room
        elif not self.length:
            self._room = self._made(size)

    def _make_all(self) -> None:
        for size in self._sizes:
            self._made(size)

    def _made(self, size: int) -> "_Room":
        """The room of this size, compiled; nobody waits for another one's compilation."""
        if size not in self._rooms:
            with self._compiling[size]:
                if size not in self._rooms:
                    room = _Room(self.shape, self._weights, size, self._compiled)
                    room.step(0, 0)
                    self._rooms[size] = room
        return self._rooms[size]


def read_prompt(decoder: Decoder, ids: list[int], should_stop: Callable[[], bool]) -> Seen | None:
    """Read the whole prompt; None if stopped on the way."""
    decoder.rewind(0)
    seen = None
    for start in range(0, len(ids), CHUNK):
        if should_stop():
            return None
        seen = decoder.read(ids[start : start + CHUNK])
    return seen


_INT = tf.TensorSpec((), tf.int32)
_INTS = tf.TensorSpec((None,), tf.int32)
_CACHE = tf.TensorSpec((None, None, None, None), tf.float32)


class _Room:
    """Caches for `size` tokens and the program that writes one token with them."""

    def __init__(self, shape: Shape, weights: Weights, size: int, compiled: bool):
        self.size = size
        self._shape, self._weights = shape, weights
        cache = tf.zeros((shape.layers, size, shape.heads, shape.width // shape.heads))
        self.keys, self.values = tf.Variable(cache, trainable=False), tf.Variable(cache, trainable=False)
        self._next = tf.function(
            self._one, jit_compile=compiled or None, input_signature=[_INT, _INT], autograph=False
        ).get_concrete_function()
        self._put = tf.function(
            self._scatter, input_signature=[_INT, _CACHE, _CACHE], autograph=False
        ).get_concrete_function()

    def step(self, token: int, position: int) -> Seen:
        at = tf.constant(position)
        logits, hidden, queries, keys, values = self._next(tf.constant(token), at)
        self._put(at, keys, values)
        return Seen(logits.numpy(), hidden.numpy(), queries.numpy())

    def put(self, start: int, keys: tf.Tensor, values: tf.Tensor) -> None:
        """Store keys and values [layers, time, heads, size] of the tokens from `start` on."""
        self._put(tf.constant(start), keys, values)

    def _scatter(self, start: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> None:
        layers, count = tf.shape(keys)[0], tf.shape(keys)[1]
        places = tf.stack(tf.meshgrid(tf.range(layers), start + tf.range(count), indexing="ij"), -1)
        tf.raw_ops.ResourceScatterNdUpdate(ref=self.keys.handle, indices=places, updates=keys)
        tf.raw_ops.ResourceScatterNdUpdate(ref=self.values.handle, indices=places, updates=values)

    def _one(self, token: tf.Tensor, position: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One token. Sums of products instead of matrix products: XLA reads the caches where they lie."""
        shape, weights = self._shape, self._weights
        all_keys, all_values = self.keys.read_value(), self.values.read_value()
        unread = tf.where(tf.range(self.size) < position, 0.0, -1e9)[:, None]
        x = (tf.gather(weights["wte.weight"], token) + tf.gather(weights["wpe.weight"], position))[None]
        hidden, queries, keys, values = [x], [], [], []
        for layer in range(shape.layers):
            own = _block(weights, shape, layer)
            joined = dense(normalised(x, own["ln_1.weight"], own["ln_1.bias"]), own, "attn.c_attn")
            query, key, value = tf.unstack(tf.reshape(joined, (3, shape.heads, shape.width // shape.heads)))
            scaled = query * (shape.width // shape.heads) ** -0.5
            scores = tf.reduce_sum(all_keys[layer] * scaled, -1) + unread  # [time, heads]
            own_score = tf.reduce_sum(key * scaled, -1)
            largest = tf.maximum(tf.reduce_max(scores, 0), own_score)
            shares, own_share = tf.exp(scores - largest), tf.exp(own_score - largest)
            mixed = tf.reduce_sum(shares[:, :, None] * all_values[layer], 0) + own_share[:, None] * value
            mixed /= (tf.reduce_sum(shares, 0) + own_share)[:, None]
            x += dense(tf.reshape(mixed, (1, -1)), own, "attn.c_proj")
            x += feed_forward(normalised(x, own["ln_2.weight"], own["ln_2.bias"]), own)
            for kept, new in ((hidden, x), (queries, query), (keys, key), (values, value)):
                kept.append(new)
        last = normalised(x, weights["ln_f.weight"], weights["ln_f.bias"])
        logits = tf.matmul(last, weights["wte.weight"], transpose_b=True)[0]
        return logits, tf.concat(hidden, 0), tf.stack(queries), tf.stack(keys)[:, None], tf.stack(values)[:, None]


class Branches:
    """Several continuations of one text, each a token longer at every step."""

    def __init__(self, shape: Shape, weights: Weights, keys: tf.Tensor, values: tf.Tensor):
        self._keys, self._values = keys, values
        batched = tf.TensorSpec((shape.layers, None, None, shape.heads, shape.width // shape.heads), tf.float32)

        @tf.function(input_signature=[_INTS, _INTS, batched, batched], autograph=False)
        def step(parents: tf.Tensor, tokens: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, ...]:
            keys, values = tf.gather(keys, parents, axis=1), tf.gather(values, parents, axis=1)
            parts = _forward(weights, shape, tokens[:, None], tf.shape(keys)[2], keys, values)
            return parts[0], tf.concat([keys, parts[3]], 2), tf.concat([values, parts[4]], 2)

        self._step = step

    def step(self, parents: list[int], tokens: list[int]) -> np.ndarray:
        """Go on from branch `parents[i]` with `tokens[i]`; returns logits [branches, vocabulary]."""
        logits, self._keys, self._values = self._step(
            tf.constant(parents, tf.int32), tf.constant(tokens, tf.int32), self._keys, self._values
        )
        return logits.numpy()


def _forward(
    weights: Weights, shape: Shape, tokens: tf.Tensor, start: tf.Tensor, keys: tf.Tensor, values: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """New tokens [batch, count] behind `start` cached ones; caches are [layers, batch, start, heads, size].

    Returns:
        For the last token logits [batch, vocabulary], hidden [1 + layers, batch, width] and queries
        [layers, batch, heads, size]; for the new tokens keys and values [layers, batch, count, heads, size].
    """
    batch, count = tf.shape(tokens)[0], tf.shape(tokens)[1]
    size = shape.width // shape.heads
    rows, columns = start + tf.range(count)[:, None], tf.range(start + count)[None]
    mask = tf.where(columns <= rows, 0.0, -1e9)
    x = embedded(weights, tokens, start)
    hidden, queries, new_keys, new_values = [x[:, -1]], [], [], []
    for layer in range(shape.layers):
        own = _block(weights, shape, layer)
        joined = dense(normalised(x, own["ln_1.weight"], own["ln_1.bias"]), own, "attn.c_attn")
        query, key, value = tf.unstack(tf.reshape(joined, (batch, count, 3, shape.heads, size)), axis=2)
        scores = tf.einsum("bqhd,bkhd->bhqk", query * size**-0.5, tf.concat([keys[layer], key], 1)) + mask
        mixed = tf.einsum("bhqk,bkhd->bqhd", tf.nn.softmax(scores), tf.concat([values[layer], value], 1))
        x += dense(tf.reshape(mixed, (batch, count, shape.width)), own, "attn.c_proj")
        x += feed_forward(normalised(x, own["ln_2.weight"], own["ln_2.bias"]), own)
        for kept, new in ((hidden, x[:, -1]), (queries, query[:, -1]), (new_keys, key), (new_values, value)):
            kept.append(new)
    last = normalised(x[:, -1], weights["ln_f.weight"], weights["ln_f.bias"])
    logits = tf.matmul(last, weights["wte.weight"], transpose_b=True)
    return logits, tf.stack(hidden), tf.stack(queries), tf.stack(new_keys), tf.stack(new_values)


def _block(weights: Weights, shape: Shape, layer: int) -> dict[str, tf.Tensor]:
    return {name: weights[f"h.{layer}.{name}"] for name in block_shapes(shape.width)}
