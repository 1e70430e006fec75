"""Activations of text at the freeze boundary: a text is fixed, so what the frozen blocks make of it is too.

A window's activations are computed when it is first asked for and read from the cache from then on
(`tl_core.training.activations`), by this run and by later ones on the same text above the same blocks. They are kept
as they were computed while they fit in half a gigabyte, else in float16.
"""

import hashlib

import keras
import numpy as np
import tensorflow as tf

from tl_core.text.pretrained.model import lower_part
from tl_core.training.activations import DTYPES, Cache, fingerprint
from tl_core.training.options import EXACT_BYTES

VERSION = 1  # of everything between the tokens and the row; raise it when their meaning changes
NAME = "windows"  # of the one file


class Activations:
    """The input of the upper part for windows of tokens.

    Args:
        network: KerasHub's GPT-2.
        below: blocks frozen.
        windows: int32 [windows, context + 1].
        cache: where they are kept; None computes them each time.
    """

    def __init__(self, network: keras.Model, below: int, windows: np.ndarray, cache: Cache | None):
        self._network, self._below, self._windows, self._cache = network, below, windows, cache
        self.computed = 0  # windows, for whoever wants to know what was saved
        self._shape = (windows.shape[1] - 1, network.hidden_dim)
        self._dtype = DTYPES[keras.backend.standardize_dtype(network.compute_dtype)]
        if self._dtype.itemsize * len(windows) * np.prod(self._shape) > EXACT_BYTES and self._dtype.itemsize > 2:
            self._dtype = DTYPES["float16"]
        self._known = np.zeros(len(windows), bool)  # to be in the cache, undamaged
        self._compute = tf.function(
            lambda tokens: tf.cast(lower_part(network, below, tokens), tf.float32),
            reduce_retracing=True,
            autograph=False,
        )

    @property
    def kept(self) -> bool:
        """Whether they are read from the cache."""
        return self._kept is not None

    @property
    def size(self) -> int:
        """Bytes of them on disk that were asked for."""
        return self._cache.size if self._cache is not None else 0

    @property
    def _kept(self) -> Cache | None:
        return self._cache if self._cache is not None and self._cache.kept(NAME) else None

    def prepare(self) -> None:
        """Open the cache's file; the frozen weights must be those that stay. Not where only the embeddings are
        frozen, which is a look-up."""
        if self._cache is None or self._below < 2:
            return
        frozen = [self._network.token_embedding, self._network.position_embedding]
        frozen += self._network.transformer_layers[: self._below - 1]
        decides = {
            "version": VERSION,
            "windows": hashlib.sha256(np.ascontiguousarray(self._windows)).hexdigest(),
            "shape": self._shape,
            "boundary": self._below,
            "dtype": str(self._dtype),
            "precision": self._network.dtype_policy.name,
            "weights": fingerprint([weight for layer in frozen for weight in layer.weights]),
        }
        width = int(np.prod(self._shape)) * self._dtype.itemsize
        self._cache.open(NAME, decides, len(self._windows), width)

    def of(self, rows: np.ndarray) -> tf.Tensor:
        """For windows `rows`: float32 [rows, time, width], or the tokens themselves where nothing is frozen."""
        if self._below == 0:
            return tf.constant(self._windows[rows, :-1])
        if cache := self._kept:
            new = rows[~self._known[rows]]
            missing = cache.missing(NAME, new)
            if not len(missing) or cache.put(NAME, missing, self._computed(missing, len(rows))):
                self._known[rows] = True
                return tf.constant(cache.rows(NAME, rows, self._shape, self._dtype).astype(np.float32))
        return tf.constant(self._computed(rows, len(rows)))

    def _computed(self, rows: np.ndarray, size: int) -> np.ndarray:
        """Computed now, in batches of `size`: one size, one program."""
        self.computed += len(rows)
        tokens = self._windows[np.resize(rows, size), :-1]
        return self._compute(tf.constant(tokens)).numpy()[: len(rows)].astype(self._dtype if self.kept else np.float32)
