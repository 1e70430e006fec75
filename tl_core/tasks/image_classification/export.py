"""The model of a run as one file that Keras opens alone: raw pixels in, probabilities out, preprocessing inside.

It is float32, whatever precision it was trained in: it gives the same answers on every machine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.images.data.dataset import Dataset, write_json
from tl_core.images.pretrained.backbones import Backbone
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.paths import LABELS, model_path
from tl_core.training import checkpoint, precision
from tl_core.training.activations import fingerprint


def model_file(folder: Path, config: RunConfig, dataset: Dataset) -> Path:
    """The run's model, made from the best weights where there is none of them yet.

    Raises:
        UserError: no epoch was completed, or the weights of the backbone's frozen blocks are not to be had (any more).
    """
    target = model_path(folder)
    best = checkpoint.best_path(folder)
    if best.exists() and target.exists() and target.stat().st_mtime_ns >= best.stat().st_mtime_ns:
        return target
    row = config.row
    with precision.policy("float32"):
        base, head = begun(config, len(dataset.classes))
        finish(folder, base, head, row)
        scaled = network.preprocessing(row, config.backbone.image_size)
        model = network.assemble(scaled, base, head, len(dataset.classes))
    write_json(folder / LABELS, list(dataset.classes))
    part = checkpoint.arriving(target)
    try:
        model.save(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def begun(config: RunConfig, classes: int) -> tuple[keras.Model, keras.Model]:
    """The backbone and the head of a run as its training found them; random weights are drawn again from the seed.

    Raises:
        UserError: the backbone's weights are not to be had (any more).
    """
    keras.utils.set_random_seed(config.seed)
    base = network.load_base(config.row, config.backbone.weights, config.backbone.image_size)
    return base, network.build_head(config.head, classes, base.output_shape[1:], config.seed)


def finish(folder: Path, base: keras.Model, head: keras.Model, row: Backbone) -> None:
    """Give what `begun` has made the run's best weights.

    Raises:
        UserError: there are none, or they were trained on top of other backbone weights.
    """
    loaded = fingerprint(base.weights)
    if load_best(folder, base, head, row)["base"] != loaded:
        raise UserError(
            message("The pretrained weights have changed since this run was trained."),
            message("Put the former weights file back, or train again."),
        )


def load(path: Path, config: RunConfig) -> tuple[keras.Model, keras.Model]:
    """Load a run's model in two parts, so that pictures of different sizes can be answered in one batch.

    Returns:
        preprocessing (raw pixels of one size, as `network.preprocessing`) and classifier (its output, float32
        [n, size, size, 3], to probabilities [n, classes]). One after the other they are the saved model.
    """
    model = keras.models.load_model(path, compile=False)
    # The preprocessing is a chain at the model's beginning: as many layers as it has on its own.
    count = len(network.preprocessing(config.row, config.backbone.image_size).layers)
    scaled = model.layers[count - 1].output
    return keras.Model(model.input, scaled), keras.Model(scaled, model.output)


def load_best(folder: Path, base: keras.Model, head: keras.Model, row: Backbone) -> Mapping[str, Any]:
    """Give the run's best weights to the head and to those of the base's blocks that were trained.

    Returns:
        What was saved with them: `epoch`, the `lowest` boundary trained so far, and `base`, the fingerprint of the
        backbone before training.

    Raises:
        UserError: there are none, or they were trained on top of other backbone weights.
    """
    saved = checkpoint.load(checkpoint.best_path(folder))
    if saved is None:
        raise UserError(
            message("This run has no weights: it ended before its first epoch was complete."),
            message("Press Resume to train on, or start another run."),
        )
    upper = network.upper_blocks(base, row, saved.facts["lowest"])
    checkpoint.restore(saved, [*upper.weights, *head.weights])
    return saved.facts
