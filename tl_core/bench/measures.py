"""Training by this app against plain Keras, in one process, one right after the other."""

import itertools
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tl_core.base import events
from tl_core.bench import drawn, plain
from tl_core.images.data import ingest
from tl_core.images.data.dataset import Dataset, Part
from tl_core.images.data.split import Split, split
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs import store
from tl_core.tasks.image_classification import training
from tl_core.tasks.image_classification.config import BackboneConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.recipes import PRESETS

DEMO = {"train": 1000, "validation": 500}  # drawn pictures of each class: as many as the article's demo has
QUICK = {"train": 30, "validation": 15}
PLAIN_EPOCHS = 2  # that are measured; the rest is reckoned from the second


@dataclass(frozen=True)
class Measure:
    """One line of the table. `ratio` is plain seconds / app seconds, or for the overhead app / bare - 1."""

    name: str
    ratio: float
    shown: str
    target: str
    met: bool
    app_seconds: float
    plain_seconds: float
    app_rate: float | None  # pictures per second, training and validation pictures of all epochs counted
    plain_rate: float | None  # None where that says nothing
    remarks: tuple[str, ...]
    details: dict[str, Any] = field(default_factory=dict)


def bring_in(source: Path | None, seed: int, quick: bool) -> Dataset:
    """The pictures as a dataset: those of `source`, or drawn ones."""
    if source is not None:
        return ingest.ingest(source, name=source.stem)
    with tempfile.TemporaryDirectory(prefix="tl-drawn-") as folder:
        return ingest.ingest(drawn.draw(Path(folder), QUICK if quick else DEMO, seed), name="drawn")


def demo_config(dataset: Dataset, weights: str, seed: int, quick: bool) -> RunConfig:
    """The article's first demo on these pictures; `quick`: a tiny network and few epochs instead."""
    config = replace(PRESETS["cats_dogs"].config(dataset.id), seed=seed)
    if quick:
        return replace(
            config,
            backbone=BackboneConfig("mobilenet_0.25", weights, 128),
            head=replace(config.head, units=16),
            phases=(replace(config.phases[0], epochs=4),),
        )
    return replace(config, backbone=replace(config.backbone, weights=weights))


def demo(config: RunConfig, dataset: Dataset) -> Measure:
    """All of the app's training, from the first picture to the saved model, against `fit` for as many epochs.

    The plain loop's two epochs are measured before and after the app, so that a machine that grows slower or faster
    burdens both.
    """
    loop = plain.epochs(config, dataset)
    first = next(loop)
    app = _trained(config, dataset)
    second = next(loop)
    plain_seconds = first.seconds + (config.epochs - 1) * second.seconds
    parts = split(dataset, config.data)
    pictures = config.epochs * (len(parts.train) + len(parts.validation))
    reached = app.epochs[1].metrics["val_accuracy"]
    difference = 100 * (reached - second.val_accuracy)
    ratio = plain_seconds / app.seconds
    return Measure(
        f"{backbone(config.backbone.name).title} demo, {config.epochs} epochs",
        ratio,
        f"{ratio:.1f}x",
        ">= 30x",
        ratio >= 30 and abs(difference) <= 1,
        app.seconds,
        plain_seconds,
        pictures / app.seconds,
        pictures / plain_seconds,
        (
            _circumstances(config, parts, app),
            f"validation accuracy after {PLAIN_EPOCHS} epochs: {reached:.1%} against "
            f"{second.val_accuracy:.1%} ({difference:+.1f} points)",
            f"plain: two epochs of {first.seconds:.1f} and {second.seconds:.1f} s measured, the rest reckoned from "
            f"the second; app: {app.features_seconds:.1f} s for the frozen base, {_typical(app.epochs):.2f} s an epoch",
        ),
        {
            "photos": [len(parts.train), len(parts.validation)],
            "weights": config.backbone.weights,
            "device": app.device,
            "precision": app.precision,
            "plain_epoch_seconds": [round(first.seconds, 2), round(second.seconds, 2)],
            "app_features_seconds": round(app.features_seconds, 2),
            "app_epoch_seconds": round(_typical(app.epochs), 3),
            "accuracy": {
                "app": [e.metrics["val_accuracy"] for e in app.epochs],
                "plain": [first.val_accuracy, second.val_accuracy],
            },
            "difference_points": round(difference, 2),
        },
    )


