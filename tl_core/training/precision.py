"""Which dtype policy is the faster one for a network on this machine: measured, since CPUs differ both ways.

Measured with VGG16 at 150 px: mixed_bfloat16 is 1.9 times as fast as float32 on an AMD EPYC with AVX-512 bf16, and half
as fast on an Intel Xeon with the same instructions but without AMX. So a list of processors would not do.
"""

import contextlib
import time
from collections.abc import Callable, Hashable, Iterator

import keras
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.training.options import Precision

WORTHWHILE = 1.1  # a smaller gain is not worth bfloat16's rounding
_gains: dict[Hashable, float] = {}  # what this process has measured


def resolve(asked: Precision, gain: Callable[[], float]) -> Precision:
    """The dtype policy to use: what was asked for, or for "auto" the faster one.

    On GPUs with tensor cores that is mixed precision (https://keras.io/api/mixed_precision): bfloat16 from capability
    8, float16 from 7. A CPU is timed.

    Args:
        asked: the setting.
        gain: how many times as fast as in float32 what the network mainly does runs in bfloat16 on this CPU; asked
            only where it decides.
    """
    if asked != "auto":
        return asked
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        generation = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))[0]
        return "mixed_bfloat16" if generation >= 8 else "mixed_float16" if generation == 7 else "float32"
    return "float32" if gain() < WORTHWHILE else "mixed_bfloat16"


def device() -> str:
    """The name of the GPU in use, or "CPU"; a GPU's memory is then taken as needed, not all at once."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # Only possible before the GPU is first used; in a process that has done so it is as it is.
        with contextlib.suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "CPU"


@contextlib.contextmanager
def policy(name: Precision) -> Iterator[None]:
    """Layers built inside the block compute in this dtype policy; afterwards the former policy is in force again."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def scales_loss() -> bool:
    """Whether the policy in force needs a scaled loss: small gradients vanish in float16, not in bfloat16."""
    return keras.config.dtype_policy().name == "mixed_float16"


def convolution_gain(should_stop: Callable[[], bool]) -> float:
    """How many times as fast as in float32 a typical 3 x 3 convolution runs in bfloat16 on this CPU; under a second."""

    def convolution(dtype: str) -> Callable[[], tf.Tensor]:
        layer = keras.layers.Conv2D(128, 3, padding="same", dtype=dtype)
        images = tf.zeros((8, 38, 38, 128), dtype)
        return tf.function(lambda: layer(images)[0, 0, 0])

    return gain("convolution", convolution, should_stop)


def gain(name: Hashable, build: Callable[[str], Callable[[], tf.Tensor]], should_stop: Callable[[], bool]) -> float:
    """How many times as fast as in float32 something runs in bfloat16; a process measures it once.

    Args:
        name: of what is measured, sizes included.
        build: gives for a dtype a function that does it.
        should_stop: asked before each time that it is done.

    Raises:
        Stopped: `should_stop` says so.
    """
    if name not in _gains:
        runs = {dtype: build(dtype) for dtype in ("float32", "bfloat16")}
        seconds = dict.fromkeys(runs, float("inf"))
        for turn in range(6):  # in turn, so that other work on the machine burdens both; the best time of each counts
            for dtype, run in runs.items():
                if should_stop():
                    raise Stopped
                began = time.perf_counter()
                run().numpy()
                if turn:  # the first call compiles
                    seconds[dtype] = min(seconds[dtype], time.perf_counter() - began)
        _gains[name] = seconds["float32"] / seconds["bfloat16"]
    return _gains[name]
