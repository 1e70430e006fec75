"""Activations at the freeze boundary: computed once per picture, kept on disk, read through a memory map.

What the frozen blocks make of a picture is a pure function of the picture's bytes, the preprocessing, the view and the
frozen weights. So each view of a dataset has one file of rows, named by a hash of all that decides it, and a sidecar
with the checksum of every row that is done. A row whose checksum is missing or wrong is computed (again): a stopped or
killed run goes on where it was, and a damaged file heals. Rows belong to pictures, not to places in a list, so they
outlive edits of the dataset and other splits.

    features/<key>.npy    [pictures, bytes of one row], sparse where rows are missing
    features/<key>.crc    uint32 [pictures], zero where a row is missing

Two processes may fill one file at once: they write the same values.
"""

import errno
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import tensorflow as tf

from tl_core.base import paths
from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Notice, Phase, Progress
from tl_core.base.messages import message
from tl_core.images import augmentation, decoding
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained import batchnorm
from tl_core.tasks.image_classification import estimate
from tl_core.tasks.image_classification.config import RunConfig

VERSION = 1  # of everything between the JPEG and the row; raise it when their meaning changes
DTYPES = {"float32": np.dtype("float32"), "float16": np.dtype("float16"), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class Activations:
    """Rows for the pictures of a dataset at one boundary; view 0 is the plain picture, 1..k are augmented.

    Args:
        config: decides preprocessing, views and seed.
        dataset: the pictures. All indices below are places in `dataset.images`.
        preprocessing: raw pixels to network input.
        trunk: network input to activations; it is run in inference mode.
        boundary: leading frozen blocks in the trunk.
        emit: takes Phase and Progress events while rows are computed.
        should_stop: asked between batches.
    """

    config: RunConfig
    dataset: Dataset
    preprocessing: keras.Model
    trunk: keras.Model
    boundary: int
    emit: Callable[[Event], None]
    should_stop: Callable[[], bool]
    _files: dict[int, "_Rows | None"] = field(default_factory=dict)
    _prepared: dict[bool, Callable] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return tuple(self.trunk.output_shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Of the rows: what the trunk computes in."""
        return DTYPES[keras.backend.standardize_dtype(self.trunk.output.dtype)]

    def prepare(self, wanted: Mapping[int, np.ndarray]) -> None:
        """Compute and store the rows that are missing, with progress. Without a cache: nothing.

        Args:
            wanted: for each view the indices of its pictures.

        Raises:
            Stopped: `should_stop` answered True; what was computed is kept.
        """
        if not self.config.cache:
            return
        missing = {view: self._missing(indices, view) for view, indices in wanted.items()}
        total = sum(len(part) for part in missing.values())
        if not total:
            return
        self.emit(Phase(phase="features", total=total, unit="images"))
        clock = _Clock(self.emit, total)
        for view, part in missing.items():
            try:
                for place, values in self.computed(part, view, self._batch_size):
                    self._files[view].put(self._places[part[place]], values)
                    clock.add(len(values))
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                self._files.pop(view).discard()
                self._files[view] = None
                self.emit(
                    Notice(message("The disk is full, so the activations are computed anew in every epoch. Slower."))
                )

    def stored(self, view: int) -> bool:
        """Whether this view's rows are read from the cache; else `computed` has to make them."""
        return self._files.get(view) is not None

    def rows(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Activations of these pictures in this order, [n, *shape], from the cache; `prepare` must have put them."""
        raw = self._files[view].array[self._places[indices]]
        return raw.view(self.dtype).reshape(len(indices), *self.shape)

    def computed(self, indices: np.ndarray, view: int, batch_size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute activations now; yields (place in `indices`, [n, *shape]) batch by batch."""
        images = [self.dataset.images[index] for index in indices]
        seeds = augmentation.seeds([image.id for image in images], self.config.seed, view)
        files = [self.dataset.path(image) for image in images]
        for place, pixels in decoding.batches(files, seeds, self._view(view > 0), batch_size):
            pieces = []
            for start in range(0, len(pixels), self._batch_size):
                if self.should_stop():
                    raise Stopped
                piece = pixels[start : start + self._batch_size]
                count = len(piece)
                if count < self._batch_size:  # one shape, one trace, the same order of sums: the rest is filled up
                    padding = np.zeros((self._batch_size - count, *piece.shape[1:]), piece.dtype)
                    piece = np.concatenate([piece, padding])
                pieces.append(self._forward(piece).numpy()[:count])
            yield place, np.concatenate(pieces)

    @cached_property
    def _places(self) -> np.ndarray:
        """The row of each picture: where its id stands among the ids of the dataset as it was brought in."""
        return np.searchsorted(self._ids, [image.id for image in self.dataset.images])

    @cached_property
    def _ids(self) -> list[str]:
        return sorted({image.id for image in datasets.load(self.dataset.folder.name).images})

    @cached_property
    def _batch_size(self) -> int:
        """Pictures that take about a quarter of a second on two cores, so that Stop is obeyed soon."""
        if tf.config.list_physical_devices("GPU"):
            return 64
        rate, size = estimate.FORWARD.get(self.config.backbone.name, estimate.OTHERS)
        rate *= (size / self.config.backbone.image_size) ** 2
        return int(2 ** np.clip(np.floor(np.log2(rate / 4)), 0, 5))

    @cached_property
    def _forward(self) -> Callable:
        trunk = batchnorm.folded(self.trunk)
        return tf.function(lambda pixels: trunk(pixels, training=False), reduce_retracing=True)

    def _view(self, augmented: bool) -> Callable:
        if augmented not in self._prepared:
            augment = None
            if augmented:
                augment = augmentation.augmenter(self.config.augmentation, self.config.backbone.image_size)
            self._prepared[augmented] = decoding.resizer(self.preprocessing, augment)
        return self._prepared[augmented]

    def _missing(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Those of `indices` whose rows must be computed, each picture once; none if this view cannot be stored."""
        if view not in self._files:
            self._files[view] = self._open(view)
        rows = self._files[view]
        if rows is None:
            return np.array([], np.int64)
        _, firsts = np.unique(self._places[indices], return_index=True)
        wanted = np.asarray(indices)[np.sort(firsts)]
        done = np.zeros(len(wanted), bool)
        for number, index in enumerate(wanted):
            if number % 64 == 0 and self.should_stop():
                raise Stopped
            done[number] = rows.intact(self._places[index])
        return wanted[~done]

    def _open(self, view: int) -> "_Rows | None":
        decides = {
            "version": VERSION,
            "pictures": hashlib.sha256("".join(self._ids).encode()).hexdigest(),
            "backbone": self.config.backbone.name,
            "size": self.config.backbone.image_size,
            "boundary": self.boundary,
            "shape": self.shape,
            "dtype": str(self.dtype),
            "weights": self._fingerprint,
            "view": [augmentation.VERSION, self.config.augmentation, self.config.seed, view] if view else 0,
        }
        key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]
        path = paths.features() / f"{key}.npy"
        width = int(np.prod(self.shape)) * self.dtype.itemsize
        in_use = [rows.path for rows in self._files.values() if rows]
        if not make_room(path, len(self._ids) * width, in_use):
            self.emit(
                Notice(
                    message(
                        "The activations of these pictures need {size} GB, more than the cache may use, so they are "
                        "computed anew in every epoch. Freeze more blocks, or raise TL_CACHE_GB.",
                        size=f"{len(self._ids) * width / 1e9:.1f}",
                    )
                )
            )
            return None
        return _Rows(path, len(self._ids), width)

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.trunk)


class _Rows:
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


def fingerprint(model: keras.Model) -> str:
    """SHA-256 over the model's weights in their order: shapes and bytes."""
    digest = hashlib.sha256()
    for weight in model.weights:
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