def finetuning(config: RunConfig, dataset: Dataset, photos: int) -> Measure:
    """One epoch of training the last block and the head: cached activations against plain Keras."""
    row = backbone(config.backbone.name)
    phase = PhaseConfig(len(row.blocks) - 1, 4, 1e-5, "rmsprop", "fine-tuning")
    config, dataset = replace(config, phases=(phase,)), _some(dataset, config, photos)
    loop = plain.epochs(config, dataset)
    first = next(loop)
    app = _trained(config, dataset)
    second = next(loop)
    seconds = _typical(app.epochs)
    parts = split(dataset, config.data)
    pictures = len(parts.train) + len(parts.validation)
    reached = app.epochs[1].metrics["val_accuracy"]
    difference = 100 * (reached - second.val_accuracy)
    ratio = second.seconds / seconds
    return Measure(
        f"{row.title} fine-tuning {row.blocks[-1].name}, an epoch",
        ratio,
        f"{ratio:.1f}x",
        ">= 3x",
        ratio >= 3,
        seconds,
        second.seconds,
        pictures / seconds,
        pictures / second.seconds,
        (
            _circumstances(config, parts, app),
            f"validation accuracy after {PLAIN_EPOCHS} epochs: {reached:.1%} against "
            f"{second.val_accuracy:.1%}; the cache was filled once in {app.features_seconds:.1f} s",
        ),
        {
            "photos": [len(parts.train), len(parts.validation)],
            "weights": config.backbone.weights,
            "device": app.device,
            "precision": app.precision,
            "plain_epoch_seconds": [round(first.seconds, 2), round(second.seconds, 2)],
            "app_features_seconds": round(app.features_seconds, 2),
            "difference_points": round(difference, 2),
        },
    )


@dataclass(frozen=True)
class _Trained:
    """What the app did, and how long it took from the call to the saved model."""

    seconds: float
    epochs: list[events.Epoch]
    features_seconds: float
    device: str
    precision: str


def _trained(config: RunConfig, dataset: Dataset) -> _Trained:
    run = store.create(config, owner="bench")
    log: list[events.Event] = []
    facts: dict[str, Any] = {}
    began = time.perf_counter()
    training.train(config, dataset, run.folder, log.append, lambda: False, resume=False, started=facts.update)
    seconds = time.perf_counter() - began
    phases = [event for event in log if isinstance(event, events.Phase)]
    starts = itertools.pairwise(phases)
    features = sum(following.t - phase.t for phase, following in starts if phase.phase == "features")
    epochs = [event for event in log if isinstance(event, events.Epoch)]
    precision = next(phase.precision for phase in phases if phase.precision)
    return _Trained(seconds, epochs, features, facts["device"], precision)


def _circumstances(config: RunConfig, parts: Split, app: _Trained) -> str:
    pictures = f"{len(parts.train):,} + {len(parts.validation):,} pictures"
    return f"{pictures}, {config.backbone.weights} weights, {app.device}; {app.precision} against float32"


def _typical(epochs: Sequence[events.Epoch]) -> float:
    """Seconds of an epoch with its validation; the first one, which traces the functions, is left out."""
    return statistics.median(epoch.seconds + epoch.validation_seconds for epoch in epochs[1:])


def _some(dataset: Dataset, config: RunConfig, photos: int) -> Dataset:
    """The first pictures of each class and part, about `photos` in all; 0 takes all."""
    if not photos or photos >= len(dataset.images):
        return dataset
    parts = split(dataset, config.data)
    kept: list[int] = []
    for indices in (parts.train, parts.validation):
        each = round(photos * len(indices) / len(dataset.images) / len(dataset.classes))
        taken: Counter[int] = Counter()
        for index in indices:
            label = dataset.images[index].label
            taken[label] += 1
            if taken[label] <= each:
                kept.append(index)
    named: dict[int, Part] = {**dict.fromkeys(parts.train, "train"), **dict.fromkeys(parts.validation, "validation")}
    images = tuple(replace(dataset.images[index], part=named[index]) for index in sorted(kept))
    return replace(dataset, images=images)
