"""Ask a finished model about one part of the pictures, and write the report."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import message
from tl_core.classification import report
from tl_core.classification.report import Part, Report
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained import batchnorm
from tl_core.tasks.image_classification import export
from tl_core.tasks.image_classification.config import RunConfig

BATCH = 16


NAMES = {"validation": message("validation"), "test": message("test")}


def evaluate(
    folder: Path,
    config: RunConfig,
    dataset: Dataset,
    part: Part,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Report:
    """Predict the pictures of a part with the run's saved model, save the report and return it.

    Args:
        folder: the run's folder. Where it has no model yet, one is made from the best weights.
        config: the run's settings.
        dataset: the run's dataset.
        part: "validation" or "test".
        emit: takes Phase and Progress events.
        should_stop: asked between batches.

    Raises:
        UserError: the part has no pictures, or the run has no weights.
        Stopped: `should_stop` answered True; nothing is saved.
    """
    indices = getattr(split(dataset, config.data), part)
    if not len(indices):
        raise UserError(
            message("This run has no {part} pictures.", part=NAMES[part]),
            message("Set aside a share of the pictures for it before training."),
        )
    preprocessing, classifier = export.load(export.model_file(folder, config, dataset), config)
    if emit is not None:
        emit(Phase(phase="evaluation", total=len(indices), unit="images"))
    files = [dataset.path(dataset.images[index]) for index in indices]
    said, told, began = [], 0.0, time.monotonic()
    for place, probabilities in predictions(preprocessing, classifier, files):
        if should_stop is not None and should_stop():
            raise Stopped
        said.append(probabilities)
        if emit is not None and (time.monotonic() - told >= 0.5 or place.stop == len(files)):
            told = time.monotonic()
            rate = round(place.stop / max(told - began, 1e-3), 2)
            emit(Progress(phase="evaluation", done=place.stop, total=len(files), rate=rate))
    made = report.report(
        part, dataset.id, dataset.classes, [dataset.images[index] for index in indices], np.concatenate(said)
    )
    report.save(made, folder)
    return made


def predictions(
    preprocessing: keras.Model, classifier: keras.Model, files: Sequence[Path]
) -> Iterator[tuple[slice, np.ndarray]]:
    """Probabilities of stored pictures, batch by batch.

    Args:
        preprocessing: raw pixels to network input.
        classifier: network input to probabilities; both as `export.load` gives them.
        files: the pictures' JPEGs.

    Yields:
        The places in `files`, and float32 [batch, classes].
    """
    network = batchnorm.folded(classifier)
    answer = tf.function(lambda pixels: network(pixels, training=False), reduce_retracing=True)
    for place, pixels in decoding.batches(files, None, decoding.resizer(preprocessing), BATCH):
        yield place, answer(pixels).numpy()
