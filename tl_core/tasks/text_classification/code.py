"""The same experiment as a short script of plain Keras and KerasHub: what the settings mean, in the libraries' words.

It does what `training` does, the plain way and without the activation cache: the same texts in the same parts and
order, the same weights to begin with, the same phases, and the best weights kept. `packing` hands it out with all
that it needs. TensorFlow-free: it writes text.
"""

import math
from collections.abc import Sequence
from importlib import metadata

from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary
from tl_core.text.pretrained.encoders import ENCODERS, EncoderShape
from tl_core.training import script

SCRIPT, BASE, PARTS = "train.py", "encoder", ("training", "validation")  # names in the ZIP
BACKBONES = {"bert": "BertBackbone", "distilbert": "DistilBertBackbone", "xlm-roberta": "XLMRobertaBackbone"}
TEXTS = '''
def read(name):
    """Tokens and labels of a file that holds one [text, label] a line."""
    rows = [json.loads(line) for line in open(name, encoding="utf-8")]
    tokens = tokenizer([text for text, label in rows], padding="max_length", truncation=True, max_length={length})
    return np.array(tokens["input_ids"], "int32"), {labels}


class Texts(keras.utils.PyDataset):
    """Batches of the training texts, in another order in every epoch."""

    def shuffle(self, epoch, logs=None):
        self.order = np.random.default_rng((seed, epoch + 1)).permutation(len(tokens))

    def __len__(self):
        return math.ceil(len(tokens) / {batch})

    def __getitem__(self, batch):
        some = self.order[batch * {batch} : (batch + 1) * {batch}]
        return tokens[some], labels[some]

'''
NETWORK = '''
class Classifier(keras.Model):
    """Tokens to probabilities. What is frozen has no dropout; the mean over its tokens stands for a text."""

    def call(self, tokens, training=False):
        mask = keras.ops.not_equal(tokens, tokenizer.pad_token_id)
        x = embeddings({inputs}, training=training and frozen == 0)
        for number, layer in enumerate(layers, 1):
            x = layer(x, padding_mask=mask, training=training and number >= frozen)
        x, weights = keras.ops.cast(x, "float32"), keras.ops.cast(mask, "float32")[:, :, None]
        return head(keras.ops.sum(x * weights, 1) / keras.ops.maximum(keras.ops.sum(weights, 1), 1), training=training)


def train_above(blocks):
    """Freeze so many blocks, the embeddings first; train the layers above them."""
    for layer in encoder.layers:
        layer.trainable = False
    for number, block in enumerate([embeddings, *layers]):
        block.trainable = number >= blocks
    return blocks


model = Classifier()
model.encoder, model.head = encoder, head
'''


def fetched(config: TextClassificationConfig) -> str:
    """The repository on the Hub from which the script fetches the encoder, or "" if that comes along as a folder."""
    row = ENCODERS.get(config.encoder.name)
    return row.repository if row and not row.package else ""


def keras_code(
    config: TextClassificationConfig,
    shape: EncoderShape,
    counts: Sequence[int],
    classes: Sequence[str],
    validated: bool = True,
) -> str:
    """A script that anybody with keras-hub and transformers can run beside the texts and, if need be, the encoder.

    Args:
        config: the experiment.
        shape: of its encoder.
        counts: training texts of each class, in the order of the classes.
        classes: their names, likewise.
        validated: whether there is a validation part.
    """
    parts = [
        _head(config, validated),
        _data(config, classes, validated),
        _network(config, shape, len(classes)),
        [
            "best = keras.callbacks.ModelCheckpoint(",
            f'    "best.weights.h5", monitor="{_monitored(config, validated)}", mode="min", '
            "save_best_only=True, save_weights_only=True)",
        ],
    ]
    parts += [_phase(config, shape, number, counts, validated) for number in range(len(config.phases))]
    said = 'print("validation accuracy:", model.evaluate(*validation, return_dict=True, verbose=0)["accuracy"])'
    parts.append([said if validated else 'print("training loss:", best.best)'])
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(config: TextClassificationConfig, validated: bool) -> list[str]:
    """What the script is, and what lies beside it."""
    hub, row = fetched(config), ENCODERS.get(config.encoder.name)
    libraries = ["keras-hub", "keras", "tensorflow", "transformers", *(["huggingface_hub"] if hub else [])]
    needed = " ".join(f"{name}=={metadata.version(name)}" for name in libraries)
    beside = [f"{name}.jsonl" for name in PARTS[: 1 + validated]] + ([] if hub else [f"{BASE}/"])
    policy = []
    if config.precision not in ("auto", "float32"):
        policy = [f'keras.config.set_dtype_policy("{config.precision}")']
    return [
        f'"""Train a classifier of texts on top of {row.title if row else "an encoder"} with plain Keras and KerasHub.',
        "",
        f"    pip install {needed}",
        f"    python {SCRIPT}",
        "",
        f"Beside this file lie: {', '.join(beside)}. The best weights go to best.weights.h5.",
        '"""',
        "",
        "import json",
        "import math",
        "",
        "import keras",
        "import keras_hub",
        "import numpy as np",
        "from transformers import AutoTokenizer",
        "",
        f"seed = {config.seed}",
        *policy,
        f'tokenizer = AutoTokenizer.from_pretrained("{hub or BASE}")',
        "",
    ]


