"""The same experiment as a short script of plain Keras: what the settings mean, in the words of the library.

It trains the same network the plain way, without the activation cache, and is handed out with all that it needs.
TensorFlow-free: it writes text and packs files.
"""

import contextlib
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

from tl_core.base.errors import disk_full_explained
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split
from tl_core.images.pretrained import backbones, packages, weights
from tl_core.images.pretrained.backbones import Backbone, backbone, boundary
from tl_core.tasks.image_classification.config import PhaseConfig, RunConfig

PRETRAINED = Path(backbones.__file__).parent
OPTIMIZERS = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}
AUGMENTATION = {
    "none": (),
    "light": ('RandomFlip("horizontal")', "RandomTranslation(0.1, 0.1)", "RandomZoom(0.1)"),
    "strong": (
        'RandomFlip("horizontal")',
        "RandomRotation(0.1)",
        "RandomTranslation(0.2, 0.2)",
        "RandomZoom(0.2)",
        "RandomContrast(0.2)",
    ),
}


@contextlib.contextmanager
def script_zip(config: RunConfig) -> Iterator[Path]:
    """A ZIP with the script and all that it needs, which is gone afterwards.

    train.py, the pictures as training/<class>/ and validation/<class>/, and weights that Keras does not fetch itself.

    Raises:
        UserError: the pictures have been deleted, or the weights are not to be had any more.
    """
    dataset, row = datasets.load(config.data.dataset), backbone(config.backbone.name)
    parts, folders = split(dataset, config.data), _folders(dataset.classes)
    labels = np.array([image.label for image in dataset.images])
    counts = np.bincount(labels[parts.train], minlength=len(folders)).tolist()
    file = _weights_file(config, row)
    script = keras_code(config, counts, dataset.classes, validated=len(parts.validation) > 0)
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-script-") as place:
        target = Path(place) / "script.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("train.py", script)
            if file:
                archive.write(file, file.name)
            for part, indices in (("training", parts.train), ("validation", parts.validation)):
                for folder in folders if len(indices) else ():
                    archive.mkdir(f"{part}/{folder}")  # also one that is empty here, so that the classes are the same
                for index in indices:
                    image = dataset.images[index]
                    archive.write(dataset.path(image), f"{part}/{folders[image.label]}/{index:06}.jpg")
        yield target


def keras_code(config: RunConfig, counts: Sequence[int], classes: Sequence[str], validated: bool = True) -> str:
    """A script that anybody with Keras 3 can run beside the folders training/ and validation/.

    Args:
        config: the experiment.
        counts: training images of each class, in the order of the classes.
        classes: their names, likewise; a folder below training/ and validation/ is called as the class is.
        validated: whether there is a folder validation/.
    """
    row = backbone(config.backbone.name)
    parts = [
        _head(config, row, validated),
        _imports(config, row),
        [f"keras.utils.set_random_seed({config.seed})"],
        _precision(config),
        _data(config, _folders(classes), validated),
        [""],
        _base(config, row),
        [""],
        _network(config, row, len(counts)),
        [
            "best = keras.callbacks.ModelCheckpoint(",
            f'    "best.weights.h5", monitor="{_monitored(validated)}", mode="min", '
            "save_best_only=True, save_weights_only=True)",
        ],
    ]
    for number, phase in enumerate(config.phases):
        parts += [[""], _phase(config, phase, row, number, counts, validated)]
    parts.append(["", 'model.save("model.keras")'])
    return "\n".join(line for part in parts for line in part) + "\n"


def _folders(classes: Sequence[str]) -> list[str]:
    """A name for each class that every file system takes, all different."""
    folders: list[str] = []
    for label, name in enumerate(classes):
        folder = re.sub(r'[/\\:*?"<>|\x00-\x1f]+', "_", name).strip(". ")
        taken = not folder or folder.casefold() in (other.casefold() for other in folders)
        folders.append(f"{folder} {label}".strip() if taken else folder)
    return folders


def _weights_file(config: RunConfig, row: Backbone) -> Path | None:
    """The file that goes with the script; None where Keras fetches the weights, or there are none."""
    wanted = config.backbone.weights
    if wanted == "random" or (wanted == "imagenet" and not row.package):
        return None
    if wanted == "imagenet":
        return packages.convert(row.package)
    return weights.find(row, wanted, config.backbone.image_size).path


