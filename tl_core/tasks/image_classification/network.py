"""Build the network of an experiment: preprocessing, the backbone cut at the freeze boundary, the head, and the whole.

    raw pixels -> preprocessing -> trunk (frozen) | upper (trained) -> head -> probabilities

Everything consists of Keras' own layers and operations, so a saved model opens with Keras alone.
"""

import importlib
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras

from tl_core.base.errors import UserError
from tl_core.base.events import Event
from tl_core.base.messages import message
from tl_core.images.pretrained import batchnorm, packages
from tl_core.images.pretrained import weights as weights_files
from tl_core.images.pretrained.backbones import Backbone
from tl_core.tasks.image_classification.config import HeadConfig

# keras.applications.imagenet_utils.preprocess_input, for pixels from 0 to 255.
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN_RGB = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_TORCH_VARIANCE_RGB = ((0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2)

# BatchNorm's moving statistics from nothing: with Keras' 0.99 a small dataset is at chance for hundreds of steps.
SCRATCH_MOMENTUM = 0.9


def preprocessing(backbone: Backbone, image_size: int) -> keras.Model:
    """Resize, centre-crop and scale raw pixels as the backbone's ImageNet weights expect them.

    Computes in float32 whatever the dtype policy: bfloat16 cannot hold the values 0 to 255 of a pixel. Resizes with an
    operation, not with `keras.layers.Resizing`: in Keras 3.15 that layer's `training=True` default spreads to all the
    layers behind it, so that a plain `model(images)` would run BatchNorm in training mode.

    Returns:
        A model from [n, height, width, 3] RGB pixels 0..255 (uint8 or float, any size) to float32
        [n, image_size, image_size, 3].
    """
    pixels = keras.Input((None, None, 3), name="pixels", dtype="float32")
    x = keras.ops.image.resize(
        pixels,
        (image_size, image_size),
        interpolation="bilinear",
        crop_to_aspect_ratio=True,
        data_format="channels_last",
    )
    if backbone.scaling == "caffe":
        x = keras.ops.flip(x, axis=-1)  # RGB to BGR
        x = keras.layers.Normalization(
            mean=_CAFFE_MEAN_BGR, variance=(1.0, 1.0, 1.0), dtype="float32", name="subtract_mean"
        )(x)
    elif backbone.scaling == "torch":
        x = keras.layers.Normalization(
            mean=_TORCH_MEAN_RGB, variance=_TORCH_VARIANCE_RGB, dtype="float32", name="standardize"
        )(x)
    elif backbone.scaling == "lite":
        x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, dtype="float32", name="rescale")(x)
    elif backbone.scaling == "unit":
        x = keras.layers.Rescaling(1 / 255, dtype="float32", name="rescale")(x)
    elif backbone.scaling == "tf":
        x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="rescale")(x)
    return keras.Model(pixels, x, name="preprocessing")


