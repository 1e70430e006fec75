"""What each block of a frozen encoder makes of texts, the mean over a text's tokens, in one pass over the texts.

tokens -> embeddings -> layer.0 -> ... -> layer.n
              |            |                 |
             mean         mean              mean    = one row: all of them side by side
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Phase
from tl_core.tasks.text_classification.config import EncoderConfig
from tl_core.tasks.text_classification.features import BATCH
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoder import LoadedEncoder
from tl_core.training.activations import Cache

VERSION = 1  # of everything between the text and the row; raise it when their meaning changes


class Blocks:
    """A frozen encoder whose blocks are all read at once; its weights can be exchanged.

    Args:
        config: which encoder, and how many tokens are read of a text.
        texts: what it reads.
        emit: takes Phase and Progress events, and notices.
        should_stop: asked between batches.
    """

    encoder: LoadedEncoder  # once weights are loaded

    def __init__(
        self,
        config: EncoderConfig,
        texts: Sequence[str],
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ):
        self.config, self.texts, self.emit, self.should_stop = config, texts, emit, should_stop

    def load(self, weights: str, seed: int = 0) -> None:
        """Take these weights: "pretrained", or "random", drawn from the seed.

        Raises:
            UserError: they cannot be had; random ones never take their place.
            Stopped: during a download.
        """
        first = not hasattr(self, "encoder")
        loaded = encoders.load(
            self.config.name,
            random=weights == "random",
            seed=seed,
            emit=self.emit if first else None,  # the files are the same every time
            should_stop=self.should_stop,
        )
        if first:
            self.encoder = loaded
        else:  # into the network that is compiled already
            self.encoder.network.set_weights(loaded.network.get_weights())

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each block's means stand in a row."""
        width = self.encoder.shape.width
        return tuple(slice(n * width, (n + 1) * width) for n in range(len(self.encoder.shape.blocks)))

    def rows(self) -> np.ndarray:
        """A row for each text, float32 [n, blocks * width], from the cache or computed now.

        Raises:
            Stopped: `should_stop` answered True; what was computed is kept.
        """
        places, width = np.arange(len(self.texts)), self.slices[-1].stop
        cache = Cache(self.emit, self.should_stop)
        decides = {
            "version": VERSION,
            "what": "means behind all blocks",
            "texts": hashlib.sha256(self._tokens.tobytes()).hexdigest(),
            "encoder": encoders.mark(self.encoder),
            "length": self.config.length,
        }
        if cache.open(0, decides, len(places), 4 * width):
            cache.fill({0: cache.missing(0, places)}, lambda _, left: self._computed(left), "texts")
        if cache.kept(0):
            return np.array(cache.rows(0, places, (width,), np.dtype(np.float32)))
        self.emit(Phase(phase="features", total=len(places), unit="texts"))
        return np.concatenate([values for _, values in self._computed(places)])

    def _computed(self, places: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """The rows of these texts, batch by batch: where in the list, float32 [batch, width]."""
        for start in range(0, len(places), BATCH):
            if self.should_stop():
                raise Stopped
            tokens = self._tokens[places[start : start + BATCH]]
            filled = np.resize(tokens, (BATCH, tokens.shape[1]))  # one shape, one trace, the same order of sums
            yield slice(start, start + len(tokens)), self._forward(tf.constant(filled)).numpy()[: len(tokens)]

    @cached_property
    def _tokens(self) -> np.ndarray:
        """int32 [n, length]."""
        return self.encoder.tokens(self.texts, self.config.length)

    @cached_property
    def _forward(self) -> Callable[[tf.Tensor], tf.Tensor]:
        def means(tokens: tf.Tensor) -> tf.Tensor:
            mask = tokens != self.encoder.padding
            x = encoders.embedded(self.encoder, tokens)
            found = [encoders.mean(tf.cast(x, tf.float32), mask)]
            for number in range(self.encoder.shape.layers):
                x = encoders.through(self.encoder, x, mask, number, number + 1)
                found.append(encoders.mean(tf.cast(x, tf.float32), mask))
            return tf.concat(found, -1)

        return tf.function(means, autograph=False)
