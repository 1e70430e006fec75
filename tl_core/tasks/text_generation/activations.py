"""Activations at the freeze boundary, computed once: a text is fixed, so what the frozen blocks make of it is too.

A window's activations are computed when it is first asked for and read from a memory-mapped file from then on. They
are kept in float32 while they fit in half a gigabyte, else in float16.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.text.pretrained.model import lower_part

EXACT_BYTES = 512 * 1024**2
MOST_BYTES = 4 * 1024**3


class Activations:
    """The input of the upper part for windows of tokens.

    `kept` says whether anything is kept: not where only the embeddings are frozen, which is a look-up, nor where it
    would take more than four gigabytes.
    """

    def __init__(self, network: keras.Model, below: int, windows: np.ndarray, folder: Path, cache: bool):
        self._below, self._windows = below, windows
        self.computed = 0  # windows, for whoever wants to know what was saved
        count, time = windows.shape[0], windows.shape[1] - 1
        size = 4 * count * time * network.hidden_dim
        self.kept = cache and below > 1 and size / 2 <= MOST_BYTES
        if self.kept:
            dtype = np.float32 if size <= EXACT_BYTES else np.float16
            with tempfile.TemporaryFile(dir=folder) as file:  # nothing is left behind, whatever happens
                self._stored = np.memmap(file, dtype, "w+", shape=(count, time, network.hidden_dim))
            self._known = np.zeros(count, bool)
        self._compute = tf.function(
            lambda tokens: tf.cast(lower_part(network, below, tokens), tf.float32),
            reduce_retracing=True,
            autograph=False,
        )

    def of(self, rows: np.ndarray) -> tf.Tensor:
        """For windows `rows`: float32 [rows, time, width], or the tokens themselves where nothing is frozen."""
        tokens = self._windows[rows, :-1]
        if self._below == 0:
            return tf.constant(tokens)
        if not self.kept:
            self.computed += len(rows)
            return self._compute(tf.constant(tokens))
        new = rows[~self._known[rows]]
        if len(new):
            filled = np.resize(new, len(rows))  # one size, one program
            self._stored[new] = self._compute(tf.constant(self._windows[filled, :-1])).numpy()[: len(new)]
            self._known[new] = True
            self.computed += len(new)
        return tf.constant(self._stored[rows].astype(np.float32))
