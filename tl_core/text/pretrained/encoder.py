"""One loaded encoder: KerasHub's network cut into blocks, and its tokenizer; what frozen blocks make of texts.

    tokens -> embeddings -> layer.0 ... layer.n -> mean over the tokens

Only this module knows how KerasHub calls an encoder's parts. The mean over a text's tokens stands for the text, as
MiniLM was trained to have it (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084).
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import UserError
from tl_core.base.events import Event
from tl_core.base.messages import message
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import EncoderShape

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # it would say at every start that it found no PyTorch


@dataclass(frozen=True)
class LoadedEncoder:
    """A network and its tokenizer."""

    network: keras.Model
    tokenizer: Any  # of transformers
    shape: EncoderShape
    folder: Path

    def tokens(self, texts: Sequence[str], limit: int) -> np.ndarray:
        """int32 [n, limit]: the first tokens of each text with its marks, the rest filled up with the padding's id."""
        found = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=limit, return_attention_mask=False
        )
        return np.asarray(found["input_ids"], np.int32).reshape(len(texts), limit)

    @property
    def padding(self) -> int:
        """The token that fills short texts up."""
        return self.tokenizer.pad_token_id or 0


def load(
    model: str,
    *,
    random: bool = False,
    seed: int = 0,
    dropout: float = 0.1,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LoadedEncoder:
    """An encoder with its pretrained weights, or the same network with random ones.

    Args:
        model: a name of the registry, or a folder.
        random: its weights are drawn from `seed`; the tokenizer is the pretrained one's all the same.
        dropout: rate in all its layers while it is trained.

    Raises:
        UserError: it cannot be had, or its files do not fit together.
        Stopped: `should_stop` answered True.
    """
    source = encoders.obtain(model, emit, should_stop)
    shape = encoders.read_shape(source.folder)
    try:
        network = _backbone(shape, source.folder, dropout, None if not random else seed)
        tokenizer = _tokenizer(source.folder)
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise UserError(
            message(
                "The encoder in {folder} cannot be loaded: {reason}.",
                folder=str(source.folder),
                reason=str(error)[:300],
            ),
            message("Get it once more, or choose another model."),
        ) from error
    return LoadedEncoder(network, tokenizer, shape, source.folder)


def embedded(encoder: LoadedEncoder, tokens: tf.Tensor, training: bool = False) -> tf.Tensor:
    """The embeddings block: tokens int32 [batch, time] -> [batch, time, width]."""
    return _embeddings(encoder.network)(_inputs(encoder, tokens), training=training)


def through(
    encoder: LoadedEncoder, x: tf.Tensor, mask: tf.Tensor, first: int, last: int, training: bool = False
) -> tf.Tensor:
    """Layers `first` to before `last`: [batch, time, width] -> the same; `mask` is True for tokens of the text."""
    for number in range(first, last):
        x = encoder.network.get_layer(f"transformer_layer_{number}")(x, padding_mask=mask, training=training)
    return x


def mean(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """[batch, time, width] -> [batch, width], over the tokens of the text."""
    weights = tf.cast(mask, x.dtype)[:, :, None]
    return tf.reduce_sum(x * weights, 1) / tf.maximum(tf.reduce_sum(weights, 1), 1)


def block_variables(encoder: LoadedEncoder, first: int, seeds: bool = False) -> list[keras.Variable]:
    """The weights of block number `first` and of all behind it; 0 are the embeddings.

    Args:
        seeds: the state of dropout's masks too.
    """
    numbers = range(max(0, first - 1), encoder.shape.layers)
    parts = [encoder.network.get_layer(f"transformer_layer_{number}") for number in numbers]
    if first == 0:
        parts.insert(0, _embeddings(encoder.network))
    return [variable for part in parts for variable in (part.variables if seeds else part.trainable_variables)]


def mark(encoder: LoadedEncoder) -> str:
    """SHA-256 over the weights of all blocks: what tells one set of pretrained weights from another."""
    digest = hashlib.sha256()
    for variable in block_variables(encoder, 0):
        digest.update(np.ascontiguousarray(variable.value.numpy()).view(np.uint8))
    return digest.hexdigest()


def _backbone(shape: EncoderShape, folder: Path, dropout: float, seed: int | None) -> keras.Model:
    import keras_hub

    family = {
        "bert": keras_hub.models.BertBackbone,
        "distilbert": keras_hub.models.DistilBertBackbone,
        "xlm-roberta": keras_hub.models.XLMRobertaBackbone,
    }[shape.family]
    if seed is not None:
        keras.utils.set_random_seed(seed)
    return family.from_preset(str(folder), load_weights=seed is None, dropout=dropout)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def _inputs(encoder: LoadedEncoder, tokens: tf.Tensor) -> Any:
    if encoder.shape.segments:
        return {"token_ids": tokens, "segment_ids": tf.zeros_like(tokens)}
    return {"token_ids": tokens}


def _embeddings(network: keras.Model) -> keras.Model:
    """The part of the network before its first layer, made once."""
    made = getattr(network, "_embeddings_block", None)
    if made is None:
        wanted = [tensor for name, tensor in network.input.items() if name != "padding_mask"]
        names = [name for name in network.input if name != "padding_mask"]
        first = network.get_layer("embeddings_dropout")
        made = keras.Model(dict(zip(names, wanted, strict=True)), first.output)
        network._embeddings_block = made
    return made
