"""The same fine-tuning as a short script of plain KerasHub: what the settings mean, in the words of the library.

It trains the same network the plain way, without the activation cache; TensorFlow-free, it only writes text.
"""

from tl_core.text.checkpoints import CHECKPOINTS
from tl_core.text.config import TextConfig, boundary
from tl_core.text.shape import Shape
from tl_core.text.typography import PLAIN


def keras_code(config: TextConfig, shape: Shape, text: str = "text.txt") -> str:
    """A script that anybody with keras-hub can run on a text file.

    Args:
        config: the experiment.
        shape: of its model.
        text: name of the file in the script.
    """
    row = CHECKPOINTS.get(config.model)
    preset = f"hf://{row.repository}" if row and row.repository else "model" if row else config.model
    context = min(config.context, shape.context)
    parts = [
        _head(config, preset, text, context),
        _frozen(config, shape),
        _training(config),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(config: TextConfig, preset: str, text: str, context: int) -> list[str]:
    policy = ['keras.config.set_dtype_policy("mixed_bfloat16")'] if config.precision == "mixed_bfloat16" else []
    return [
        "import keras",
        "import keras_hub",
        "import numpy as np",
        "import tensorflow as tf",
        "",
        f"keras.utils.set_random_seed({config.seed})",
        *policy,
        f'preset = "{preset}"  # a folder or a name on the Hub',
        "tokenizer = keras_hub.tokenizers.GPT2Tokenizer.from_preset(preset)",
        "backbone = keras_hub.models.GPT2Backbone.from_preset(preset)",
        "",
        f'text = open("{text}", encoding="utf-8").read()',
        *(_straightened() if config.straighten else []),
        f"cut = round(len(text) * {1 - config.validation:g})  # the end is for validation",
        "",
        "",
        "def windows(part):",
        f'    """Inputs and targets: {context} tokens, and the same shifted by one."""',
        "    tokens = np.array(tokenizer(part))",
        f"    rows = tokens[np.arange((len(tokens) - 1) // {context})[:, None] * {context} + np.arange({context} + 1)]",
        '    inputs = {"token_ids": rows[:, :-1], "padding_mask": np.ones_like(rows[:, :-1])}',
        f"    return tf.data.Dataset.from_tensor_slices((inputs, rows[:, 1:])).shuffle(10_000, seed={config.seed})",
        "",
        "",
    ]


def _straightened() -> list[str]:
    return [
        f"plain = {PLAIN}  # plain quotes, dashes, dots and spaces for typographic ones",
        "text = text.translate({ord(letter): to for to, letters in plain.items() for letter in letters})",
    ]


def _frozen(config: TextConfig, shape: Shape) -> list[str]:
    below = boundary(config, shape)
    if config.lora_rank:
        lines = [f"backbone.enable_lora({config.lora_rank})  # freezes all else"]
        if below > 1:
            lines += [
                f"for block in backbone.transformer_layers[:{below - 1}]:",
                "    for layer in (block._self_attention_layer.query_dense, block._self_attention_layer.value_dense):",
                "        layer.trainable = False",
            ]
        return lines
    lines = []
    if below:
        lines += ["backbone.token_embedding.trainable = False", "backbone.position_embedding.trainable = False"]
    if below > 1:
        lines += [f"for block in backbone.transformer_layers[:{below - 1}]:", "    block.trainable = False"]
    return lines


def _training(config: TextConfig) -> list[str]:
    validation = f", validation_data=windows(text[cut:]).batch({config.batch_size})" if config.validation else ""
    return [
        "logits = backbone.token_embedding(backbone.output, reverse=True)",
        "model = keras.Model(backbone.input, logits)",
        "model.compile(",
        f"    keras.optimizers.AdamW({config.learning_rate:g}, weight_decay={config.weight_decay:g}, "
        "global_clipnorm=1.0),",
        "    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),",
        '    metrics=["accuracy"],',
        ")",
        f"train = windows(text[:cut]).repeat().batch({config.batch_size})",
        f"model.fit(train, epochs={config.epochs}, steps_per_epoch={min(config.steps, config.evaluate_every)}"
        f"{validation})",
        'backbone.save_to_preset("fine-tuned")',
    ]
