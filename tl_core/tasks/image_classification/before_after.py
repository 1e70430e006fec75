"""A run's network before its training and after: what each makes of the validation pictures, and how far it moved."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Phase, Progress
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained import batchnorm, weights
from tl_core.images.pretrained.backbones import Backbone
from tl_core.tasks.image_classification import export, feature_map, network
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.training import checkpoint, precision

BATCH = 16
TELL = 0.5  # seconds between events


def look(
    folder: Path,
    config: RunConfig,
    dataset: Dataset,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Look at validation pictures and keep the map of their features; see `feature_map`.

    Args:
        folder: the run's folder.
        config: the run's settings.
        dataset: the run's dataset.
        emit: takes Phase and Progress events, in pictures.
        should_stop: asked between batches.

    Raises:
        UserError: too few pictures validate, the run has no weights, or those of its backbone are gone.
        Stopped: `should_stop` answered True; nothing is kept.
    """
    indices, total = feature_map.chosen(config, dataset)
    files = [dataset.path(dataset.images[index]) for index in indices]
    row = config.row
    with precision.policy("float32"):
        base, head = export.begun(config, len(dataset.classes))
        scaled = network.preprocessing(row, config.backbone.image_size)
        averaged = keras.layers.GlobalAveragePooling2D()(base.output)
        seen = batchnorm.folded(keras.Model(base.input, [head(base.output), averaged]))
    forward = tf.function(lambda pixels: seen(pixels, training=False), reduce_retracing=True)
    moved = _lowest(folder) < len(row.blocks)
    count, began, told = len(files) * (1 + moved), time.monotonic(), 0.0
    if emit is not None:
        emit(Phase(phase="features", total=count, unit="images"))

    def looked(done: int) -> Iterator[list[np.ndarray]]:
        nonlocal told
        for place, pixels in decoding.batches(files, None, decoding.resizer(scaled), BATCH):
            if should_stop is not None and should_stop():
                raise Stopped
            yield [part.numpy() for part in forward(pixels)]
            if emit is not None and (time.monotonic() - told >= TELL or place.stop == len(files)):
                told = time.monotonic()
                rate = round((done + place.stop) / max(told - began, 1e-3), 2)
                emit(Progress(phase="features", done=done + place.stop, total=count, rate=rate))

    before = [np.concatenate([features for _said, features in looked(0)])] if moved else []
    former = [[np.array(weight) for weight in layer.weights] for layer in base.layers]
    export.finish(folder, base, head, row)
    said, after = (np.concatenate(parts) for parts in zip(*looked(len(files) * moved), strict=True))
    kept = None
    for kernel, bias in source_head(base, row, config) if moved else []:
        first, last = ((each @ kernel + bias).argmax(1) for each in (*before, after))
        kept = first == last
    predicted = said.argmax(1) if said.shape[1] > 1 else (said[:, 0] > 0.5).astype(np.int64)  # one sigmoid
    feature_map.save(
        folder, config, dataset, indices, total, predicted, (after, *before), distances(base, row, former), kept
    )


def distances(base: keras.Model, row: Backbone, former: Sequence[Sequence[np.ndarray]]) -> list[feature_map.Moved]:
    """How far each block of a backbone has moved.

    Args:
        base: the backbone, and `row` its row.
        former: for each of its layers the weights that it had, in Keras' order.
    """
    before = {layer.name: were for layer, were in zip(base.layers, former, strict=True)}
    above = [
        {layer.name for layer in network.upper_blocks(base, row, cut).layers} for cut in range(len(row.blocks) + 1)
    ]
    found = []
    for block, names, rest in zip(row.blocks, above, above[1:], strict=False):
        pairs = [
            ("moving" in weight.name, was, np.array(weight) - was)
            for layer in base.layers
            if layer.name in names - rest
            for weight, was in zip(layer.weights, before[layer.name], strict=True)
        ]
        shares = []
        for statistics in (False, True):
            mine = [(was, change) for moving, was, change in pairs if moving == statistics]
            length, far = (_length([pair[side] for pair in mine]) for side in (0, 1))
            shares.append(far / length if length else None)
        found.append(feature_map.Moved(block.name, shares[0] or 0.0, shares[1]))
    return found


def _length(arrays: Sequence[np.ndarray]) -> float:
    """The L2 norm of all their numbers together."""
    return float(np.sqrt(sum(float((each.astype(np.float64) ** 2).sum()) for each in arrays)))


def source_head(base: keras.Model, row: Backbone, config: RunConfig) -> list[tuple[np.ndarray, np.ndarray]]:
    """The one layer that the source task's classifier adds behind the averaged features: kernel [width, 1000] and bias.

    Empty where there is none: the weights are not ImageNet's, those of the classifier are not on this machine, or it
    has more layers than one.
    """
    if config.backbone.weights != "imagenet":
        return []
    source = weights.find(row, "imagenet", row.native_size, top=True)
    if source is None:
        return []
    top = network.with_top(row, source)
    known = {layer.name for layer in base.layers}
    added = [layer for layer in top.layers if layer.weights and layer.name not in known]
    width = base.output_shape[-1]
    if len(added) != 1 or len(added[0].weights) != 2 or added[0].weights[0].shape[-2] != width:
        return []
    kernel, bias = (np.array(weight) for weight in added[0].weights)
    return [(kernel.reshape(width, -1), bias)]


def _lowest(folder: Path) -> int:
    """How many leading blocks all of the run's training has left as they were."""
    saved = checkpoint.load(checkpoint.best_path(folder))
    return saved.facts["lowest"] if saved else 0  # without weights: `finish` will say so