def _data(config: TextClassificationConfig, classes: Sequence[str], validated: bool) -> list[str]:
    """The texts, and which of them make up each step."""
    labels = "np.array([classes.index(label) for text, label in rows])"
    if config.label_smoothing:
        labels = f"keras.utils.to_categorical({labels.removeprefix('np.array(')[:-1]}, len(classes))"
    lines = TEXTS.format(length=config.encoder.length, labels=labels, batch=config.batch_size).split("\n")
    return [
        f"classes = {list(classes)!r}",
        "",
        *lines,
        f'tokens, labels = read("{PARTS[0]}.jsonl")',
        *([f'validation = read("{PARTS[1]}.jsonl")'] if validated else []),
        "train = Texts()",
        "",
    ]


def _network(config: TextClassificationConfig, shape: EncoderShape, classes: int) -> list[str]:
    """The encoder cut into blocks, the head, and both together."""
    head, hub = config.head, fetched(config)
    random = ", load_weights=False" if config.encoder.weights == "random" else ""
    inputs = '{"token_ids": tokens'
    inputs += ', "segment_ids": keras.ops.zeros_like(tokens)}' if shape.segments else "}"
    initial = "kernel_initializer=keras.initializers.GlorotUniform"
    layers = []
    if head.units:
        layers.append(f'    keras.layers.Dense({head.units}, "relu", {initial}(seed)),')
    if head.dropout:
        layers.append(f"    keras.layers.Dropout({head.dropout:g}, seed=seed),")
    drawn = "(seed + 1)" if head.units else "(seed)"
    layers.append(f'    keras.layers.Dense({classes}, "softmax", {initial}{drawn}, dtype="float32"),')
    return [
        "keras.utils.set_random_seed(seed)",
        f"encoder = keras_hub.models.{BACKBONES[shape.family]}.from_preset(",
        f'    "{f"hf://{hub}" if hub else BASE}", dropout={config.dropout:g}{random})',
        "embeddings = keras.Model(",
        '    {name: tensor for name, tensor in encoder.input.items() if name != "padding_mask"},',
        '    encoder.get_layer("embeddings_dropout").output)',
        f'layers = [encoder.get_layer(f"transformer_layer_{{number}}") for number in range({shape.layers})]',
        f"head = keras.Sequential([keras.Input(({shape.width},)),",
        *layers,
        "])",
        "",
        *NETWORK.replace("{inputs}", inputs).split("\n"),
    ]


def _monitored(config: TextClassificationConfig, validated: bool) -> str:
    """The loss by which the best epoch is judged: without label smoothing, which is for training alone."""
    return f"{'val_' if validated else ''}{'cross_entropy' if config.label_smoothing else 'loss'}"


def _phase(
    config: TextClassificationConfig, shape: EncoderShape, number: int, counts: Sequence[int], validated: bool
) -> list[str]:
    """One phase: what is frozen, the optimizer, and the epochs, which go on from the best weights so far."""
    phase = config.phases[number]
    loss, plain = '"sparse_categorical_crossentropy"', ""
    if config.label_smoothing:
        loss = f"keras.losses.CategoricalCrossentropy(label_smoothing={config.label_smoothing:g})"
        plain = ',\n    weighted_metrics=[keras.metrics.CategoricalCrossentropy(name="cross_entropy")]'
    lines = [
        "",
        f"frozen = train_above({boundary(shape, phase.frozen_blocks)})",
        *script.optimizer(phase, phase.epochs * math.ceil(sum(counts) / config.batch_size)),
        f'model.compile(optimizer, loss={loss}, metrics=["accuracy"]{plain})',
    ]
    epochs = f"epochs={phase.epochs}"
    if number:
        lines.append("begun = history.epoch[-1] + 1")
        epochs = f"initial_epoch=begun, epochs=begun + {phase.epochs}"
    options = ""
    if config.class_weights:
        share = sum(counts) / sum(count > 0 for count in counts)
        weights = {label: round(share / count, 6) for label, count in enumerate(counts) if count}
        options = f",\n    class_weight={weights}"
    callbacks = ["best", "keras.callbacks.LambdaCallback(on_epoch_begin=train.shuffle)"]
    if config.early_stopping:
        monitored = _monitored(config, validated)
        callbacks.append(f'keras.callbacks.EarlyStopping("{monitored}", mode="min", patience={config.early_stopping})')
    data = "train, validation_data=validation" if validated else "train"
    return [
        *lines,
        "train.shuffle(0)",
        f"history = model.fit({data}, {epochs}, shuffle=False{options},",
        f"    callbacks=[{', '.join(callbacks)}])",
        'model.load_weights("best.weights.h5")',
    ]
