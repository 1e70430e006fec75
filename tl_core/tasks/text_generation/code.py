"""The same fine-tuning as a short script of plain KerasHub: what the settings mean, in the words of the library.

It does what `training` does, the plain way and without the activation cache: the same windows in the same order, the
same weights to begin with and to train, as many steps, and the best weights kept. `packing` hands it out with all
that it needs. TensorFlow-free: it writes text.
"""

from importlib import metadata

from tl_core.tasks.text_generation.config import VALIDATION_TOKENS, TextConfig, boundary
from tl_core.text.pretrained.hub_format import FILES
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape
from tl_core.training import script

SCRIPT, TRAINING, VALIDATION, BASE = "train.py", "training.txt", "validation.txt", "base"  # names in the ZIP
RESULT = "fine-tuned"


def fetched(config: TextConfig) -> str:
    """Where the script fetches the model that it begins with, "hf://...", or "" if that comes along as a folder."""
    row = CHECKPOINTS.get(config.model)
    return f"hf://{row.repository}" if row and row.repository else ""


def keras_code(config: TextConfig, shape: Shape, validated: bool = True) -> str:
    """A script that anybody with keras-hub can run beside the two parts of a text and, if need be, a model's folder.

    Args:
        config: the experiment.
        shape: of its model.
        validated: whether the validation part has a window at all.
    """
    validated = validated and config.validation > 0
    parts = [
        _head(config, shape, validated),
        _data(config, min(config.context, shape.context), validated),
        [f"backbone.enable_lora({config.lora_rank})"] if config.lora_rank else [],
        _best(config, validated),
    ]
    parts += [_phase(config, shape, number, validated) for number in range(len(config.phases))]
    parts.append(_result(config, shape, validated))
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(config: TextConfig, shape: Shape, validated: bool) -> list[str]:
    """What the script is, what lies beside it, and the model that it begins with."""
    hub = fetched(config)
    needed = [f"{name}=={metadata.version(name)}" for name in ("keras-hub", "keras", "tensorflow")]
    beside = [TRAINING, *([VALIDATION] if validated else []), *([] if hub else [f"{BASE}/ (the model)"])]
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
    policy = [f'keras.config.set_dtype_policy("{_precision(config)}")'] if _precision(config) else []
    return [
        *lines,
        '"""',
        "",
        "import math",
        "",
        "import keras",
        "import keras_hub",
        "import numpy as np",
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


def _data(config: TextConfig, context: int, validated: bool) -> list[str]:
    """Windows of tokens, and which of them make up each step."""
    lines = [
        "def windows(name):",
        f'    """A text in rows of {context + 1} tokens; each begins with the last one of the row before."""',
        '    tokens = np.array(tokenizer(open(name, encoding="utf-8").read()))',
        f"    return tokens[np.arange((len(tokens) - 1) // {context})[:, None] * {context} + np.arange({context + 1})]",
        "",
        "",
        "def examples(rows):",
        '    """Inputs and targets: each token, and the one that follows it."""',
        '    return {"token_ids": rows[:, :-1], "padding_mask": np.ones_like(rows[:, :-1])}, rows[:, 1:]',
        "",
        "",
        f'training = windows("{TRAINING}")',
    ]
    if validated:
        most = max(1, VALIDATION_TOKENS // context)
        lines += [
            f'validation = windows("{VALIDATION}")',
            f"validation = validation[  # at most {most} of them, evenly spread",
            f"    np.linspace(0, len(validation) - 1, min(len(validation), {most})).round().astype(int)]",
        ]
    taken = config.steps * config.batch_size
    return [
        *lines,
        "order = np.concatenate([  # every reading of the text in another one",
        f"    np.random.default_rng(({config.seed}, reading)).permutation(len(training))",
        f"    for reading in range(math.ceil({taken} / len(training)))])",
        "",
    ]


def _best(config: TextConfig, validated: bool) -> list[str]:
    return [
        "best = keras.callbacks.ModelCheckpoint(",
        f'    "best.weights.h5", monitor="{_monitored(validated)}", mode="min", '
        "save_best_only=True, save_weights_only=True)",
        *(["taken = 0  # steps"] if len(config.phases) > 1 else []),
    ]


def _phase(config: TextConfig, shape: Shape, number: int, validated: bool) -> list[str]:
    """What learns, the network, the optimizer, and rounds of training that keep the best weights."""
    phase = config.phases[number]
    decay = {"weight_decay": config.weight_decay} if phase.optimizer == "adamw" else {}
    return [
        "",
        *_trained(config, shape, number),
        *_network(config, shape, number),
        *script.optimizer(phase, phase.steps, global_clipnorm=1.0, **decay),
        "model.compile(",
        "    optimizer,",
        "    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),",
        '    metrics=["accuracy"],',
        ")",
        *_rounds(config, number, validated),
        'model.load_weights("best.weights.h5")',
    ]


def _trained(config: TextConfig, shape: Shape, number: int) -> list[str]:
    """What learns: whole blocks, or LoRA's weights above the boundary."""
    below = boundary(config, shape, number)
    if config.lora_rank:
        return [
            f'frozen = tuple(f"{{block.name}}/" for block in backbone.transformer_layers[:{below - 1}])',
            "for weight in backbone.weights:  # of these, what LoRA has added above the frozen blocks",
            '    weight.trainable = "lora" in weight.name and not weight.path.startswith(frozen)',
        ]
    lines = ["for layer in backbone.layers:", "    layer.trainable = True"] if number else []
    if below:
        lines += ["backbone.token_embedding.trainable = False", "backbone.position_embedding.trainable = False"]
    if below > 1:
        lines += [f"for block in backbone.transformer_layers[:{below - 1}]:", "    block.trainable = False"]
    return lines


def _network(config: TextConfig, shape: Shape, number: int) -> list[str]:
    """Tokens to logits; where something is frozen and there is dropout, without dropout in what is frozen."""
    boundaries = [boundary(config, shape, each) for each in range(len(config.phases))]
    logits = "backbone.token_embedding({}, reverse=True)"
    if _precision(config):
        logits = f'keras.ops.cast({logits}, "float32")'
    if not (any(boundaries) and config.dropout):
        return [] if number else [f"model = keras.Model(backbone.input, {logits.format('backbone.output')})"]
    frozen = f"frozen_blocks = {max(0, boundaries[number] - 1)}"
    if number:
        return [frozen]
    return [
        frozen,
        "",
        "",
        "class Model(keras.Model):",
        '    """The same network, in which what is frozen has no dropout."""',
        "",
        "    def call(self, inputs, training=False):",
        '        x = backbone.token_embedding(inputs["token_ids"])',
        "        x = backbone.embeddings_add((x, backbone.position_embedding(x)))",
        "        x = backbone.embeddings_dropout(x, training=training and backbone.token_embedding.trainable)",
        "        for number, block in enumerate(backbone.transformer_layers):",
        "            x = block(x, training=training and number >= frozen_blocks)",
        f"        return {logits.format('backbone.layer_norm(x)')}",
        "",
        "",
        "model = Model()",
        "model.backbone = backbone",
    ]


def _rounds(config: TextConfig, number: int, validated: bool) -> list[str]:
    """Rounds of training, each with a validation behind it; the last one may be shorter."""
    steps, every, size = config.phases[number].steps, config.evaluate_every, config.batch_size
    several, patience = len(config.phases) > 1, config.early_stopping
    first, last = "first", f"min(first + {every}, {steps})"
    if several:
        first, last = "taken", f"taken + min({every}, {steps} - first)"
    held_out = "validation_data=examples(validation), " if validated else ""
    lines = [
        *(["lowest, waited = math.inf, 0"] if patience else []),
        f"for first in range(0, {steps}, {every}):  # steps; one round after the other",
        *([f"    last = {last}"] if several else []),
        f"    rows = training[order[{first} * {size} : {'last' if several else last} * {size}]]",
        f"    {'history = ' if patience else ''}model.fit(",
        f"        *examples(rows), batch_size={size}, shuffle=False, {held_out}callbacks=[best])",
        *(["    taken = last"] if several else []),
    ]
    if patience:
        lines += [
            f'    loss = history.history["{_monitored(validated)}"][-1]',
            "    waited = 0 if loss < lowest else waited + 1",
            "    lowest = min(loss, lowest)",
            f"    if waited == {patience}:  # rounds without a better one",
            "        break",
        ]
    return lines


def _monitored(validated: bool) -> str:
    return "val_loss" if validated else "loss"


def _result(config: TextConfig, shape: Shape, validated: bool) -> list[str]:
    """The model as a folder, what it writes, and how good it is."""
    length = min(config.sample_length, shape.context)
    last = 'print("training perplexity:", math.exp(best.best))'
    if validated:
        loss = 'model.evaluate(*examples(validation), return_dict=True, verbose=0)["loss"]'
        last = f'print("validation perplexity:", math.exp({loss}))'
    return [
        "",
        "causal = keras_hub.models.GPT2CausalLM(backbone, preprocessor)",
        f'causal.save_to_preset("{RESULT}")',
        f"prompt = {config.opening!r}",
        f"print(causal.generate(prompt, max_length=min({shape.context}, len(tokenizer(prompt)) + {length + 1})))",
        last,
    ]


def _precision(config: TextConfig) -> str:
    """The dtype policy where it is not Keras' own."""
    return "" if config.precision in ("auto", "float32") else config.precision
