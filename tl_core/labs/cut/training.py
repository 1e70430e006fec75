"""Probe every block: one pass over the pictures for each set of weights, then a linear classifier behind each block."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import message
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import Split
from tl_core.labs import linear
from tl_core.labs.blocks import Blocks
from tl_core.labs.cut import found, material
from tl_core.labs.cut.config import CutConfig, check
from tl_core.training import precision
from tl_core.training.loop import Outcome

FOLDS = 3  # of the cross-validation that chooses a probe's penalty


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
    started(device=precision.device())
    trials: list[events.Trial] = []
    try:
        for trial in probe(config, dataset, emit, should_stop):
            trials.append(trial)
            emit(trial)
    except Stopped:
        return Outcome(True, 0, _metrics(config, trials))
    return Outcome(False, 0, _metrics(config, trials))


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
    parts = [material.division(config, dataset, seed) for seed in range(config.seeds)]
    if not all(len(part.validation) for part in parts):
        raise UserError(
            message("There are no validation pictures to test a probe on."),
            message("Give them a share of the pictures."),
        )
    emit(events.Artifact(name=found.DIVISION, payload=_division(labels, parts)))
    total, done, began = 2 * config.seeds * len(config.places), 0, time.monotonic()
    with precision.policy("float32"):
        blocks = Blocks(config.row, config.backbone.image_size, dataset, emit, should_stop)
        for arm, weights, seeds in (
            ("pretrained", config.backbone.weights, range(config.seeds)),
            *(("random", "random", range(seed, seed + 1)) for seed in range(config.seeds)),
        ):
            blocks.load(weights, seeds[0])
            rows = blocks.rows()
            emit(events.Phase(phase="probes", total=total, unit="probes"))
            for seed in seeds:
                for place, columns in zip(config.places, blocks.slices, strict=True):
                    metrics = _accuracies(rows[:, columns], labels, parts[seed], len(dataset.classes), should_stop)
                    yield events.Trial(arm=arm, place=place, seed=seed, metrics=metrics)
                    done += 1
                    rate = round(done / max(time.monotonic() - began, 1e-3), 3)  # the passes included
                    emit(events.Progress(phase="probes", done=done, total=total, rate=rate))


def _accuracies(
    features: np.ndarray, labels: np.ndarray, parts: Split, classes: int, should_stop: Callable[[], bool]
) -> dict[str, float]:
    """Of a probe that learns from the training part."""
    probe = linear.fit(features[parts.train], labels[parts.train], classes, folds=FOLDS, should_stop=should_stop)
    return {
        "val_accuracy": probe.accuracy(features[parts.validation], labels[parts.validation]),
        "accuracy": probe.accuracy(features[parts.train], labels[parts.train]),
        "l2": probe.l2,
    }


def _division(labels: np.ndarray, parts: list[Split]) -> dict[str, float]:
    """How many pictures there are, and how many of them always saying the most frequent class would get right."""
    often = [np.bincount(labels[part.train]).argmax() for part in parts]
    chance = [float((labels[part.validation] == label).mean()) for part, label in zip(parts, often, strict=True)]
    first = parts[0]
    return {"training": len(first.train), "validation": len(first.validation), "chance": float(np.mean(chance))}


def _metrics(config: CutConfig, trials: list[events.Trial]) -> dict[str, float]:
    """Of the best probe of the pretrained network; nothing before the first."""
    best = found.best(found.curve(config, trials, "pretrained"))
    return {"val_accuracy": best.mean} if best else {}
