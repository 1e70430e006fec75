"""How fast this computer trains a transformer's block, measured by a process that has TensorFlow loaded anyway.

A matrix product alone says little: what a block does between its products takes up to two thirds of its time, and how
much that is differs from one processor to the next. So the process that is kept ready for the next run has blocks of
two widths learn for a few seconds, once, and keeps the figures in `$TL_HOME/machine.json` for whoever estimates; only
`measure` imports TensorFlow.
"""

import json
import math
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tl_core.base import paths, processes, records
from tl_core.base.records import Count, Within

SIZES = ((1024, 256), (512, 768))  # tokens and width of the blocks that are measured
WINDOW, HEAD = 128, 64  # tokens that attend to each other, and the width of one head
MOMENT, TRIES = 1.0, 4  # seconds for each, and how often at least


@dataclass(frozen=True)
class Block:
    """A block of this width that learns from so many tokens at once, in float32 or bfloat16, whichever is faster here,
    as training chooses too: operations (multiplications and additions, forward and backward) a second, all cores."""

    tokens: Count
    width: Count
    rate: Annotated[float, Within(1e6, 1e18)]


@dataclass(frozen=True)
class Measured:
    """What was measured, and on which computer: a data folder may be moved or shared."""

    host: str
    cores: Count
    blocks: tuple[Block, ...]


def measure(should_stop: Callable[[], bool]) -> None:
    """Measure and write, unless this computer's figures are there or it has a graphics processor, which would be taken.

    A disk that cannot be written is no matter; who is stopped writes nothing.
    """
    if known() or shutil.which("nvidia-smi"):
        return
    blocks = []
    for tokens, width in SIZES:
        seconds = []
        for dtype in ("float32", "bfloat16"):
            if should_stop():
                return
            seconds.append(_seconds(tokens, width, dtype))
        blocks.append({"tokens": tokens, "width": width, "rate": operations(tokens, width) / min(seconds)})
    found = {"host": socket.gethostname(), "cores": processes.cores(), "blocks": blocks}
    part = _place().with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(_place())
    except OSError:
        part.unlink(missing_ok=True)


def operations(tokens: int, width: int) -> float:
    """Multiplications and additions in which a block's weights take part: two a token forward, four backward."""
    return 6.0 * 12 * width**2 * tokens


def rate(tokens: int, width: int) -> float | None:
    """Operations a second of the measured block that is most like this one; None if nothing was measured."""
    found = known()
    if not found:
        return None
    far = lambda each: (abs(math.log(each.width / width)), abs(math.log(each.tokens / tokens)))  # noqa: E731
    return min(found, key=far).rate


def known() -> tuple[Block, ...]:
    """What was measured on this computer; empty if nothing was."""
    try:
        found = records.build(Measured, records.load(_place()), strict=True)
    except (OSError, ValueError):
        return ()
    return found.blocks if (found.host, found.cores) == (socket.gethostname(), processes.cores()) else ()


def _seconds(tokens: int, width: int, dtype: str) -> float:
    """The best of some tries: other programs only slow it down."""
    learn = _block(tokens, width, dtype)
    learn()  # the first one compiles
    tries: list[float] = []
    began = time.perf_counter()
    while len(tries) < TRIES or time.perf_counter() - began < MOMENT:
        start = time.perf_counter()
        learn()
        tries.append(time.perf_counter() - start)
    return min(tries)


def _block(tokens: int, width: int, dtype: str) -> Callable[[], Any]:
    """One forward and backward pass of a block as GPT-2 and BERT have it: attention, then a perceptron."""
    import tensorflow as tf

    shapes = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
    kernels = [tf.random.normal(shape, stddev=0.02) for shape in shapes]
    inputs = tf.random.normal((tokens // WINDOW, WINDOW, width))

    def normalised(x: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(tf.cast(x, tf.float32), -1, keepdims=True)
        return tf.cast((tf.cast(x, tf.float32) - mean) * tf.math.rsqrt(variance + 1e-5), dtype)

    @tf.function(autograph=False)
    def learn(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch([x, *kernels])
            joined, mixed, wide, narrow = (tf.cast(kernel, dtype) for kernel in kernels)
            y = tf.cast(x, dtype)
            parts = tf.reshape(normalised(y) @ joined, (*x.shape[:2], 3, width // HEAD, HEAD))
            query, key, value = tf.unstack(parts, axis=2)
            attention = tf.nn.softmax(tf.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(HEAD))
            y += tf.reshape(tf.einsum("bhqk,bkhd->bqhd", attention, value), x.shape) @ mixed
            y += tf.nn.gelu(normalised(y) @ wide, approximate=True) @ narrow
            loss = tf.reduce_mean(tf.square(tf.cast(y, tf.float32)))
        return tf.add_n([tf.reduce_sum(gradient) for gradient in tape.gradient(loss, [x, *kernels])])

    return lambda: learn(inputs).numpy()


def _place() -> Path:
    return paths.home() / "machine.json"
