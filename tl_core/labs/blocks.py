"""What each block of a frozen backbone makes of pictures, averaged over positions, in one pass over the pictures.

pixels -> preprocessing -> block 1 -> block 2 -> ... -> block n
                             |          |                |
                          average    average          average    = one row: all of them side by side
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Phase
from tl_core.images import decoding
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained import batchnorm
from tl_core.images.pretrained.backbones import Backbone
from tl_core.tasks.image_classification import estimate, network
from tl_core.training.activations import Cache, fingerprint

VERSION = 1  # of everything between the JPEG and the row; raise it when their meaning changes


class Blocks:
    """A frozen backbone whose blocks are all read at once; its weights can be exchanged.

    Args:
        row: the backbone.
        image_size: pixels, square; one of its sizes.
        dataset: the pictures.
        emit: takes Phase and Progress events, and notices.
        should_stop: asked between batches.
    """

    def __init__(
        self,
        row: Backbone,
        image_size: int,
        dataset: Dataset,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ):
        self.row, self.image_size, self.dataset = row, image_size, dataset
        self.emit, self.should_stop = emit, should_stop
        self.base: Any = None  # a keras.Model, once weights are loaded

    def load(self, weights: str, seed: int = 0) -> None:
        """Take these weights: one of the backbone's sources, a path, or "random", drawn from the seed.

        Raises:
            UserError: they cannot be had; random ones never take their place.
            Stopped: during a download.
        """
        keras.utils.set_random_seed(seed)
        base = network.load_base(self.row, weights, self.image_size, self.emit, self.should_stop)
        if self.base is None:
            self.base = base
        else:  # into the network that is compiled already
            self.base.set_weights(base.get_weights())

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each block's averages stand in a row."""
        ends = np.cumsum([self.base.get_layer(block.cut).output.shape[-1] for block in self.row.blocks])
        return tuple(slice(int(start), int(end)) for start, end in zip([0, *ends], ends, strict=False))

    def rows(self) -> np.ndarray:
        """A row for each picture of the dataset, float32 [n, width], from the cache or computed now.

        Raises:
            Stopped: `should_stop` answered True; what was computed is kept.
        """
        images, width = self.dataset.images, self.slices[-1].stop
        cache, ids = Cache(self.emit, self.should_stop), self._ids
        places = np.searchsorted(ids, [image.id for image in images])
        decides = {
            "version": VERSION,
            "what": "averages behind all blocks",
            "pictures": hashlib.sha256("".join(ids).encode()).hexdigest(),
            "backbone": self.row.name,
            "size": self.image_size,
            "weights": fingerprint(self.base.weights),
        }
        if cache.open(0, decides, len(ids), 4 * width):
            once, first = np.unique(places, return_index=True)
            picture = dict(zip(once.tolist(), first.tolist(), strict=True))
            missing = {0: cache.missing(0, once)}
            cache.fill(missing, lambda _, left: self._computed([picture[place] for place in left.tolist()]), "images")
        if cache.kept(0):
            return np.array(cache.rows(0, places, (width,), np.dtype(np.float32)))
        self.emit(Phase(phase="features", total=len(images), unit="images"))
        return np.concatenate([values for _, values in self._computed(range(len(images)))])

    def _computed(self, pictures: list[int] | range) -> Iterator[tuple[slice, np.ndarray]]:
        """The rows of these pictures, batch by batch: where in the list, float32 [batch, width]."""
        files = [self.dataset.path(self.dataset.images[index]) for index in pictures]
        size = self._batch_size
        for place, pixels in decoding.batches(files, None, self._prepared, size):
            if self.should_stop():
                raise Stopped
            count = len(pixels)
            if count < size:  # one shape, one trace: the last batch is filled up
                pixels = np.concatenate([pixels, np.zeros((size - count, *pixels.shape[1:]), pixels.dtype)])
            yield place, self._forward(pixels).numpy()[:count]

    @cached_property
    def _ids(self) -> list[str]:
        """Of all pictures that the dataset was brought in with: a row belongs to a picture, whatever is edited."""
        return sorted({image.id for image in datasets.load(self.dataset.folder.name).images})

    @cached_property
    def _prepared(self) -> Callable:
        return decoding.resizer(network.preprocessing(self.row, self.image_size))

    @cached_property
    def _forward(self) -> Callable:
        average = keras.layers.GlobalAveragePooling2D(dtype="float32")
        outputs = [average(self.base.get_layer(block.cut).output) for block in self.row.blocks]
        model = batchnorm.folded(keras.Model(self.base.input, keras.ops.concatenate(outputs, axis=-1)))
        return tf.function(lambda pixels: model(pixels, training=False), reduce_retracing=True)

    @cached_property
    def _batch_size(self) -> int:
        """Pictures that take about a quarter of a second on two cores, so that Stop is obeyed soon."""
        if tf.config.list_physical_devices("GPU"):
            return 64
        rate, size = estimate.FORWARD.get(self.row.name, estimate.OTHERS)
        return int(2 ** np.clip(np.floor(np.log2(rate * (size / self.image_size) ** 2 / 4)), 0, 5))