def load_base(
    backbone: Backbone,
    weights: str,
    image_size: int,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> keras.Model:
    """The backbone without its top, with the weights asked for.

    Args:
        backbone: a row of the registry.
        weights: one of `backbone.sources` ("random": drawn from Keras' global seed), or the path of a local file.
        image_size: pixels, square; one of `backbone.sizes`.
        emit: takes the events of a download, and a notice that names the source.
        should_stop: asked during a download.

    Returns:
        A flat functional model from preprocessed pixels [n, image_size, image_size, 3] to feature maps
        [n, side, side, channels]. Its layer names are those of the registry's `cut`s.

    Raises:
        UserError: the weights cannot be had or do not fit. Never random weights instead.
        Stopped: `should_stop` answered True during a download.
    """
    backbone.feature_side(image_size)
    source = None
    if weights != "random":
        source = weights_files.obtain(backbone, weights, image_size, emit=emit, should_stop=should_stop)
    base = _application(backbone, include_top=False, input_shape=(image_size, image_size, 3))
    if source is not None:
        load_weights(base, source.path, backbone.title)
        return base
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = SCRATCH_MOMENTUM
    batchnorm.fuse(base)
    return base


def load_with_top(
    backbone: Backbone,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> keras.Model:
    """The complete ImageNet classifier: raw pixels in, probabilities of the 1,000 ImageNet classes out.

    The class names are in `tl_core.images.pretrained.packages.class_names()`.

    Raises:
        UserError: the weights cannot be had.
    """
    size = backbone.native_size
    source = weights_files.obtain(backbone, "imagenet", size, top=True, emit=emit, should_stop=should_stop)
    model = with_top(backbone, source)
    scaled = preprocessing(backbone, size)
    return keras.Model(scaled.input, _apply(model, scaled.output), name=model.name)


def with_top(backbone: Backbone, source: weights_files.Source) -> keras.Model:
    """The ImageNet classifier at its native size, without preprocessing, from a weights file that is here."""
    size = backbone.native_size
    model = _application(backbone, include_top=True, input_shape=(size, size, 3))
    load_weights(model, source.path, backbone.title)
    return model


def load_weights(model: keras.Model, path: Path, title: str) -> None:
    """Load a local weights file into `model`: `.h5`, `.weights.h5`, a `.keras` model that contains the same layers, or
    `.safetensors` with arrays named "<layer>/<weight>".

    Raises:
        UserError: the file is damaged or of another network, or lacks a layer; says what was expected.
    """
    try:
        if path.suffix == ".keras":
            _copy_weights(keras.models.load_model(path, compile=False), model)
        elif path.suffix == ".safetensors":
            arrays = packages.read(path)
            for layer in model.layers:
                layer.set_weights([arrays[f"{layer.name}/{weight.name}"] for weight in layer.weights])
        else:
            model.load_weights(path)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            message(
                "The weights in {file} do not fit {backbone}, which expects {arrays} arrays with {parameters} numbers: "
                "{reason}",
                file=path.name,
                backbone=title,
                arrays=len(model.weights),
                parameters=model.count_params(),
                reason=" ".join(str(error).split())[:300],
            ),
            message("Check that the file is complete and was saved from the same network without its top."),
        ) from error


def split_base(base: keras.Model, backbone: Backbone, boundary: int) -> tuple[keras.Model, keras.Model]:
    """Cut the base at the freeze boundary into two models that share its layers.

    Sets `trainable` of all layers: False in the trunk, True above it.

    Args:
        base: from `load_base`.
        backbone: the same row.
        boundary: leading frozen blocks, 0 to len(backbone.blocks).

    Returns:
        trunk (preprocessed pixels to activations at the boundary; call it with `training=False`) and upper (those
        activations to the base's feature maps). At 0 the trunk is the identity, at len(blocks) the upper part is.
    """
    upper = upper_blocks(base, backbone, boundary)
    if boundary == 0:
        trunk = _identity(base.input)
    elif boundary == len(backbone.blocks):
        trunk = base
    else:
        trunk = keras.Model(base.input, base.get_layer(backbone.blocks[boundary - 1].cut).output, name="trunk")
    for model, trainable in ((trunk, False), (upper, True)):
        # One by one: Keras passes a value on to the layers only if the model itself had another one before.
        for layer in (model, *model.layers):
            layer.trainable = trainable
    return trunk, upper


def upper_blocks(base: keras.Model, backbone: Backbone, boundary: int) -> keras.Model:
    """The blocks above a boundary as a model that shares the base's layers; nothing is set."""
    if boundary == 0:
        return base
    if boundary == len(backbone.blocks):
        return _identity(base.output)
    return keras.Model(base.get_layer(backbone.blocks[boundary - 1].cut).output, base.output, name="upper")


def pool_early(trunk: keras.Model, head: keras.Model) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Move the head's pooling below the boundary where all blocks are frozen: fewer numbers to keep, the same result.

    Args:
        trunk: the whole base, from `split_base`.
        head: from `build_head`.

    Returns:
        trunk (preprocessed pixels to pooled features), upper (the identity) and head (pooled features to
        probabilities), sharing the layers of what was given.
    """
    pool = head.get_layer("head_pool")
    rest = keras.Model(pool.output, head.output, name="head")
    pooled = keras.Model(trunk.input, pool(trunk.output), name="trunk")
    return pooled, _identity(pooled.output), rest


def build_head(head: HeadConfig, classes: int, feature_shape: tuple[int, int, int], seed: int = 0) -> keras.Model:
    """The new layers on top: pooling, an optional hidden relu layer, dropout, and the classifier in float32.

    Args:
        head: the configuration.
        classes: number of classes of the target task.
        feature_shape: (side, side, channels) of the base's feature maps: `base.output_shape[1:]`.
        seed: decides the initial weights (Glorot uniform) and the dropout masks.

    Returns:
        A model from feature maps to float32 probabilities [n, classes], or [n, 1] (of class 1) for "sigmoid".
    """
    if head.output == "sigmoid" and classes != 2:
        raise UserError(
            message("A sigmoid output tells two classes apart, and there are {classes}.", classes=classes),
            message("Choose the softmax output."),
        )
    features = keras.Input(feature_shape, name="features")
    pool = keras.layers.Flatten if head.pooling == "flatten" else keras.layers.GlobalAveragePooling2D
    x = pool(name="head_pool")(features)
    if head.units:
        x = keras.layers.Dense(
            head.units,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
            name="head_hidden",
        )(x)
    if head.dropout:
        x = keras.layers.Dropout(head.dropout, seed=seed, name="head_dropout")(x)
    x = keras.layers.Dense(
        1 if head.output == "sigmoid" else classes,
        activation=head.output,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1),
        dtype="float32",
        name="head_probabilities",
    )(x)
    return keras.Model(features, x, name="head")


class TrainedPart(keras.Model):
    """What an optimizer sees: activations at the boundary in, probabilities out.

    With pretrained weights the upper blocks run in inference mode also while they are trained, so BatchNorm's moving
    statistics never move (https://keras.io/guides/transfer_learning). A functional graph cannot say so: Keras 3.15 lets
    the `training=True` of `fit` overrule a `training=False` written in the graph. Hence this class; it is never saved.

    Args:
        upper: from `split_base`.
        head: from `build_head`.
        pretrained: False when the base began with random weights: then its BatchNorm trains normally.
    """

    def __init__(self, upper: keras.Model, head: keras.Model, pretrained: bool):
        super().__init__(name="trained_part")
        self.upper = upper
        self.head = head
        self.pretrained = pretrained
        self._infer = partial(batchnorm.folded(upper), training=False)

    def call(self, activations: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        learning = training and not self.pretrained
        features = self.upper(activations, training=True) if learning else self._infer(activations)
        return self.head(features, training=training)


def assemble(preprocessing: keras.Model, base: keras.Model, head: keras.Model, classes: int) -> keras.Model:
    """The complete model that is saved: raw pixels in, float32 probabilities [n, classes] out.

    Flat: the backbone's layers are its own layers, shared with `base` and `head`. A sigmoid head gets a second column
    for class 0, so that every saved model answers in the same form.
    """
    probabilities = _apply(head, _apply(base, preprocessing.output))
    if probabilities.shape[-1] == 1 and classes == 2:
        probabilities = keras.ops.concatenate([1.0 - probabilities, probabilities], axis=-1)
    return keras.Model(preprocessing.input, probabilities, name=re.sub(r"[^A-Za-z0-9_]", "_", base.name))


def _application(backbone: Backbone, include_top: bool, input_shape: tuple[int, int, int]) -> keras.Model:
    """The model with random weights and no preprocessing of its own; layers are named as in the registry."""
    arguments = dict(backbone.arguments)
    if backbone.application.startswith(("EfficientNetV2", "ConvNeXt")):
        arguments["include_preprocessing"] = False
    build = getattr(importlib.import_module(backbone.library), backbone.application)
    model = build(include_top=include_top, weights=None, input_shape=input_shape, **arguments)
    # Layers that Keras names by counting ("conv2d_7") go on counting from whatever this process built before.
    counted = Counter()
    for layer in model.layers:
        stem = re.sub(r"_\d+$", "", layer.name)
        if stem.replace("_", "") == type(layer).__name__.lower():
            layer.name = f"{stem}_{counted[stem]}" if counted[stem] else stem
            counted[stem] += 1
    return model


def _copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy from the layers of the same name; raise ValueError if one is missing or has other shapes."""
    layers = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if not layer.weights:
            continue
        if layer.name not in layers:
            raise ValueError(f"it has no layer {layer.name}")
        expected, found = ([tuple(w.shape) for w in item.weights] for item in (layer, layers[layer.name]))
        if expected != found:
            raise ValueError(f"layer {layer.name} has the shapes {found} instead of {expected}")
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(layers[layer.name].get_weights())


def _apply(model: keras.Model, x: keras.KerasTensor) -> keras.KerasTensor:
    """Apply the layers of a functional model one by one, so that they, not the model, become part of the new graph.

    Keras has no public way that shares the layers (`clone_model` cuts the new graph off from `x`).
    """
    return model._run_through_graph(x)


def _identity(like: keras.KerasTensor) -> keras.Model:
    x = keras.Input(like.shape[1:], dtype=like.dtype)
    return keras.Model(x, keras.layers.Identity(dtype=like.dtype)(x), name="identity")
