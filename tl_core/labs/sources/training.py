"""Measure the sources: one pass over the pictures for each network, the ranking, then a linear classifier on each."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tl_core.base import events
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained.backbones import backbone
from tl_core.labs import attempt, probes, transferability
from tl_core.labs.blocks import Blocks
from tl_core.labs.sources import config as sources
from tl_core.labs.sources import found
from tl_core.labs.sources.config import SourcesConfig, check
from tl_core.training import precision
from tl_core.training.loop import Outcome


def train(
    config: SourcesConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """What a worker does; arguments as for a task's `train`. An attempt after a stop finds the passes in the cache.

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
    """
    return attempt.outcome(measure(config, dataset, emit, should_stop), _metrics, emit, started)


def measure(
    config: SourcesConfig,
    dataset: Dataset,
    emit: Callable[[events.Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[events.Trial]:
    """Rank the frozen networks, then measure how well a linear classifier on each tells the classes apart.

    Features are those of the last block, averaged over positions.

    Args:
        config: the experiment.
        dataset: its pictures, from `material.load`.
        emit: takes Phase and Progress events, notices that name the weights, and how the pictures are divided.
        should_stop: asked several times a second.

    Yields:
        First, at the place "ranking", for each network and seed "logme" and "separation" of the training pictures.
        Then, at the place "probe", "val_accuracy", "accuracy" (of the training pictures) and "l2" (the penalty). A
        network is called as in `config.SOURCES`, or `config.random` of its backbone.

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
        Stopped: `should_stop` answered True.
    """
    check(config)
    labels = np.array([image.label for image in dataset.images], np.int64)
    parts = probes.divided(config.data, dataset, config.seeds)
    emit(probes.told(labels, parts))
    classes, kept = len(dataset.classes), []
    with precision.policy("float32"):
        for name, seed, rows in _features(config, dataset, emit, should_stop):
            kept.append((name, seed, rows))
            train = parts[seed].train
            ranked = {
                "logme": transferability.logme(rows[train], labels[train], classes),
                "separation": transferability.separation(rows[train], labels[train]),
            }
            yield events.Trial(arm=name, place=found.RANKING, seed=seed, metrics=ranked)
    emit(events.Phase(phase="probes", total=len(kept), unit="probes"))
    began = time.monotonic()
    for done, (name, seed, rows) in enumerate(kept, 1):
        metrics = probes.accuracies(rows, labels, parts[seed], classes, should_stop)
        yield events.Trial(arm=name, place=found.PROBE, seed=seed, metrics=metrics)
        rate = round(done / max(time.monotonic() - began, 1e-3), 3)
        emit(events.Progress(phase="probes", done=done, total=len(kept), rate=rate))


def _features(
    config: SourcesConfig,
    dataset: Dataset,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
) -> Iterator[tuple[str, int, np.ndarray]]:
    """For each network and seed what its last block makes of the pictures, float32 [n, d].

    A source has the same features for every seed, a random network is another one each time.
    """
    for name, size in sources.shapes():
        blocks = Blocks(backbone(name), size, dataset, emit, should_stop)
        for source, network in sources.SOURCES.items():
            if (network.name, network.image_size) == (name, size):
                blocks.load(network.weights)
                rows = blocks.rows()[:, blocks.slices[-1]]
                for seed in range(config.seeds):
                    yield source, seed, rows
        for seed in range(config.seeds):
            blocks.load("random", seed)
            yield sources.random(name), seed, blocks.rows()[:, blocks.slices[-1]]


def _metrics(trials: list[events.Trial]) -> dict[str, float]:
    """Of the best source; nothing before the first probe."""
    best = found.best(found.rows(trials))
    return {"val_accuracy": best.mean} if best else {}
