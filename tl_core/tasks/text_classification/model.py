"""The classifier of a run: its encoder and head before training, and with the best weights; and what it says of texts.

runs/<id>/best.weights.npz    of the epoch with the lowest validation loss (tl_core.training.checkpoint)
runs/<id>/labels.json         the names of the classes (paths)
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.tasks.text_classification import material, network, paths
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoder import LoadedEncoder
from tl_core.training import checkpoint, precision

BATCH = 8  # texts that are read together
MOST_WORDS = 100  # whose influence is asked for


def untrained(
    config: TextClassificationConfig,
    classes: int,
    emit: Callable[[events.Event], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[LoadedEncoder, keras.Model]:
    """The encoder and the new head, as training begins with them.

    Raises:
        UserError: the encoder cannot be had.
        Stopped: `should_stop` answered True.
    """
    keras.utils.set_random_seed(config.seed)
    encoder = encoders.load(
        config.encoder.name,
        random=config.encoder.weights == "random",
        seed=config.seed,
        dropout=config.dropout,
        emit=emit,
        should_stop=should_stop,
    )
    return encoder, network.build_head(config.head, classes, encoder.shape.width, config.seed)


def load_best(folder: Path, encoder: LoadedEncoder, head: keras.Model) -> None:
    """Give the run's best weights to the head and to those of the encoder's blocks that were trained.

    Raises:
        UserError: there are none, or they were trained on top of other weights.
    """
    saved = checkpoint.load(checkpoint.best_path(folder))
    if saved is None:
        raise UserError(
            message("This run has no weights: it ended before its first epoch was complete."),
            message("Press Resume to train on, or start another run."),
        )
    if saved.facts["base"] != encoders.mark(encoder):
        raise UserError(
            message("The pretrained weights have changed since this run was trained."),
            message("Put the former weights file back, or train again."),
        )
    checkpoint.restore(saved, [*encoders.block_variables(encoder, saved.facts["lowest"]), *head.weights])


def write_labels(folder: Path, classes: Sequence[str]) -> None:
    """Write the names of the classes."""
    (folder / paths.LABELS).write_text(json.dumps(list(classes), ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True)
class Classifier:
    """A run's network, ready to say what it thinks of texts."""

    encoder: LoadedEncoder
    head: keras.Model
    classes: tuple[str, ...]
    length: int
    _forward: Callable[[tf.Tensor], tf.Tensor]

    def predict(self, texts: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> np.ndarray:
        """Probabilities float32 [n, classes]."""
        said = []
        for start in range(0, len(texts), BATCH):
            some = texts[start : start + BATCH]
            tokens = np.resize(self.encoder.tokens(some, self.length), (BATCH, self.length))  # one size, one program
            said.append(self._forward(tf.constant(tokens)).numpy()[: len(some)])
            if should_stop():
                break
        return np.concatenate(said) if said else np.zeros((0, len(self.classes)), np.float32)

    def influence(self, text: str) -> list[tuple[str, float]]:
        """Each word of a text, and how much the probability of its class falls when the word is masked.

        By occlusion (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901; for words Li et al. 2016,
        https://arxiv.org/abs/1612.08220). A word is what stands between spaces, in Chinese a character; of a long text
        the first ones are asked about.
        """
        pieces = words(text)[:MOST_WORDS]
        hole = self.encoder.tokenizer.mask_token or self.encoder.tokenizer.unk_token
        variants = [text, *(text[:start] + hole + text[end:] for _, start, end in pieces)]
        said = self.predict(variants)
        top = int(said[0].argmax())
        return [(word, float(said[0, top] - said[number, top])) for number, (word, _, _) in enumerate(pieces, 1)]


def words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text with their places; a Chinese character is one of its own."""
    found, start = [], None
    for place, letter in enumerate([*text, " "]):
        alone = "\u4e00" <= letter <= "\u9fff"
        if start is not None and (alone or letter.isspace()):
            found.append((text[start:place], start, place))
            start = None
        if alone:
            found.append((letter, place, place + 1))
        elif start is None and not letter.isspace():
            start = place
    return found


def names(folder: Path, config: TextClassificationConfig) -> tuple[str, ...]:
    """The names of the classes; a run that was stopped has not written them, then the texts tell.

    Raises:
        UserError: the texts are gone as well.
    """
    try:
        return paths.labels(folder)
    except (OSError, ValueError):
        return material.load(config).classes


def load(folder: Path, config: TextClassificationConfig) -> Classifier:
    """A run's classifier with its best weights, in float32.

    Raises:
        UserError: it has none yet, or its encoder is not to be had (any more).
    """
    classes = names(folder, config)
    with precision.policy("float32"):
        encoder, head = untrained(config, len(classes))
        load_best(folder, encoder, head)
        part = network.TrainedPart(encoder, 0, head)
        forward = tf.function(lambda tokens: part(tokens, training=False), autograph=False)
    return Classifier(encoder, head, classes, config.encoder.length, forward)
