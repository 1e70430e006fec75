"""How fast this computer multiplies matrices when TensorFlow does it, measured by a process that has it loaded anyway.

NumPy's library and TensorFlow's use different instructions on some processors, and one may be twice as fast as the
other. So the process that is kept ready for the next run measures once, in half a second, and keeps the figures in
`$TL_HOME/machine.json` for whoever estimates; only `measure` imports TensorFlow.
"""

import json
import math
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated

from tl_core.base import paths, records
from tl_core.base.records import Count, Within

TOKENS = (128, 512, 2048)  # rows of the products that are measured
WIDTHS = (256, 768)  # their columns; a block multiplies by four times as many
MOMENT = 0.05  # seconds for each


@dataclass(frozen=True)
class Product:
    """[rows, width] times [width, 4 width] in float32 or bfloat16, whichever is faster here, as training chooses too:
    operations (multiplications and additions) a second, all cores."""

    rows: Count
    width: Count
    rate: Annotated[float, Within(1e6, 1e18)]


@dataclass(frozen=True)
class Measured:
    """What was measured, and on which computer: a data folder may be moved or shared."""

    host: str
    cores: Count
    products: tuple[Product, ...]


def measure() -> None:
    """Measure and write, unless this computer's figures are there or it has a graphics processor, which would be taken.

    A disk that cannot be written is no matter.
    """
    if known() or shutil.which("nvidia-smi"):
        return
    import tensorflow as tf

    products = []
    for rows in TOKENS:
        for width in WIDTHS:
            rates = [_rate(tf, rows, width, dtype) for dtype in ("float32", "bfloat16")]
            products.append({"rows": rows, "width": width, "rate": max(rates)})
    found = {"host": socket.gethostname(), "cores": _cores(), "products": products}
    part = _place().with_suffix(f".{os.getpid()}")
    try:
        part.write_text(json.dumps(found), encoding="utf-8")
        part.replace(_place())
    except OSError:
        part.unlink(missing_ok=True)


def rate(rows: int, width: int) -> float | None:
    """Operations a second in the product that is most like [rows, width] times [width, 4 width]; None if not known."""
    found = known()
    if not found:
        return None
    nearest = min(found, key=lambda each: abs(math.log(each.rows / rows)) + abs(math.log(each.width / width)))
    return nearest.rate


def known() -> tuple[Product, ...]:
    """What was measured on this computer; empty if nothing was."""
    try:
        found = records.build(Measured, records.load(_place()), strict=True)
    except (OSError, ValueError):
        return ()
    return found.products if (found.host, found.cores) == (socket.gethostname(), _cores()) else ()


def _rate(tf: ModuleType, rows: int, width: int, dtype: str) -> float:
    left, right = tf.ones((rows, width), dtype), tf.ones((width, 4 * width), dtype)
    multiply = tf.function(lambda a, b: tf.matmul(a, b)[0, 0], autograph=False)
    tries, began = [], time.perf_counter()
    while len(tries) < 4 or time.perf_counter() - began < MOMENT:  # the first one compiles
        start = time.perf_counter()
        multiply(left, right).numpy()
        tries.append(time.perf_counter() - start)
    return 8 * rows * width**2 / min(tries)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _place() -> Path:
    return paths.home() / "machine.json"
