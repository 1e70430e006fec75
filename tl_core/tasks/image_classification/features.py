"""Activations of pictures at the freeze boundary, in the cache of `tl_core.training.activations`.

Each view of a dataset has one file of rows. Rows belong to pictures, not to places in a list, so they outlive edits of
the dataset and other splits.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event
from tl_core.images import augmentation, decoding
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained import batchnorm
from tl_core.tasks.image_classification import estimate
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.training.activations import DTYPES, Cache, fingerprint

VERSION = 1  # of everything between the JPEG and the row; raise it when their meaning changes


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
    _prepared: dict[bool, Callable] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return tuple(self.trunk.output_shape[1:])

    @property
    def dtype(self) -> np.dtype:
        """Of the rows: what the trunk computes in."""
        return DTYPES[keras.backend.standardize_dtype(self.trunk.output.dtype)]

    @property
    def size(self) -> int:
        """Bytes of rows on disk that were asked for."""
        return self._cache.size

    def prepare(self, wanted: Mapping[int, np.ndarray]) -> None:
        """Compute and store the rows that are missing, with progress. Without a cache: nothing.

        Args:
            wanted: for each view the indices of its pictures.

        Raises:
            Stopped: `should_stop` answered True; what was computed is kept.
        """
        if not self.config.cache:
            return
        missing = {}
        for view, indices in wanted.items():
            if self._open(view):
                missing[view] = self._cache.missing(view, self._once(indices))
        self._cache.fill(missing, self._rows_of, "images")

    def stored(self, view: int) -> bool:
        """Whether this view's rows are read from the cache; else `computed` has to make them."""
        return self._cache.kept(view)

    def rows(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Activations of these pictures in this order, [n, *shape], from the cache; `prepare` must have put them."""
        return self._cache.rows(view, self._places[indices], self.shape, self.dtype)

    def computed(
        self,
        indices: np.ndarray,
        view: int,
        batch_size: int,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute activations now; yields (place in `indices`, [n, *shape]) batch by batch.

        Args:
            change: what is done to each picture first, as in `decoding.batches`.
        """
        images = [self.dataset.images[index] for index in indices]
        seeds = augmentation.seeds([image.id for image in images], self.config.seed, view)
        files = [self.dataset.path(image) for image in images]
        for place, pixels in decoding.batches(files, seeds, self._view(view > 0), batch_size, change):
            pieces = []
            for start in range(0, len(pixels), self.batch_size):
                if self.should_stop():
                    raise Stopped
                piece = pixels[start : start + self.batch_size]
                count = len(piece)
                if count < self.batch_size:  # one shape, one trace, the same order of sums: the rest is filled up
                    padding = np.zeros((self.batch_size - count, *piece.shape[1:]), piece.dtype)
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
    def batch_size(self) -> int:
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

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self.emit, self.should_stop)

    def _once(self, indices: np.ndarray) -> np.ndarray:
        """The rows of these pictures in their order, each once."""
        places = self._places[indices]
        return places[np.sort(np.unique(places, return_index=True)[1])]

    def _rows_of(self, view: int, places: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute the activations that belong into these rows."""
        return self.computed(self._pictures[places], view, self.batch_size)

    @cached_property
    def _pictures(self) -> np.ndarray:
        """For each row the first picture that it belongs to; -1 where the dataset no longer has it."""
        pictures = np.full(len(self._ids), -1)
        pictures[self._places[::-1]] = np.arange(len(self._places))[::-1]
        return pictures

    def _open(self, view: int) -> bool:
        """Whether this view's rows can be kept."""
        decides = {
            "version": VERSION,
            "pictures": hashlib.sha256("".join(self._ids).encode()).hexdigest(),
            "backbone": self.config.backbone.name,
            **({"scaling": "unit"} if self.config.mistake == "scaling" else {}),
            "size": self.config.backbone.image_size,
            "boundary": self.boundary,
            "shape": self.shape,
            "dtype": str(self.dtype),
            "weights": self._fingerprint,
            "view": [augmentation.VERSION, self.config.augmentation, self.config.seed, view] if view else 0,
        }
        return self._cache.open(view, decides, len(self._ids), int(np.prod(self.shape)) * self.dtype.itemsize)

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.trunk.weights)
