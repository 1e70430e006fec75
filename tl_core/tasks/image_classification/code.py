"""The same experiment as a short script of plain Keras: what the settings mean, in the words of the library.

It does what `training` does, the plain way and without the activation cache: the same pictures in the same parts, the
same weights to begin with, the same phases, and the best weights kept. `packing` hands it out with all that it needs.
TensorFlow-free: it writes text.
"""

import math
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from tl_core.images.options import STRENGTHS
from tl_core.images.pretrained import backbones
from tl_core.images.pretrained.backbones import Backbone, boundary
from tl_core.tasks.image_classification.config import PhaseConfig, RunConfig
from tl_core.training import script

PRETRAINED = Path(backbones.__file__).parent
PICTURES = '''

class Pictures(keras.utils.PyDataset):
    """Batches of the pictures in a folder."""

    def __init__(self, part):
        super().__init__()
        self.files = sorted(pathlib.Path(part).glob("*/*.jpg"), key=lambda file: file.name)
        self.order = range(len(self.files))

    def shuffle(self, epoch, logs=None):
        """Another order in every epoch."""
        self.order = np.random.default_rng((seed, epoch + 1)).permutation(len(self.files))

    def __len__(self):
        return math.ceil(len(self.files) / batch_size)

    def __getitem__(self, batch):
        files = [self.files[place] for place in self.order[batch * batch_size : (batch + 1) * batch_size]]
        pixels = [keras.utils.img_to_array(keras.utils.load_img(file)) for file in files]
        pixels = [keras.ops.image.resize(each, (size, size), crop_to_aspect_ratio=True) for each in pixels]
        labels = np.array([classes.index(file.parent.name) for file in files])
        return np.stack(pixels), {labels}

'''
LEARNED = (
    "        learned = layer.trainable_weights if above else []",
    "        # BatchNorm learns its scale and shift, but keeps the statistics that it came with.",
)
SCALES_ITSELF = ("EfficientNetV2B0", "ConvNeXtTiny")  # unless told not to


def keras_code(config: RunConfig, counts: Sequence[int], classes: Sequence[str], validated: bool = True) -> str:
    """A script that anybody with Keras 3 can run beside the folders training/ and validation/.

    Args:
        config: the experiment.
        counts: training images of each class, in the order of the classes.
        classes: their names, likewise; a folder below training/ and validation/ is called as the class is.
        validated: whether there is a folder validation/.
    """
    row = config.row
    parts = [
        _head(config, row, validated),
        _imports(config, row),
        _data(config, folders(classes), validated),
        ["", "keras.utils.set_random_seed(seed)"],
        _precision(config),
        _base(config, row),
        [""],
        _network(config, row, len(counts)),
        [
            "best = keras.callbacks.ModelCheckpoint(",
            f'    "best.weights.h5", monitor="{_monitored(config, validated)}", mode="min", '
            "save_best_only=True, save_weights_only=True)",
        ],
    ]
    parts.append(_freezing(config, row))
    for number, phase in enumerate(config.phases):
        parts += [[""], _phase(config, phase, row, number, counts, validated)]
    parts.append(["", 'model.save("model.keras")', _result(validated)])
    return "\n".join(line for part in parts for line in part) + "\n"


def folders(classes: Sequence[str]) -> list[str]:
    """A name for each class that every file system takes, all different."""
    folders: list[str] = []
    for label, name in enumerate(classes):
        folder = file_name(name)
        taken = not folder or folder.casefold() in (other.casefold() for other in folders)
        folders.append(f"{folder} {label}".strip() if taken else folder)
    return folders


def file_name(name: str) -> str:
    """A name that every file system takes, without signs that nobody sees; "" where nothing is left of it."""
    seen = "".join(letter if letter.isprintable() else "/" for letter in name)
    plain = re.sub(r'[/\\:*?"<>|]+', "_", seen)
    return plain.encode("utf-8", "replace")[:200].decode("utf-8", "ignore").strip(". ")


def _monitored(config: RunConfig, validated: bool) -> str:
    """The loss by which the best epoch is judged: without label smoothing, which is for training alone."""
    return f"{'val_' if validated else ''}{'cross_entropy' if config.label_smoothing else 'loss'}"


def _result(validated: bool) -> str:
    """The last line: how good the kept weights are."""
    if validated:
        return 'print("validation accuracy:", model.evaluate(validation, return_dict=True, verbose=0)["accuracy"])'
    return 'print("training loss:", best.best)'


