"""GPT-2 as programs: the next token of one text or of several, in the very same arithmetic.

The weights are read once per step however many texts there are, so company costs little. A text must not depend on its
company, though: every sum has to be made in the same order whatever the number of rows. Everything but the matrix
products is compiled by XLA, where a row is a row. Of the products, XLA's for one row adds one by one, and oneDNN's for
two rows and more adds so within blocks of `DEPTH`; weights in pieces of at most that depth, whose products are added
in order, come out alike bit for bit on processors with AVX-512. Without it they differ by rounding (4e-6 of a
probability on an AMD EPYC with AVX2), and a text could differ where two tokens are as likely as that. One text is one
XLA program, which reads the memory fastest; several are plain products with small XLA programs between them, which
compile in moments for each number of rows.
"""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tl_core.tasks.text_generation import parts
from tl_core.text.pretrained.network import (
    added,
    attention_maps,
    embedded,
    normalised,
    products,
)
from tl_core.text.pretrained.shape import Shape, block_shapes

DEPTH = 384  # rows of a weight in one product; oneDNN begins a new sum behind so many
LANES = 64  # the vocabulary is filled up to a multiple: what is left over at the end is summed in another way
ROWS = (1, 2, 4, 8, 16, 32)  # numbers of texts that there are programs for
Part = Callable[..., Any]
ROOMS = (64, 128, 256, 512)  # tokens; contexts that there are programs for besides the whole one


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


