"""What frozen blocks make of texts, a row each, in the cache of `tl_core.training.activations`."""

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event
from tl_core.tasks.text_classification import network
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.data.labelled import LabelledTexts
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoder import LoadedEncoder
from tl_core.training.activations import Cache

VERSION = 1  # of everything between the text and the row; raise it when their meaning changes
BATCH = 32  # texts that pass through the frozen blocks together


class Activations:
    """Rows for the texts of a dataset at one boundary; there is one view of them, number 0.

    Args:
        config: decides length and cache.
        dataset: the texts. All indices are places in `dataset.examples`.
        encoder: its network and tokenizer.
        boundary: leading frozen blocks.
        emit: takes Phase and Progress events while rows are computed.
        should_stop: asked between batches.
    """

    def __init__(
        self,
        config: TextClassificationConfig,
        dataset: LabelledTexts,
        encoder: LoadedEncoder,
        boundary: int,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ):
        self.config, self.dataset, self.encoder, self.boundary = config, dataset, encoder, boundary
        self.should_stop = should_stop
        self._row = network.row(encoder, boundary, config.encoder.length)
        self._cache = Cache(emit, should_stop)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return self._row.shape

    @property
    def dtype(self) -> np.dtype:
        """Of the rows."""
        return self._row.dtype

    @property
    def size(self) -> int:
        """Bytes of rows on disk that were asked for."""
        return self._cache.size

    def prepare(self, indices: np.ndarray) -> None:
        """Compute and store the rows of these texts that are missing, with progress. Without a cache: nothing.

        Raises:
            Stopped: `should_stop` answered True; what was computed is kept.
        """
        if self.config.cache and self.boundary > 1 and self._open():
            self._cache.fill({0: self._cache.missing(0, np.unique(indices))}, self._computed, "texts")

    def stored(self, view: int) -> bool:
        """Whether rows are read from the cache."""
        return self._cache.kept(view)

    def rows(self, indices: np.ndarray, view: int) -> np.ndarray:
        """Rows of these texts in this order, from the cache; `prepare` must have put them."""
        return self._cache.rows(view, indices, self.shape, self.dtype)

    def computed(self, indices: np.ndarray, view: int, batch_size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Compute rows now; yields (place in `indices`, [n, *shape]) batch by batch."""
        for start in range(0, len(indices), batch_size):
            if self.should_stop():
                raise Stopped
            place = slice(start, min(start + batch_size, len(indices)))
            tokens = self.tokens[indices[place]]
            if self.boundary <= 1:
                yield place, tokens
                continue
            pieces = []
            for first in range(0, len(tokens), BATCH):
                piece = tokens[first : first + BATCH]
                filled = np.resize(piece, (BATCH, tokens.shape[1]))  # one shape, one trace, the same order of sums
                pieces.append(self._forward(tf.constant(filled)).numpy()[: len(piece)])
            yield place, np.concatenate(pieces)

    @cached_property
    def tokens(self) -> np.ndarray:
        """int32 [texts, length]."""
        texts = [example.text for example in self.dataset.examples]
        parts = []
        for start in range(0, len(texts), 1000):
            if self.should_stop():
                raise Stopped
            parts.append(self.encoder.tokens(texts[start : start + 1000], self.config.encoder.length))
        return np.concatenate(parts)

    @cached_property
    def _forward(self) -> Callable[[tf.Tensor], tf.Tensor]:
        return tf.function(lambda tokens: network.lower(self.encoder, self.boundary, tokens), autograph=False)

    def _computed(self, _view: int, places: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        return self.computed(places, 0, BATCH)

    def _open(self) -> bool:
        decides = {
            "version": VERSION,
            "texts": hashlib.sha256(self.tokens.tobytes()).hexdigest(),
            "encoder": encoders.mark(self.encoder),
            "length": self.config.encoder.length,
            "boundary": self.boundary,
            "shape": self.shape,
            "dtype": str(self.dtype),
        }
        width = int(np.prod(self.shape)) * self.dtype.itemsize
        return self._cache.open(0, decides, len(self.dataset.examples), width)