def _head(config: RunConfig, row: Backbone, validated: bool) -> list[str]:
    """What the script is, and what lies beside it."""
    needed = [f"{name}=={metadata.version(name)}" for name in ("keras", "tensorflow")]
    packaged = row.package and config.backbone.weights == "imagenet"
    needed += [f"safetensors=={metadata.version('safetensors')}"] if packaged else []
    return [
        f'"""Train {row.title} on pictures with plain Keras: pip install {" ".join(needed)}',
        "",
        f"Beside this file lie the pictures: training/{' and validation/' if validated else ''}, one folder a class.",
        "The best weights go to model.keras, which takes pictures as they are and gives probabilities.",
        '"""',
        "",
    ]


def _imports(config: RunConfig, row: Backbone) -> list[str]:
    """What the script needs; where Keras does not have the network, the function that builds it too."""
    lines = ["import math", "import pathlib", "", "import keras", "import numpy as np"]
    if row.package and config.backbone.weights == "imagenet":
        lines += ["from safetensors.numpy import load_file"]
    if row.library != "keras.applications":
        source = (PRETRAINED / f"{row.library.rpartition('.')[2]}.py").read_text(encoding="utf-8")
        lines += ["", *source[source.index("\ndef ") :].rstrip().split("\n"), ""]
    return [*lines, ""]


def _precision(config: RunConfig) -> list[str]:
    if config.precision in ("auto", "float32"):
        return []
    return [f'keras.config.set_dtype_policy("{config.precision}")']


def _data(config: RunConfig, folders: Sequence[str], validated: bool) -> list[str]:
    """The pictures, prepared as the app does it and in its order."""
    spread = config.label_smoothing and config.head.output == "softmax"
    return [
        f"classes = {list(folders)!r}",
        f"size, batch_size, seed = {config.backbone.image_size}, {config.batch_size}, {config.seed}",
        *PICTURES.format(labels="keras.utils.to_categorical(labels, len(classes))" if spread else "labels").split("\n"),
        f"train{', validation' if validated else ''} = "
        f"""Pictures("training"){', Pictures("validation")' if validated else ""}""",
    ]


def _base(config: RunConfig, row: Backbone) -> list[str]:
    size = config.backbone.image_size
    wanted = config.backbone.weights
    file, packaged = row.bundled.get(wanted), row.package if wanted == "imagenet" else None
    own = wanted not in ("random", "imagenet") and not file  # a file of the reader's, which lies beside the script
    loaded = '"imagenet"' if wanted == "imagenet" and not packaged else "None"
    if own:
        loaded = repr(file_name(Path(wanted).name))
    arguments = "".join(f"{name}={value!r}, " for name, value in row.arguments.items())
    if row.application in SCALES_ITSELF:
        arguments += "include_preprocessing=False, "
    lines = [
        f"base = {'keras.applications.' if row.library == 'keras.applications' else ''}{row.application}(",
        f"    {arguments}include_top=False, weights={loaded}, input_shape=({size}, {size}, 3))",
        *([f'base.load_weights("{file}")'] if file else []),
    ]
    if packaged:
        lines += [
            f'weights = load_file("{packaged.converted}")',
            "for layer in base.layers:",
            '    layer.set_weights([weights[f"{layer.name}/{weight.name}"] for weight in layer.weights])',
        ]
    if config.backbone.weights == "random":
        lines += [
            "for layer in base.layers:",
            "    if isinstance(layer, keras.layers.BatchNormalization):",
            "        layer.momentum = 0.9  # with 0.99 the moving statistics need hundreds of steps",
        ]
    elif row.application == "EfficientNetV2B0":
        lines += [
            "for layer in base.layers:",
            "    if isinstance(layer, keras.layers.Dropout):",
            "        layer.rate = 0  # what is pretrained answers the same while the head learns",
        ]
    return lines


def _augmentation(config: RunConfig) -> list[str]:
    """Layers that vary a picture while the network learns; their pixels need float32, whatever the rest computes in."""
    if config.augmentation == "none":
        return []
    strength = STRENGTHS[config.augmentation]
    turn = f"{strength.rotation / (2 * math.pi):.4f}"
    layers = [
        (strength.shift, f"RandomTranslation({strength.shift}, {strength.shift}", ""),
        (
            strength.rotation,
            f"RandomRotation({turn}",
            f"  # of a full turn: {math.degrees(strength.rotation):.0f} degrees",
        ),
        (strength.zoom, f"RandomZoom({strength.zoom}", ""),
        (True, 'RandomFlip("horizontal"', ""),
        (strength.brightness, f"RandomBrightness({strength.brightness}", ""),
        (strength.contrast, f"RandomContrast({strength.contrast}", ""),
    ]
    return [
        f"# Drawn anew in every epoch; the app keeps {config.views} views of each picture and goes round them.",
        *(f"x = keras.layers.{layer}{_exactly(config)})(x){remark}" for wanted, layer, remark in layers if wanted),
    ]


