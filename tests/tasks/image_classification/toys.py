"""A tiny task for tests of training: striped pictures, a small network with plausible weights, and a recorder."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tl_core.base import events
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest
from tl_core.tasks.image_classification import network, training
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig


def jpeg(label: int, number: int, size: tuple[int, int] = (72, 60)) -> bytes:
    """A noisy picture whose stripes tell its class: upright, level or slanting."""
    random = np.random.default_rng((label, number))
    y, x = np.mgrid[: size[1], : size[0]]
    wave = np.sin((x, y, x + y, x - y)[label % 4] * random.uniform(0.5, 0.9) + random.uniform(0, 6))
    tint = random.uniform(0.6, 1.0, 3)
    pixels = 128 + 70 * wave[..., None] * tint + random.normal(0, 25, (size[1], size[0], 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype("uint8")).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def dataset(counts: Mapping[str, int], name: str = "stripes") -> Dataset:
    """Striped pictures, ingested; a key is a class, or a part and a class ("train/level")."""
    labels = {label: number for number, label in enumerate(sorted({key.split("/")[-1] for key in counts}))}
    files = []
    for start, (key, count) in enumerate(counts.items()):
        for number in range(count):
            size = (72 + 8 * (number % 3), 60)
            files.append((f"{key}/{number}.jpg", jpeg(labels[key.split("/")[-1]], 1000 * start + number, size)))
    return ingest(files, name=name)


def config(pictures: Dataset, *phases: PhaseConfig, weights: str = "random", **changes: object) -> RunConfig:
    """A small experiment: the tiny network, half of the pictures for validation."""
    settings = {
        "data": DataConfig(pictures.id, validation=0.5, test=0.0),
        "backbone": BackboneConfig(TINY.name, weights, SIDE),
        "head": HeadConfig(units=16),
        "phases": phases or (PhaseConfig(-1, 2, 1e-3),),
        "batch_size": 8,
        "precision": "float32",
    }
    return RunConfig(**{**settings, **changes})


def pretrained(path: Path) -> str:
    """Save weights whose BatchNorm statistics fit the network's activations, so that every layer says something."""
    keras.utils.set_random_seed(0)
    base = network.load_base(TINY, "random", SIDE)
    normalizations = [layer for layer in base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0
    base(np.random.default_rng(0).normal(size=(16, SIDE, SIDE, 3)), training=True)
    base.save_weights(path)
    return str(path)


class Log(list):
    """Events in order; `log(event)` adds one."""

    def __call__(self, event: events.Event) -> None:
        self.append(event)

    def of(self, kind: type) -> list:
        """Those of one kind."""
        return [event for event in self if isinstance(event, kind)]

    @property
    def losses(self) -> list[tuple[float, float | None]]:
        """Training and validation loss of every epoch."""
        return [(epoch.metrics["loss"], epoch.metrics.get("val_loss")) for epoch in self.of(events.Epoch)]


def run(
    settings: RunConfig,
    pictures: Dataset,
    folder: Path,
    should_stop: Callable[[], bool] = lambda: False,
    resume: bool = False,
    log: Log | None = None,
) -> tuple[training.Outcome, Log]:
    """Train as the worker does."""
    folder.mkdir(exist_ok=True)
    log = Log() if log is None else log

    def started(**facts: object) -> None:
        log(events.Started(**facts))

    return training.train(settings, pictures, folder, log, should_stop, resume=resume, started=started), log


def curve(settings: RunConfig, pictures: Dataset, folder: Path) -> Log:
    """Train to the last epoch and stop there, for tests that need neither report nor model."""
    log = Log()
    outcome, _ = run(settings, pictures, folder, lambda: len(log.losses) == settings.epochs, log=log)
    assert outcome.stopped
    assert len(log.losses) == settings.epochs
    return log