class Caches:
    """Keys and values of `rows` texts of up to `room` tokens: float32 [layers, rows, room, heads, width / heads].

    NumPy writes them where TensorFlow reads them; untouched pages take no memory.
    """

    def __init__(self, shape: Shape, rows: int, room: int):
        self.rows, self.room = rows, room
        size = (shape.layers, rows, -(-room // parts.BLOCK) * parts.BLOCK, shape.heads, shape.width // shape.heads)
        self.keys, self.values = _aligned(size), _aligned(size)
        self.tensors = [_shared(layer) for cache in (self.keys, self.values) for layer in cache]

    def put(self, row: int, start: int, keys: np.ndarray, values: np.ndarray) -> None:
        """Store keys and values [layers, time, heads, size] of a text's tokens from `start` on."""
        self.keys[:, row, start : start + keys.shape[1]] = keys
        self.values[:, row, start : start + keys.shape[1]] = values

    def kept(self, row: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """A view of the keys and values of a text's first tokens, [layers, length, heads, size]."""
        return self.keys[:, row, :length], self.values[:, row, :length]


class Program:
    """A loaded network and what it has compiled.

    Args:
        changing: the weights will be replaced with `update` now and then; not compiled, since it writes little.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, np.ndarray], changing: bool = False):
        self.shape, self.changing = shape, changing
        self.rooms = sorted({*(size for size in ROOMS if size < shape.context), shape.context})
        make = functools.partial(tf.Variable, trainable=False) if changing else tf.constant
        self._weights = {
            name: tuple(map(make, value)) if isinstance(value, tuple) else make(value)
            for name, value in _in_pieces(weights).items()
        }
        self._asked: set[int] = set()  # numbers of rows that a thread compiles
        self._steps: dict[tuple[int, int], Callable[..., list[tf.Tensor]]] = {}
        self._compiling = {(rows, room): threading.Lock() for rows in ROWS for room in self.rooms}
        cache = tf.TensorSpec((None, None, None, None), tf.float32)
        ints, one = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)
        self._read = tf.function(self._read_many, input_signature=[ints, one, cache, cache], autograph=False)
        branched = tf.TensorSpec((shape.layers, None, None, shape.heads, shape.width // shape.heads), tf.float32)
        self._branch = tf.function(
            self._branch_out, input_signature=[ints, ints, branched, branched], autograph=False
        )  # fmt: skip
        on = [tf.TensorSpec((shape.layers, shape.heads), tf.float32), tf.TensorSpec((shape.layers,), tf.float32)]
        self._without = tf.function(self._take_away, input_signature=[ints, ints, *on], autograph=False)

    def update(self, weights: Mapping[str, np.ndarray]) -> None:
        """Replace all weights of a changing network."""
        for name, value in _in_pieces(weights).items():
            held = self._weights[name]
            for variable, piece in zip(held, value, strict=True) if isinstance(held, tuple) else [(held, value)]:
                variable.assign(piece)

    def step(self, rows: Sequence[int], tokens: Sequence[int], positions: Sequence[int], caches: Caches) -> list[Seen]:
        """Read one token of each text in these rows at its position, and store its key and value."""
        every, at = np.zeros((2, caches.rows), np.int32)
        every[rows], at[rows] = tokens, positions
        call = self._made(caches.rows, caches.room)
        logits, hidden, queries, keys, values = (
            each.numpy() for each in call(tf.constant(every), tf.constant(at), *caches.tensors)
        )
        caches.keys[:, rows, at[rows]] = keys[:, rows]
        caches.values[:, rows, at[rows]] = values[:, rows]
        return [Seen(logits[row], hidden[:, row], queries[:, row]) for row in rows]

    def read(self, tokens: Sequence[int], keys: np.ndarray, values: np.ndarray) -> tuple[Seen, np.ndarray, np.ndarray]:
        """Read several tokens behind cached ones [layers, time, heads, size]; returns their keys and values too."""
        logits, hidden, queries, *new = self._read(
            tf.constant(tokens, tf.int32), tf.constant(keys.shape[1]), tf.constant(keys), tf.constant(values)
        )
        return Seen(logits.numpy(), hidden.numpy(), queries.numpy()), new[0].numpy(), new[1].numpy()

    def branch(
        self, parents: Sequence[int], tokens: Sequence[int], keys: tf.Tensor, values: tf.Tensor
    ) -> list[tf.Tensor]:
        """A token behind each of some branches; caches are [layers, branches, time, heads, size].

        Returns:
            logits [branches, vocabulary], and the new branches' keys and values.
        """
        return self._branch(tf.constant(parents, tf.int32), tf.constant(tokens, tf.int32), keys, values)

    def without(
        self, tokens: Sequence[int], hidden: Sequence[int], heads: np.ndarray, blocks: np.ndarray
    ) -> np.ndarray:
        """What follows these tokens if one of them, or a part of the network, were not there; nothing is kept.

        Args:
            hidden: for each answer the place of the token whose embedding becomes the average of the vocabulary's, its
                position stays; -1 for none.
            heads, blocks: float32 [layers, heads] and [layers], 0 for what is switched off and 1 for the rest. A head
                that is off gives zeros (what it would have mixed is missing, the projection's bias stays); a block that
                is off is skipped.

        Returns:
            logits [answers, vocabulary].
        """
        return self._without(tf.constant(tokens, tf.int32), tf.constant(hidden, tf.int32), heads, blocks).numpy()

    def block_logits(self, hidden: np.ndarray) -> np.ndarray:
        """What each block alone would predict (the logit lens): [n, width] -> [n, vocabulary].

        Source: nostalgebraist 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru.
        """
        x = normalised(tf.constant(hidden), self._weights["ln_f.weight"], self._weights["ln_f.bias"])
        return added(products(x, self._weights["logits"])).numpy()[:, : self.shape.vocabulary]

    def attention_maps(self, tokens: Sequence[int], last: int) -> np.ndarray:
        """As `tl_core.text.pretrained.network.attention_maps`."""
        return attention_maps(self._weights, self.shape, tokens, last)

    def room(self, length: int) -> int:
        """The smallest context that there are programs for with room for so many tokens."""
        return next(room for room in self.rooms if length <= room)

    def rows(self, count: int, room: int) -> int:
        """Rows of the program for so many texts, or of another one while a thread compiles that."""
        wanted = next((rows for rows in ROWS if count <= rows), ROWS[-1])
        if wanted == 1 or self.changing or self.is_made(wanted, room):
            return wanted
        if wanted not in self._asked:
            self._asked.add(wanted)
            threading.Thread(target=self.make_all, args=[[wanted]], daemon=True, name="compile").start()
        larger = [rows for rows in ROWS if rows > wanted and self.is_made(rows, room)]
        return larger[0] if larger else max(rows for rows in ROWS if rows == 1 or self.is_made(rows, room))

    def is_made(self, rows: int, room: int) -> bool:
        """Whether there is a program for so many texts of so many tokens."""
        return (rows, room) in self._steps

    def make(self, rows: int, room: int) -> None:
        """Compile the program for so many texts of so many tokens; nobody waits for another one's compilation."""
        self._made(rows, room)

    def make_all(self, rows: Sequence[int]) -> None:
        """Compile for these numbers of texts, short contexts first."""
        for room in self.rooms:
            for count in rows:
                self._made(count, room)

    def _made(self, rows: int, room: int) -> Callable[..., list[tf.Tensor]]:
        if (rows, room) not in self._steps:
            with self._compiling[rows, room]:
                if (rows, room) not in self._steps:
                    ints = tf.TensorSpec((rows,), tf.int32)
                    tensors = Caches(self.shape, rows, room).tensors
                    caches = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
                    call = tf.function(
                        functools.partial(self._next, _inline if rows == 1 or self.changing else _compiled),
                        jit_compile=True if rows == 1 and not self.changing else None,
                        input_signature=[ints, ints, *caches],
                        autograph=False,
                    ).get_concrete_function()
                    call(tf.zeros(rows, tf.int32), tf.zeros(rows, tf.int32), *tensors)
                    self._steps[rows, room] = call
        return self._steps[rows, room]

    def _next(
        self, glue: Callable[[Part], Part], tokens: tf.Tensor, at: tf.Tensor, *caches: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """One token of each text; between the matrix products stand parts that `glue` may compile."""
        shape, weights = self.shape, self._weights
        attend = glue(functools.partial(parts.attend, shape.heads))
        begin, go_on, widen = glue(parts.begin), glue(parts.go_on), glue(parts.widen)
        own = [
            {name: weights[f"h.{layer}.{name}"] for name in block_shapes(shape.width)} for layer in range(shape.layers)
        ]
        ends = [
            *((each["ln_1.weight"], each["ln_1.bias"]) for each in own),
            (weights["ln_f.weight"], weights["ln_f.bias"]),
        ]
        x, y = begin(tf.gather(weights["wte.weight"], tokens), tf.gather(weights["wpe.weight"], at), *ends[0])
        hidden, queries, keys, values = [x], [], [], []
        for layer, each in enumerate(own):
            joined = products(y, each["attn.c_attn.weight"])
            mixed, query, key, value = attend(
                joined, each["attn.c_attn.bias"], caches[layer], caches[shape.layers + layer], at
            )
            x, y = go_on(
                x,
                products(mixed, each["attn.c_proj.weight"]),
                each["attn.c_proj.bias"],
                each["ln_2.weight"],
                each["ln_2.bias"],
            )
            wide = widen(products(y, each["mlp.c_fc.weight"]), each["mlp.c_fc.bias"])
            x, y = go_on(x, products(wide, each["mlp.c_proj.weight"]), each["mlp.c_proj.bias"], *ends[layer + 1])
            for kept, new in ((hidden, x), (queries, query), (keys, key), (values, value)):
                kept.append(new)
        logits = glue(parts.summed)(products(y, weights["logits"]))
        logits = logits[:, : shape.vocabulary]
        return logits, tf.stack(hidden), tf.stack(queries), tf.stack(keys), tf.stack(values)

    def _read_many(
        self, tokens: tf.Tensor, start: tf.Tensor, keys: tf.Tensor, values: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Several tokens behind `start` cached ones; caches are [layers, time, heads, size]."""
        x = embedded(self._weights, tokens[None], start)
        read = parts.forward(self._weights, self.shape, x, start, keys[:, None], values[:, None])
        logits, hidden, queries, new_keys, new_values = read
        return logits[0], hidden[:, 0], queries[:, 0], new_keys[:, 0], new_values[:, 0]

    def _branch_out(
        self, parents: tf.Tensor, tokens: tf.Tensor, keys: tf.Tensor, values: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        keys, values = tf.gather(keys, parents, axis=1), tf.gather(values, parents, axis=1)
        start = tf.shape(keys)[2]
        x = embedded(self._weights, tokens[:, None], start)
        read = parts.forward(self._weights, self.shape, x, start, keys, values)
        return read[0], tf.concat([keys, read[3]], 2), tf.concat([values, read[4]], 2)

    def _take_away(self, tokens: tf.Tensor, hidden: tf.Tensor, heads: tf.Tensor, blocks: tf.Tensor) -> tf.Tensor:
        shape, table = self.shape, self._weights["wte.weight"]
        x = embedded(self._weights, tokens[None])
        gone = tf.one_hot(hidden, tf.shape(tokens)[0])[..., None]
        x += gone * (tf.reduce_mean(table, 0) - tf.gather(table, tokens))
        empty = tf.zeros((shape.layers, tf.shape(hidden)[0], 0, shape.heads, shape.width // shape.heads))
        return parts.forward(self._weights, shape, x, tf.constant(0), empty, empty, (heads, blocks))[0]


def _inline(part: Part) -> Part:
    return part


def _compiled(part: Part) -> Part:
    return tf.function(part, jit_compile=True, autograph=False)


def _in_pieces(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray | tuple[np.ndarray, ...]]:
    """The weights in float32, kernels in pieces of at most `DEPTH` rows; "logits" is the embedding transposed."""
    whole = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    kernels = {
        name: value for name, value in whole.items() if value.ndim == 2 and name not in ("wte.weight", "wpe.weight")
    }
    table = whole["wte.weight"]
    kernels["logits"] = np.ascontiguousarray(np.pad(table, ((0, -len(table) % LANES), (0, 0))).T)
    return whole | {
        name: tuple(value[start : start + DEPTH] for start in range(0, len(value), DEPTH))
        for name, value in kernels.items()
    }


def _aligned(size: tuple[int, ...]) -> np.ndarray:
    """Zeros that TensorFlow takes without copying them: they begin at a multiple of 64 bytes."""
    flat = np.zeros(int(np.prod(size)) + 16, np.float32)
    start = -flat.ctypes.data % 64 // 4
    return flat[start : start + int(np.prod(size))].reshape(size)


def _shared(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor of the same memory."""
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
