"""The same fine-tuning as a short script of plain KerasHub: what the settings mean, in the words of the library.

It trains the same network the plain way, without the activation cache, and is handed out with all that it needs.
TensorFlow-free: it writes text and packs files.
"""

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from tl_core.base.errors import disk_full_explained
from tl_core.tasks.text_generation import card
from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.text.data import corpus
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import registry
from tl_core.text.pretrained.hub_format import FILES
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape

SCRIPT, TRAINING, VALIDATION, BASE = "train.py", "training.txt", "validation.txt", "base"  # names in the ZIP
RESULT = "fine-tuned"


@contextlib.contextmanager
def script_zip(config: TextConfig) -> Iterator[Path]:
    """A ZIP with the run's settings as a script and all that it needs, which is gone afterwards.

    The two parts of the text, as they were trained and validated on, and the model that it began with, unless the
    script fetches that one itself. Nothing here imports TensorFlow.

    Raises:
        UserError: the text has been deleted, or the model is not to be had any more.
    """
    texts = corpus.split(corpus.load(config.corpus), config.validation, config.straighten)
    source = None if fetched(config) else registry.find(config.model).folder
    shape = format_.read_shape(source) if source else registry.checkpoint(config.model).shape
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-script-") as place:
        target = Path(place) / "script.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(SCRIPT, keras_code(config, shape))
            for name, text in zip((TRAINING, VALIDATION), texts, strict=True):
                if text:
                    archive.writestr(name, text)
            if source:
                with card.for_others(source, Path(place)) as ready_made:
                    for name in (*format_.FILES, *format_.OTHERS):
                        if (ready_made / name).is_file():
                            archive.write(ready_made / name, f"{BASE}/{name}")
        yield target


def fetched(config: TextConfig) -> str:
    """Where the script fetches the model that it begins with, "hf://...", or "" if that comes along as a folder."""
    row = CHECKPOINTS.get(config.model)
    return f"hf://{row.repository}" if row and row.repository else ""


def keras_code(config: TextConfig, shape: Shape) -> str:
    """A script that anybody with keras-hub can run beside the two parts of a text and, if need be, a model's folder.

    Args:
        config: the experiment.
        shape: of its model.
    """
    context = min(config.context, shape.context)
    parts = [
        _head(config, shape),
        _data(config, context),
        _frozen(config, shape),
        _training(config, shape),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(config: TextConfig, shape: Shape) -> list[str]:
    """What the script is, what lies beside it, and the model that it begins with."""
    hub = fetched(config)
    needed = [f"{name}=={metadata.version(name)}" for name in ("keras-hub", "keras", "tensorflow")]
    beside = [TRAINING, *([VALIDATION] if config.validation else []), *([] if hub else [f"{BASE}/ (the model)"])]
    lines = [
        '"""Fine-tune GPT-2 on a text with plain KerasHub.',
        "",
        f"    pip install {' '.join([*needed, *(['huggingface_hub'] if hub else [])])}",
        f"    python {SCRIPT}",
        "",
        f"Beside this file lie: {', '.join(beside)}. The best weights go to {RESULT}/, tokenizer included.",
    ]
    if hub:
        lines += [
            f"The model comes from https://huggingface.co/{hub.removeprefix('hf://')} at the first start. Without a",
            f"network, put its {', '.join(FILES)}",
            f'into a folder "{BASE}" beside this file, and write preset = "{BASE}" below.',
        ]
    policy = ['keras.config.set_dtype_policy("mixed_bfloat16")'] if config.precision == "mixed_bfloat16" else []
    return [
        *lines,
        '"""',
        "",
        "import keras",
        "import keras_hub",
        "import numpy as np",
        "import tensorflow as tf",
        "",
        f"keras.utils.set_random_seed({config.seed})",
        *policy,
        f'preset = "{hub or BASE}"',
        "tokenizer = keras_hub.tokenizers.GPT2Tokenizer.from_preset(preset)",
        f"backbone = keras_hub.models.GPT2Backbone.from_preset(preset, dropout={config.dropout:g})",
        f"preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length={shape.context})",
        "",
        "",
    ]


def _data(config: TextConfig, context: int) -> list[str]:
    lines = [
        "def windows(name):",
        f'    """Inputs and targets of a text: {context} tokens, and the same shifted by one."""',
        '    tokens = np.array(tokenizer(open(name, encoding="utf-8").read()))',
        f"    rows = tokens[np.arange((len(tokens) - 1) // {context})[:, None] * {context} + np.arange({context + 1})]",
        '    inputs = {"token_ids": rows[:, :-1], "padding_mask": np.ones_like(rows[:, :-1])}',
        "    return tf.data.Dataset.from_tensor_slices((inputs, rows[:, 1:]))",
        "",
        "",
        f'train = windows("{TRAINING}").shuffle(10_000, seed={config.seed}).repeat().batch({config.batch_size})',
    ]
    if config.validation:
        lines.append(f'validation = windows("{VALIDATION}").batch({config.batch_size})')
    return [*lines, ""]


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


def _training(config: TextConfig, shape: Shape) -> list[str]:
    """The schedule and the optimizer of the app, training that keeps the best weights, and what is left of it."""
    warm = config.warm_up
    validation = "validation_data=validation, " if config.validation else ""
    monitored = "val_loss" if config.validation else "loss"
    length = min(config.sample_length, shape.context)
    return [
        "logits = backbone.token_embedding(backbone.output, reverse=True)",
        "model = keras.Model(backbone.input, logits)",
        "rate = keras.optimizers.schedules.CosineDecay(",
        f"    {config.learning_rate / 10:g}, {max(1, config.steps - warm)}, alpha=0.1, "
        f"warmup_target={config.learning_rate:g}, warmup_steps={warm})",
        f"optimizer = keras.optimizers.AdamW(rate, weight_decay={config.weight_decay:g}, global_clipnorm=1.0)",
        'optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])',
        "model.compile(",
        "    optimizer,",
        "    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),",
        '    metrics=["accuracy"],',
        ")",
        "best = keras.callbacks.ModelCheckpoint(",
        f'    "best.weights.h5", monitor="{monitored}", mode="min", save_best_only=True, save_weights_only=True)',
        f"model.fit(train, epochs={config.epochs}, steps_per_epoch={min(config.steps, config.evaluate_every)}, "
        f"{validation}callbacks=[best])",
        'model.load_weights("best.weights.h5")',
        "",
        "causal = keras_hub.models.GPT2CausalLM(backbone, preprocessor)",
        f'causal.save_to_preset("{RESULT}")',
        f"prompt = {config.opening!r}",
        f"print(causal.generate(prompt, max_length=min({shape.context}, len(tokenizer(prompt)) + {length + 1})))",
    ]