def _monitored(validated: bool) -> str:
    return "val_loss" if validated else "loss"


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
    lines = ["import keras"]
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
    size, parts = config.backbone.image_size, ("training", "validation") if validated else ("training",)
    spread = config.label_smoothing and config.head.output == "softmax"
    labels = ', label_mode="categorical"' if spread else ""
    return [
        f"classes = {list(folders)!r}",
        f"{'train, validation' if validated else '(train,)'} = (",
        "    keras.utils.image_dataset_from_directory(",
        f"        part, class_names=classes{labels}, seed={config.seed}, batch_size={config.batch_size},",
        f"        image_size=({size}, {size}), crop_to_aspect_ratio=True)",
        f"    for part in {parts!r})",
    ]


def _base(config: RunConfig, row: Backbone) -> list[str]:
    size = config.backbone.image_size
    wanted = config.backbone.weights
    file, packaged = row.bundled.get(wanted), row.package if wanted == "imagenet" else None
    own = wanted not in ("random", "imagenet") and not file  # a file of the reader's, which lies beside the script
    loaded = repr(Path(wanted).name) if own else '"imagenet"' if wanted == "imagenet" and not packaged else "None"
    arguments = "".join(f"{name}={value!r}, " for name, value in row.arguments.items())
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
    return lines


def _network(config: RunConfig, row: Backbone, classes: int) -> list[str]:
    size, head = config.backbone.image_size, config.head
    lines = [f"x = inputs = keras.Input(({size}, {size}, 3))"]
    lines += [f"x = keras.layers.{layer}(x)" for layer in AUGMENTATION[config.augmentation]]
    if row.scaling == "lite":
        lines.append("x = keras.layers.Rescaling(1 / 128, offset=-127 / 128)(x)")
    elif row.application not in ("EfficientNetV2B0", "ConvNeXtTiny"):  # these two scale their pixels themselves
        lines.append(f'x = keras.applications.imagenet_utils.preprocess_input(x, mode="{row.scaling}")')
    lines.append("x = base(x)" if config.backbone.weights == "random" else "x = base(x, training=False)")
    lines.append(f"x = keras.layers.{'Flatten' if head.pooling == 'flatten' else 'GlobalAveragePooling2D'}()(x)")
    if head.units:
        lines.append(f'x = keras.layers.Dense({head.units}, activation="relu")(x)')
    if head.dropout:
        lines.append(f"x = keras.layers.Dropout({head.dropout:g})(x)")
    units = 1 if head.output == "sigmoid" else classes
    lines.append(f'outputs = keras.layers.Dense({units}, activation="{head.output}", dtype="float32")(x)')
    lines.append("model = keras.Model(inputs, outputs)")
    return lines


def _phase(
    config: RunConfig, phase: PhaseConfig, row: Backbone, number: int, counts: Sequence[int], validated: bool
) -> list[str]:
    """One phase: what is frozen, the optimizer, and the epochs, which go on from the best weights so far."""
    frozen = boundary(row, phase.frozen_blocks)
    lines = [f"base.trainable = {frozen < len(row.blocks)}"]
    if 0 < frozen < len(row.blocks):
        cut = row.blocks[frozen - 1].cut
        lines += [
            f'for layer in base.layers[: base.layers.index(base.get_layer("{cut}")) + 1]:',
            "    layer.trainable = False",
        ]
    sigmoid = config.head.output == "sigmoid"
    loss = '"binary_crossentropy"' if sigmoid else '"sparse_categorical_crossentropy"'
    if config.label_smoothing:
        name = "BinaryCrossentropy" if sigmoid else "CategoricalCrossentropy"
        loss = f"keras.losses.{name}(label_smoothing={config.label_smoothing:g})"
    lines += [
        f"model.compile(keras.optimizers.{OPTIMIZERS[phase.optimizer]}({float(phase.learning_rate)!r}),",
        f'              loss={loss}, metrics=["accuracy"])',
    ]
    start = sum(earlier.epochs for earlier in config.phases[:number])
    options = f", initial_epoch={start}" if start else ""
    if config.class_weights:
        weights = {label: round(sum(counts) / (len(counts) * count), 3) for label, count in enumerate(counts) if count}
        options += f",\n          class_weight={weights}"
    stopping = f', keras.callbacks.EarlyStopping("{_monitored(validated)}", patience={config.early_stopping})'
    options += f",\n          callbacks=[best{stopping if config.early_stopping else ''}]"
    data = "train, validation_data=validation" if validated else "train"
    return [
        *lines,
        f"model.fit({data}, epochs={start + phase.epochs}{options})",
        'model.load_weights("best.weights.h5")',
    ]
