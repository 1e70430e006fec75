"""A run's network before its training and after: both look at the validation pictures."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Phase, Progress
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained import batchnorm
from tl_core.images.pretrained.backbones import backbone
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
    row = backbone(config.backbone.name)
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
    export.finish(folder, base, head, row)
    said, after = (np.concatenate(parts) for parts in zip(*looked(len(files) * moved), strict=True))
    predicted = said.argmax(1) if said.shape[1] > 1 else (said[:, 0] > 0.5).astype(np.int64)  # one sigmoid
    feature_map.save(folder, config, dataset, indices, total, predicted, (after, *before))


def _lowest(folder: Path) -> int:
    """How many leading blocks all of the run's training has left as they were."""
    saved = checkpoint.load(checkpoint.best_path(folder))
    return saved.facts["lowest"] if saved else 0  # without weights: `finish` will say so
