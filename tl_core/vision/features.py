"""Activations at the freeze boundary: computed once per picture, kept on disk, read through a memory map.

What the frozen blocks make of a picture is a pure function of the picture's bytes, the preprocessing, the view and the
frozen weights. So each view of a dataset has one file of rows, named by a hash of all that decides it, and a sidecar
with the checksum of every row that is done. A row whose checksum is missing or wrong is computed (again); so a stopped
run goes on where it was, and a damaged file heals.

    features/<key>.npy    [pictures, *activation shape]
    features/<key>.crc    uint32 [pictures], zero where a row is missing
    features/<key>.lock   held while rows are added
"""

import errno
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import tensorflow as tf

from tl_core import paths
from tl_core.config import RunConfig
from tl_core.data.dataset import Dataset
from tl_core.errors import Stopped
from tl_core.events import Event, Notice, Phase, Progress
from tl_core.locks import try_lock
from tl_core.messages import message
from tl_core.vision import augmentation, decoding

VERSION = 1  # of everything between the JPEG and the row; raise it when their meaning changes
DTYPES = {"float32": np.dtype("float32"), "float16": np.dtype("float16"), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


@dataclass
class Activations:
    """Rows for the pictures of a dataset at one boundary; view 0 is the plain picture, 1..k are augmented.

    Args:
        config: decides preprocessing, views and seed.
        dataset: the pictures.
        preprocessing: raw pixels to network input.
        trunk: network input to activations; it is run in inference mode.
        fingerprint: names the frozen weights and the boundary.
        emit: takes Phase and Progress events while rows are computed.
        should_stop: asked between batches.
    """

    config: RunConfig
    dataset: Dataset
    preprocessing: keras.Model
    trunk: keras.Model
    fingerprint: str
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    batch_size: int = 32
    _files: dict[int, "_Rows | None"] = field(default_factory=dict)
    _compute: Callable | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return tuple(self.trunk.output_shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Of the rows: what the trunk computes in."""
        return DTYPES[keras.backend.standardize_dtype(self.trunk.output.dtype)]

    def prepare(self, indices: np.ndarray, views: Sequence[int]) -> None:
        """Compute and store the rows of these pictures that are missing, with progress. Without a cache: nothing."""
        if not self.config.cache:
            return
        pieces = []
        for view in views:
            rows = self._rows(view)
            if rows is not None:
                missing = rows.missing(indices)
                if len(missing):
                    pieces.append((view, rows, missing))
        total = sum(len(missing) for *_, missing in pieces)
        if not total:
            return
        self.emit(Phase(phase="features", total=total, unit="images"))
        clock = _Clock(self.emit, total)
        for view, rows, missing in pieces:
            try:
                with rows.adding(self.should_stop):
                    missing = rows.missing(missing)
                    for place, values in self._computed(missing, view):
                        rows.put(missing[place], values)
                        clock.add(len(values))
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                self._files[view] = None
                self.emit(
                    Notice(
                        message=message(
                            "The disk is full, so the activations are computed anew in every epoch. Slower."
                        )
                    )
                )

    def rows(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Activations of these pictures in this order, [n, *shape]; from the cache, or computed now."""
        stored = self._files.get(view)
        if stored is not None:
            return stored.array[indices]
        values = np.empty((len(indices), *self.shape), self.dtype)
        for place, part in self._computed(indices, view):
            values[place] = part
        return values

    def _computed(self, indices: np.ndarray, view: int):
        """Yield (place in `indices`, activations) batch by batch."""
        if self._compute is None:
            trunk = self.trunk
            self._compute = tf.function(lambda pixels: trunk(pixels, training=False), reduce_retracing=True)
        images = [self.dataset.images[index] for index in indices]
        augment = None
        if view:
            augment = augmentation.augmenter(self.config.augmentation, self.config.backbone.image_size)
        prepared = decoding.resizer(self.preprocessing, augment)
        seeds = augmentation.seeds([image.id for image in images], self.config.seed, view)
        files = [self.dataset.path(image) for image in images]
        for place, pixels in decoding.batches(files, seeds, prepared, self.batch_size):
            if self.should_stop():
                raise Stopped
            count = len(pixels)
            if count < self.batch_size:  # one shape, one trace: the last batch is filled up
                pixels = np.concatenate([pixels, np.zeros((self.batch_size - count, *pixels.shape[1:]), pixels.dtype)])
            yield place, self._compute(pixels).numpy()[:count]

    def _rows(self, view: int) -> "_Rows | None":
        if view not in self._files:
            decides = {
                "version": VERSION,
                "images": hashlib.sha256("".join(image.id for image in self.dataset.images).encode()).hexdigest(),
                "backbone": self.config.backbone.name,
                "size": self.config.backbone.image_size,
                "trunk": self.fingerprint,
                "dtype": str(self.dtype),
                "view": [self.config.augmentation, self.config.seed, view] if view else 0,
            }
            key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]
            needed = len(self.dataset.images) * int(np.prod(self.shape)) * self.dtype.itemsize
            if make_room(needed, keep=[rows.path for rows in self._files.values() if rows]):
                self._files[view] = _Rows(paths.features() / f"{key}.npy", len(self.dataset.images), self)
            else:
                self._files[view] = None
                self.emit(
                    Notice(
                        message=message(
                            "The activations of these pictures need {size} GB, more than the cache may use, so they "
                            "are computed anew in every epoch. Freeze more blocks, or raise TL_CACHE_GB.",
                            size=f"{needed / 1e9:.1f}",
                        )
                    )
                )
        return self._files[view]


class _Rows:
    """One file of rows and its checksums."""

    def __init__(self, path: Path, count: int, activations: Activations):
        self.path, self.checksums_path = path, path.with_suffix(".crc")
        shape, self.dtype = (count, *activations.shape), activations.dtype
        size = int(np.prod(shape)) * self.dtype.itemsize
        if not path.exists() or path.stat().st_size != size:
            part = path.with_suffix(f".{os.getpid()}.part")
            with open(part, "wb") as file:
                file.truncate(size)  # sparse: takes no space until rows are written
            part.replace(path)
            self.checksums_path.unlink(missing_ok=True)
        os.utime(path)
        self.array = np.memmap(path, self.dtype, "r+", shape=shape)
        self.checksums = np.zeros(count, np.uint32)
        if self.checksums_path.exists():
            stored = np.fromfile(self.checksums_path, np.uint32)
            if len(stored) == count:
                self.checksums = stored
        self.verified = np.zeros(count, bool)

    def missing(self, indices: np.ndarray) -> np.ndarray:
        """Those of `indices` whose row is not there or damaged."""
        for index in indices:
            if not self.verified[index] and self.checksums[index]:
                self.verified[index] = _checksum(self.array[index]) == self.checksums[index]
        return np.array([index for index in indices if not self.verified[index]], np.int64)

    def put(self, indices: np.ndarray, values: np.ndarray) -> None:
        """Store rows; they count as done once their checksums are written."""
        self.array[indices] = values
        for index, row in zip(indices, values, strict=True):
            self.checksums[index] = _checksum(row)
        self.verified[indices] = True

    def adding(self, should_stop: Callable[[], bool]) -> "_Adding":
        """Hold the file for writing; at the end the checksums of what was put are saved."""
        return _Adding(self, should_stop)


class _Adding:
    def __init__(self, rows: _Rows, should_stop: Callable[[], bool]):
        self.rows, self.should_stop = rows, should_stop

    def __enter__(self) -> None:
        self.lock = try_lock(self.rows.path.with_suffix(".lock"))
        while not self.lock.__enter__():
            self.lock.__exit__(None, None, None)
            if self.should_stop():
                raise Stopped
            time.sleep(0.2)
            self.lock = try_lock(self.rows.path.with_suffix(".lock"))
        if self.rows.checksums_path.exists():  # what another process put while we waited
            stored = np.fromfile(self.rows.checksums_path, np.uint32)
            if len(stored) == len(self.rows.checksums):
                self.rows.checksums = np.where(self.rows.verified, self.rows.checksums, stored)

    def __exit__(self, *exception: object) -> None:
        try:
            self.rows.array.flush()
            part = self.rows.checksums_path.with_suffix(f".crc.{os.getpid()}.part")
            np.where(self.rows.verified, self.rows.checksums, 0).astype(np.uint32).tofile(part)
            part.replace(self.rows.checksums_path)
        finally:
            self.lock.__exit__(None, None, None)


def limit() -> int:
    """Bytes that the cache may take: `TL_CACHE_GB`, else 20 GB but at most a fifth of the free disk."""
    if asked := os.environ.get("TL_CACHE_GB"):
        return int(float(asked) * 1e9)
    status = os.statvfs(paths.features())
    return min(20 * 10**9, status.f_bavail * status.f_frsize // 5 + used())


def used() -> int:
    """Bytes on disk that the cache takes now."""
    return sum(path.stat().st_blocks * 512 for path in paths.features().iterdir() if path.is_file())


def make_room(needed: int, keep: Sequence[Path] = ()) -> bool:
    """Delete the files used longest ago until `needed` more bytes fit; False if they can never fit."""
    most = limit()
    kept = sum(path.stat().st_blocks * 512 for path in keep if path.exists())
    if needed + kept > most:
        return False
    files = sorted(
        (path for path in paths.features().glob("*.npy") if path not in keep), key=lambda path: path.stat().st_mtime
    )
    for path in files:
        if used() + needed <= most:
            break
        with try_lock(path.with_suffix(".lock")) as free:
            if free:
                for suffix in (".npy", ".crc"):
                    path.with_suffix(suffix).unlink(missing_ok=True)
    return True


def fingerprint(model: keras.Model) -> str:
    """SHA-256 over the model's weights: their names, shapes and bytes."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(f"{weight.path}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
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


def _checksum(row: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(row).view(np.uint8)) or 1