def _exactly(config: RunConfig) -> str:
    """For layers that handle pixels: bfloat16 cannot hold the values from 0 to 255."""
    return ', dtype="float32"' if _precision(config) else ""


def _network(config: RunConfig, row: Backbone, classes: int) -> list[str]:
    size, head, seed = config.backbone.image_size, config.head, config.seed
    lines = [f"x = inputs = keras.Input(({size}, {size}, 3))", *_augmentation(config)]
    if row.scaling == "lite":
        lines.append(f"x = keras.layers.Rescaling(1 / 128, offset=-127 / 128{_exactly(config)})(x)")
    elif row.scaling == "unit":
        lines.append(f"x = keras.layers.Rescaling(1 / 255{_exactly(config)})(x)")
    elif row.scaling != "none":
        lines.append(f'x = keras.applications.imagenet_utils.preprocess_input(x, mode="{row.scaling}")')
    lines.append("x = base(x)")
    lines.append(f"x = keras.layers.{'Flatten' if head.pooling == 'flatten' else 'GlobalAveragePooling2D'}()(x)")
    initial = "kernel_initializer=keras.initializers.GlorotUniform"
    if head.units:
        lines.append(f'x = keras.layers.Dense({head.units}, activation="relu", {initial}({seed}))(x)')
    if head.dropout:
        lines.append(f"x = keras.layers.Dropout({head.dropout:g}, seed={seed})(x)")
    units = 1 if head.output == "sigmoid" else classes
    lines += [
        "outputs = keras.layers.Dense(",
        f'    {units}, activation="{head.output}", {initial}({seed + 1}), dtype="float32")(x)',
        "model = keras.Model(inputs, outputs)",
    ]
    return lines


def _freezing(config: RunConfig, row: Backbone) -> list[str]:
    """The function that sets a freeze boundary in the script; none where the whole base is frozen all the time."""
    if len(config.phases) == 1 and boundary(row, config.phases[0].frozen_blocks) == len(row.blocks):
        return []
    keeps = config.keeps_statistics and any(block.trainable < block.parameters for block in row.blocks)
    but = " and not isinstance(layer, keras.layers.BatchNormalization)" if keeps else ""
    return [
        "",
        "",
        "def train_above(cut):",
        '    """Freeze the base up to this layer, train what is above."""',
        "    base.trainable, above = True, cut is None",
        "    for layer in base.layers:",
        "        layer.trainable = True",
        *(LEARNED if keeps else ()),
        f"        layer.trainable = above{but}",
        *(["        for weight in learned:", "            weight.trainable = True"] if keeps else []),
        "        above = above or layer is cut",
        "",
    ]


def _phase(
    config: RunConfig, phase: PhaseConfig, row: Backbone, number: int, counts: Sequence[int], validated: bool
) -> list[str]:
    """One phase: what is frozen, the optimizer, and the epochs, which go on from the best weights so far."""
    frozen = boundary(row, phase.frozen_blocks)
    lines = ["base.trainable = False"]
    if number or frozen < len(row.blocks):
        cut = f'base.get_layer("{row.blocks[frozen - 1].cut}")' if frozen else "None"
        lines = [f"train_above({cut})"]
    sigmoid = config.head.output == "sigmoid"
    loss = '"binary_crossentropy"' if sigmoid else '"sparse_categorical_crossentropy"'
    plain = ""
    if config.label_smoothing:
        name = "BinaryCrossentropy" if sigmoid else "CategoricalCrossentropy"
        loss = f"keras.losses.{name}(label_smoothing={config.label_smoothing:g})"
        plain = f',\n    weighted_metrics=[keras.metrics.{name}(name="cross_entropy")]'
    lines += [
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
        f"history = model.fit({data}, {epochs}, shuffle=False{options},",
        f"    callbacks=[{', '.join(callbacks[:2])}{',' if callbacks[2:] else '])'}",
        *(f"        {callback}])" for callback in callbacks[2:]),
        'model.load_weights("best.weights.h5")',
    ]
