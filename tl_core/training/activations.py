"""The cache of activations: rows that are computed once, kept on disk, and read through a memory map.

What frozen blocks make of a picture or of a window of tokens is a pure function of it, of the preprocessing and of the
frozen weights. So all rows of one kind have one file, named by a hash of all that decides them, and a sidecar with the
checksum of every row that is done. A row whose checksum is missing or wrong is computed (again): a stopped or killed
run goes on where it was, and a damaged file heals.

    features/<key>.npy    [rows, bytes of one row], sparse where rows are missing
    features/<key>.crc    uint32 [rows], zero where a row is missing

Together the files take `TL_CACHE_GB` at most; those used longest ago go first. Two processes may fill one file at once:
they write the same values.
"""

import errno
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np

from tl_core.base import paths
from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Notice, Phase, Progress
from tl_core.base.messages import message

DTYPES = {"float32": np.dtype("float32"), "float16": np.dtype("float16"), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class Cache:
    """The files of one training, each under a name of its own: a view of the pictures, say.

    Args:
        emit: takes Phase and Progress events while rows are computed, and notices where they cannot be kept.
        should_stop: asked between looks at rows.
    """

    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    files: dict[Hashable, "Rows | None"] = field(default_factory=dict)  # None: this one cannot be kept
    size: int = 0  # bytes of the rows that were asked for

    def open(self, name: Hashable, decides: Mapping[str, Any], count: int, width: int) -> bool:
        """Open or make a file of `count` rows of `width` bytes; whether it can be kept.

        Args:
            decides: JSON values that decide what its rows are.
        """
        if name not in self.files:
            key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]
            path = paths.features() / f"{key}.npy"
            if make_room(path, count * width, [rows.path for rows in self.files.values() if rows]):
                self.files[name] = Rows(path, count, width)
            else:
                self.files[name] = None
                self.emit(
                    Notice(
                        message(
                            "The activations of this data need {size} GB, more than the cache may use, so they are "
                            "computed anew in every epoch. Freeze more blocks, or raise TL_CACHE_GB.",
                            size=f"{count * width / 1e9:.1f}",
                        )
                    )
                )
        return self.kept(name)

    def kept(self, name: Hashable) -> bool:
        """Whether rows of this name are read from the cache."""
        return self.files.get(name) is not None

    def missing(self, name: Hashable, places: np.ndarray) -> np.ndarray:
        """Which of `places`, each once, have to be computed: none where this file cannot be kept."""
        rows = self.files.get(name)
        if rows is None:
            return places[:0]
        self.size += len(places) * rows.width
        done = np.zeros(len(places), bool)
        for number, place in enumerate(places):
            if number % 64 == 0 and self.should_stop():
                raise Stopped
            done[number] = rows.intact(place)
        return places[~done]

    def put(self, name: Hashable, places: np.ndarray, values: np.ndarray) -> bool:
        """Store rows. Where the disk is full that is told once, the file is given up, and the answer is False."""
        rows = self._rows(name)
        try:
            rows.put(places, values)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            rows.discard()
            self.files[name] = None
            self.emit(Notice(message("The disk is full, so the activations are computed anew in every epoch. Slower.")))
        return self.kept(name)

    def rows(self, name: Hashable, places: np.ndarray, shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
        """Rows that have been stored, in this order, [n, *shape]."""
        return self._rows(name).array[places].view(dtype).reshape(len(places), *shape)

    def _rows(self, name: Hashable) -> "Rows":
        rows = self.files[name]
        if rows is None:
            raise LookupError(f"{name} is not kept")
        return rows

    def fill(
        self,
        missing: Mapping[Any, np.ndarray],
        compute: Callable[[Any, np.ndarray], Iterator[tuple[slice, np.ndarray]]],
        unit: str,
    ) -> None:
        """Compute and store rows, with progress.

        Args:
            missing: for each file the places that `missing` found.
            compute: yields (where in the places, values) batch by batch.
            unit: of what a row belongs to: "images".

        Raises:
            Stopped: `compute` says so; what was computed is kept.
        """
        total = sum(len(places) for places in missing.values())
        if not total:
            return
        self.emit(Phase(phase="features", total=total, unit=unit))
        clock = _Clock(self.emit, total)
        for name, places in missing.items():
            for where, values in compute(name, places):
                if not self.put(name, places[where], values):
                    break
                clock.add(len(values))


class Rows:
    """One file of rows and its checksums."""

    def __init__(self, path: Path, count: int, width: int):
        self.path, self.width = path, width
        self.checksums_path = path.with_suffix(".crc")
        if not path.exists() or path.stat().st_size != count * width:
            for target, size in ((self.checksums_path, count * 4), (path, count * width)):
                part = target.with_name(f".{target.name}.{os.getpid()}")
                with open(part, "wb") as file:
                    file.truncate(size)  # sparse: takes no space until rows are written
                part.replace(target)
        os.utime(path)
        # Rows are written with `write`, which reports a full disk; through a memory map that would kill the process.
        self.array = np.memmap(path, np.uint8, "r", shape=(count, width))
        self.file = open(path, "r+b", buffering=0)  # noqa: SIM115 - as long as the memory map
        self.checksums_file = open(self.checksums_path, "r+b", buffering=0)  # noqa: SIM115
        self.checksums = np.memmap(self.checksums_path, np.uint32, "r", shape=(count,))

    def intact(self, place: int) -> bool:
        """Whether this row is there and undamaged."""
        return bool(self.checksums[place]) and _checksum(self.array[place]) == self.checksums[place]

    def put(self, places: np.ndarray, values: np.ndarray) -> None:
        """Store rows; each counts as done once its checksum is written, behind it."""
        for place, row in zip(places, values, strict=True):
            raw = np.ascontiguousarray(row).view(np.uint8).reshape(-1)
            self.file.seek(int(place) * self.width)
            if self.file.write(raw) != self.width:
                raise OSError(errno.ENOSPC, "only a part of the row was written")
            self.checksums_file.seek(int(place) * 4)
            self.checksums_file.write(np.uint32(_checksum(raw)).tobytes())

    def discard(self) -> None:
        """Give the space back."""
        for path in (self.path, self.checksums_path):
            path.unlink(missing_ok=True)


def limit() -> int:
    """Bytes that the cache may take: `TL_CACHE_GB`, else 20 GB but at most a fifth of the free disk."""
    if asked := os.environ.get("TL_CACHE_GB"):
        return int(float(asked) * 1e9)
    status = os.statvfs(paths.features())
    return min(20 * 10**9, status.f_bavail * status.f_frsize // 5 + used())


def used() -> int:
    """Bytes that the cache takes when all its files are full."""
    return sum(path.stat().st_size for path in paths.features().iterdir() if path.is_file())


def make_room(path: Path, size: int, in_use: Sequence[Path] = ()) -> bool:
    """Delete the files used longest ago until `path` may have `size` bytes; False if it can never fit."""
    most = limit()
    if size + sum(other.stat().st_size for other in in_use if other.exists()) > most:
        return False
    others = [other for other in paths.features().glob("*.npy") if other != path]
    sizes = {other: other.stat() for other in others}
    left = sum(stat.st_size for stat in sizes.values())
    for other in sorted(set(others) - set(in_use), key=lambda other: sizes[other].st_mtime):
        if left + size <= most:
            break
        left -= sizes[other].st_size
        for doomed in (other, other.with_suffix(".crc")):
            doomed.unlink(missing_ok=True)
    return True


def fingerprint(weights: Sequence[keras.Variable]) -> str:
    """SHA-256 over weights in their order: shapes and bytes."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(str(tuple(weight.shape)).encode())
        digest.update(np.ascontiguousarray(weight.value.numpy()).view(np.uint8))
    return digest.hexdigest()


class _Clock:
    """Emits Progress at most twice a second."""

    def __init__(self, emit: Callable[[Event], None], total: int):
        self.emit, self.total, self.done = emit, total, 0
        self.began, self.told = time.monotonic(), 0.0

    def add(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.told >= 0.5 or self.done == self.total:
            self.told = now
            rate = self.done / max(now - self.began, 1e-3)
            self.emit(Progress(phase="features", done=self.done, total=self.total, rate=round(rate, 2)))


def _checksum(raw: np.ndarray) -> int:
    return zlib.crc32(raw) or 1
