"""The same experiment as a short script of plain Keras: what the settings mean, in the words of the library.

It trains the same network the plain way, without the activation cache; TensorFlow-free, it only writes text.
"""

from collections.abc import Sequence
from pathlib import Path

from tl_core.config import PhaseConfig, RunConfig
from tl_core.vision.backbones import Backbone, backbone, boundary

HERE = Path(__file__).parent
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


def keras_code(config: RunConfig, counts: Sequence[int], folder: str = "images") -> str:
    """A script that anybody with Keras 3 can run on a folder with one sub-folder a class.

    Args:
        config: the experiment.
        counts: training images of each class, in the order of the classes.
        folder: name of the image folder in the script.
    """
    row = backbone(config.backbone.name)
    parts = [
        _imports(config, row),
        [f"keras.utils.set_random_seed({config.seed})"],
        _precision(config),
        _data(config, folder),
        [""],
        _base(config, row),
        [""],
        _network(config, row, len(counts)),
    ]
    for number, phase in enumerate(config.phases):
        parts += [[""], _phase(config, phase, row, number, counts)]
    parts.append(['model.save("model.keras")'])
    return "\n".join(line for part in parts for line in part) + "\n"


def _imports(config: RunConfig, row: Backbone) -> list[str]:
    """What the script needs; where Keras does not have the network, the function that builds it too."""
    lines = ["import keras"]
    if row.package and config.backbone.weights == "imagenet":
        lines += ["from safetensors.numpy import load_file"]
    if row.library != "keras.applications":
        source = (HERE / f"{row.library.rpartition('.')[2]}.py").read_text(encoding="utf-8")
        lines += ["", *source[source.index("\ndef ") :].rstrip().split("\n"), ""]
    return [*lines, ""]


def _precision(config: RunConfig) -> list[str]:
    if config.precision in ("auto", "float32"):
        return []
    return [f'keras.config.set_dtype_policy("{config.precision}")']


def _data(config: RunConfig, folder: str) -> list[str]:
    size = config.backbone.image_size
    spread = config.label_smoothing and config.head.output == "softmax"
    labels = ', label_mode="categorical"' if spread else ""
    return [
        "train, validation = keras.utils.image_dataset_from_directory(",
        f'    {folder!r}, validation_split={config.data.validation:g}, subset="both", seed={config.data.seed},'.replace(
            "'", '"'
        ),
        f"    image_size=({size}, {size}), crop_to_aspect_ratio=True, batch_size={config.batch_size}{labels})",
    ]


def _base(config: RunConfig, row: Backbone) -> list[str]:
    size = config.backbone.image_size
    wanted = config.backbone.weights
    file, packaged = row.bundled.get(wanted), row.package if wanted == "imagenet" else None
    weights = (
        "None" if file or packaged or wanted == "random" else '"imagenet"' if wanted == "imagenet" else repr(wanted)
    )
    arguments = "".join(f"{name}={value!r}, " for name, value in row.arguments.items())
    lines = [
        f"base = {'keras.applications.' if row.library == 'keras.applications' else ''}{row.application}(",
        f"    {arguments}include_top=False, weights={weights}, input_shape=({size}, {size}, 3))",
        *([f'base.load_weights("{file}")  # from assets/weights of this app'] if file else []),
    ]
    if packaged:
        lines += [
            f"# `python -m tl_core fetch {row.name}` puts this file into ~/.transfer-learning-lab/weights.",
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


def _phase(config: RunConfig, phase: PhaseConfig, row: Backbone, number: int, counts: Sequence[int]) -> list[str]:
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
        f"model.compile(keras.optimizers.{OPTIMIZERS[phase.optimizer]}({phase.learning_rate:g}),",
        f'              loss={loss}, metrics=["accuracy"])',
    ]
    start = sum(earlier.epochs for earlier in config.phases[:number])
    options = f", initial_epoch={start}" if start else ""
    if config.class_weights:
        weights = {label: round(sum(counts) / (len(counts) * count), 3) for label, count in enumerate(counts) if count}
        options += f",\n          class_weight={weights}"
    if config.early_stopping:
        options += (
            f",\n          callbacks=[keras.callbacks.EarlyStopping(patience={config.early_stopping}, "
            "restore_best_weights=True)]"
        )
    lines.append(f"model.fit(train, validation_data=validation, epochs={start + phase.epochs}{options})")
    return lines
