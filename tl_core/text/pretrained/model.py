"""One loaded language model: weights, tokenizer and size; and the same weights in KerasHub's GPT-2 and back.

KerasHub's network is the reference and the one that is fine-tuned; generation streams with the same weights in plain
operations. A test holds both to one set of numbers.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from tokenizers import Tokenizer

from tl_core.base.events import Event
from tl_core.text import tokenizer
from tl_core.text.pretrained import hub_format, registry
from tl_core.text.pretrained.shape import Shape, weight_shapes


@dataclass(frozen=True)
class LanguageModel:
    """Weights in memory, under the Hub's names, float32."""

    name: str
    folder: Path
    shape: Shape
    weights: Mapping[str, np.ndarray]
    tokenizer: Tokenizer
    end: int = field(default=-1)  # id of <|endoftext|>, or -1


def load(
    name: str, emit: Callable[[Event], None] | None = None, should_stop: Callable[[], bool] | None = None
) -> LanguageModel:
    """Load a model of the registry or a folder in the Hub's format; see `registry.obtain` for what is raised."""
    return load_folder(registry.obtain(name, emit, should_stop).folder, name)


def load_folder(path: Path, name: str = "") -> LanguageModel:
    """Load a folder in the Hub's format.

    Raises:
        UserError: the folder lacks something or does not fit together.
    """
    hub_format.check(path)
    shape = hub_format.read_shape(path)
    bpe = tokenizer.load(path)
    end = bpe.token_to_id(tokenizer.END)
    if end is None or end >= shape.vocabulary:
        end = -1
    return LanguageModel(name or path.name, path, shape, hub_format.read_weights(path, shape), bpe, end)


def mark(weights: Mapping[str, np.ndarray]) -> str:
    """Eight hex digits that tell one set of weights from another."""
    checksum = 0
    for name in sorted(weights):
        checksum = zlib.crc32(np.ascontiguousarray(weights[name]).data.cast("B"), checksum)
    return f"{checksum:08x}"


def backbone(
    shape: Shape, weights: Mapping[str, np.ndarray] | None = None, dropout: float = 0.0, dtype: str = "float32"
) -> keras_hub.models.GPT2Backbone:
    """KerasHub's GPT-2 of this size, with `weights` where given, else as KerasHub starts it.

    Args:
        dtype: a Keras dtype policy.
    """
    network = keras_hub.models.GPT2Backbone(
        vocabulary_size=shape.vocabulary,
        num_layers=shape.layers,
        num_heads=shape.heads,
        hidden_dim=shape.width,
        intermediate_dim=4 * shape.width,
        dropout=dropout,
        max_sequence_length=shape.context,
        dtype=dtype,
    )
    if weights is not None:
        assign(network, weights)
    return network


def assign(network: keras_hub.models.GPT2Backbone, weights: Mapping[str, np.ndarray]) -> None:
    """Put weights under the Hub's names into KerasHub's variables."""
    for layer, attribute, name, part in _places(network):
        variable = layer._kernel if attribute == "kernel" else getattr(layer, attribute)
        value = weights[name] if part is None else np.split(weights[name], 3, -1)[part]
        variable.assign(value.reshape(variable.shape))


def hub_weights(network: keras_hub.models.GPT2Backbone) -> dict[str, np.ndarray]:
    """The network's weights under the Hub's names, float32; what LoRA learned is added in."""
    width, shapes = network.hidden_dim, weight_shapes(shape_of(network))
    parts: dict[str, list[np.ndarray]] = {}
    for layer, attribute, name, part in _places(network):
        value = tf.convert_to_tensor(getattr(layer, attribute)).numpy().astype(np.float32)  # `kernel` has LoRA added
        size = shapes[name] if part is None else (*shapes[name][:-1], width)
        parts.setdefault(name, []).append(value.reshape(size))
    return {name: np.concatenate(values, -1) for name, values in parts.items()}


def shape_of(network: keras_hub.models.GPT2Backbone) -> Shape:
    """The sizes of KerasHub's network."""
    return Shape(
        network.vocabulary_size, network.max_sequence_length, network.num_layers, network.num_heads, network.hidden_dim
    )


def logits(
    network: keras_hub.models.GPT2Backbone, tokens: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False
) -> tf.Tensor:
    """What follows each token: int [batch, time] -> float32 [batch, time, vocabulary]; `mask` is 0 at padding."""
    mask = tf.ones_like(tokens) if mask is None else mask
    hidden = network({"token_ids": tokens, "padding_mask": mask}, training=training)
    return tf.cast(network.token_embedding(hidden, reverse=True), tf.float32)


def lower_part(
    network: keras_hub.models.GPT2Backbone, below: int, tokens: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """The output of the frozen blocks, or of the embeddings alone: int [batch, time] -> [batch, time, width]."""
    x = network.token_embedding(tokens)
    x = network.embeddings_dropout(network.embeddings_add((x, network.position_embedding(x))), training=training)
    for block in network.transformer_layers[: max(0, below - 1)]:
        x = block(x, training=False)
    return x


def lora_layers(block: keras.Layer) -> tuple[keras.Layer, keras.Layer]:
    """The layers of a block that KerasHub's `enable_lora` changes: query and value."""
    return block._self_attention_layer.query_dense, block._self_attention_layer.value_dense


def _places(network: keras_hub.models.GPT2Backbone) -> Iterator[tuple[keras.Layer, str, str, int | None]]:
    """Where each weight of the Hub lies in KerasHub: layer, attribute, name on the Hub, part.

    The Hub joins query, key and value (parts 0, 1, 2) side by side in one matrix.
    """
    yield network.token_embedding, "embeddings", "wte.weight", None
    yield network.position_embedding, "position_embeddings", "wpe.weight", None
    for index, block in enumerate(network.transformer_layers):
        attention = block._self_attention_layer
        for norm, name in ((block._self_attention_layer_norm, "ln_1"), (block._feedforward_layer_norm, "ln_2")):
            yield norm, "gamma", f"h.{index}.{name}.weight", None
            yield norm, "beta", f"h.{index}.{name}.bias", None
        for part, dense in enumerate((attention.query_dense, attention.key_dense, attention.value_dense)):
            yield dense, "kernel", f"h.{index}.attn.c_attn.weight", part
            yield dense, "bias", f"h.{index}.attn.c_attn.bias", part
        for dense, name in (
            (attention.output_dense, "attn.c_proj"),
            (block._feedforward_intermediate_dense, "mlp.c_fc"),
            (block._feedforward_output_dense, "mlp.c_proj"),
        ):
            yield dense, "kernel", f"h.{index}.{name}.weight", None
            yield dense, "bias", f"h.{index}.{name}.bias", None
    yield network.layer_norm, "gamma", "ln_f.weight", None
    yield network.layer_norm, "beta", "ln_f.bias", None
