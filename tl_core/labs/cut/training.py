"""Probe every block: one pass over the pictures for each set of weights, then a linear classifier behind each block."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tl_core.base import events
from tl_core.images.data.dataset import Dataset
from tl_core.labs import attempt, probes
from tl_core.labs.blocks import Blocks
from tl_core.labs.cut import found, passes
from tl_core.labs.cut.config import CutConfig, check
from tl_core.training import precision
from tl_core.training.loop import Outcome


def train(
    config: CutConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """What a worker does; arguments as for a task's `train`. An attempt after a stop finds the pass in the cache.

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
    """
    return attempt.outcome(
        probe(config, dataset, emit, should_stop), lambda trials: found.metrics(config, trials), emit, started
    )


def probe(
    config: CutConfig,
    dataset: Dataset,
    emit: Callable[[events.Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[events.Trial]:
    """Measure how well a linear classifier tells the classes apart behind each block.

    A probe's penalty is chosen by cross-validation on its training pictures alone; the accuracy is that on validation
    pictures, which it has never seen.

    Args:
        config: the experiment.
        dataset: its pictures, from `material.load`.
        emit: takes Phase and Progress events, a notice that names the weights, and how the pictures are divided.
        should_stop: asked several times a second.

    Yields:
        For the pretrained network each seed, for the random one of each seed that seed, and for both every block:
        "val_accuracy", "accuracy" (of the training pictures) and "l2" (the penalty).

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
        Stopped: `should_stop` answered True.
    """
    check(config)
    labels = np.array([image.label for image in dataset.images], np.int64)
    parts = probes.divided(config.data, dataset, config.seeds)
    emit(probes.told(labels, parts))
    with precision.policy("float32"):
        blocks = Blocks(config.row, config.backbone.image_size, dataset, emit, should_stop)
        yield from passes.measured(
            config, config.backbone.weights, blocks, labels, parts, len(dataset.classes), emit, should_stop
        )
