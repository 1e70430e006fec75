"""Read tensors out of a file that PyTorch saved before version 1.6 (its legacy stream), with NumPy alone.

Such a file is a pickle, and unpickling may run anything. The unpickler here knows tensors and nothing else, so a file
that asks for more is refused before anything of it has run.

    magic number, protocol, facts of the machine, {name: tensor}, [storage, ...]: five pickles one after the other
    for each storage: its length (int64) and its numbers
"""

import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C  # torch.serialization.MAGIC_NUMBER
PROTOCOL = 1001
_BROKEN = (pickle.UnpicklingError, EOFError, struct.error, OverflowError, MemoryError)
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Refused(ValueError):
    """The file is no such stream, or asks for something that is no tensor."""


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of the file by their names.

    Raises:
        Refused: it holds something else, or is torn.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        try:
            magic, protocol, facts, tensors, keys = (_Tensors(file).load() for _ in range(5))
            if (magic, protocol, facts["little_endian"]) != (MAGIC, PROTOCOL, True):
                raise Refused("it is no stream of PyTorch's")
            dtypes = {tensor.storage: tensor.dtype for tensor in tensors.values()}
            storages = {key: _numbers(file, np.dtype(dtypes[key])) for key in keys}
            return {name: tensor.on(storages[tensor.storage]) for name, tensor in tensors.items()}
        except Refused:
            raise
        except (*_BROKEN, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Refused(str(error) or type(error).__name__) from error


@dataclass(frozen=True)
class _Tensor:
    """A tensor whose numbers have not been read yet: where it lies on its storage."""

    storage: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # numbers, not bytes

    def on(self, numbers: np.ndarray) -> np.ndarray:
        reach = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if min(self.offset, *self.shape, *self.strides, 0) < 0 or reach >= len(numbers):
            raise Refused("a tensor reaches beyond its storage")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False)


class _Tensors(pickle.Unpickler):
    """Unpickles dictionaries of tensors; refuses whatever else a pickle can name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise Refused(f"it asks for {module}.{name}")

    def persistent_load(self, pid: tuple) -> tuple[str, str]:
        _word, dtype, key, *_rest = pid  # ("storage", type, key, device, length, view)
        return key, dtype


def _tensor(
    storage: tuple[str, str], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(*storage, offset, tuple(shape), tuple(strides))


def _numbers(file: BinaryIO, dtype: np.dtype) -> np.ndarray:
    (count,) = struct.unpack("<q", file.read(8))
    numbers = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    if len(numbers) != count:
        raise Refused("it ends too soon")
    return numbers
