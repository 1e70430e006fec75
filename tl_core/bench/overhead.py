"""What worker process, event log and live curves cost: a real worker against a bare loop over the same steps."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from tl_core.base import events, paths
from tl_core.bench.measures import Measure
from tl_core.charts import classification, curves
from tl_core.classification import report, steps
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained.backbones import backbone, boundary
from tl_core.runs import queue, store
from tl_core.runs.history import History
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.features import Activations
from tl_core.tasks.image_classification.learner import ImageLearner
from tl_core.training import checkpoint, optimizers, precision

REPOSITORY = Path(__file__).resolve().parent.parent.parent
STRETCH = 7  # epochs that are timed together


def overhead(config: RunConfig, dataset: Dataset, rounds: int, epochs: int) -> Measure:
    """What worker, stop file, event log and a reader of live curves add to the same steps in a bare loop.

    Both train in turn, several times. The fastest stretch of consecutive epochs of each counts: other work on the
    machine only ever adds time, while a stretch of a few seconds has its share of checkpoints, events and readings.
    """
    config = replace(config, phases=(replace(config.phases[0], epochs=epochs),))
    parts = split(dataset, config.data)
    stretch = min(STRETCH, config.epochs - 2)
    pictures = stretch * (len(parts.train) + len(parts.validation))
    app, bare = [], []
    for _ in range(rounds):
        app.append(_fastest(_worker(config), stretch))
        bare.append(_fastest(_bare(config, dataset), stretch))
    share = min(app) / min(bare) - 1
    return Measure(
        "worker, log and live curves",
        share,
        f"{share:+.1%}",
        "< 3 %",
        share < 0.03,
        min(app),
        min(bare),
        pictures / min(app),
        pictures / min(bare),
        (
            f"the fastest {stretch} consecutive epochs of the head over cached activations, of {rounds} runs of "
            f"{config.epochs} epochs each, in turn",
        ),
        {"app_seconds": app, "bare_seconds": bare, "events": "log read and figures made once a second"},
    )


def _fastest(ends: Sequence[float], stretch: int) -> float:
    """Seconds of the fastest `stretch` epochs in a row; the first epoch, which traces the functions, is left out."""
    return min(later - earlier for earlier, later in zip(ends, ends[stretch:], strict=False))


def _worker(config: RunConfig) -> list[float]:
    """When each epoch of a real worker ended, while this process reads its log and makes figures once a second."""
    run = store.create(config, owner="bench")
    queue.submit(run.id)
    environment = {**os.environ, "TL_HOME": str(paths.home())}
    command = [sys.executable, "-m", "tl_core", "work", run.id]
    with open(run.folder / "worker.log", "wb") as log:
        worker = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log)
    ended = threading.Event()
    reader = threading.Thread(target=_follow, args=(run, ended), daemon=True)
    reader.start()
    code = worker.wait()
    ended.set()
    reader.join()
    if code:
        raise RuntimeError((run.folder / "worker.log").read_text(errors="replace")[-2000:])
    return [event.t for event in events.read(run.log)[0] if isinstance(event, events.Epoch)]


def _follow(run: store.Run, ended: threading.Event) -> None:
    history = History(run.log)
    while not ended.wait(1.0):
        history.update()
        curves.live(history, classification.METRICS, str)
        classification.reading(history)


def _bare(config: RunConfig, dataset: Dataset) -> list[float]:
    """When each epoch of a bare loop ended: the same steps, and no more around them than what `fit` does.

    As with its ModelCheckpoint the best weights are kept.
    """
    row, phase = backbone(config.backbone.name), config.phases[0]
    parts = split(dataset, config.data)
    labels = np.array([image.label for image in dataset.images], np.int32)
    weights = np.ones(len(labels), np.float32)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        learner = ImageLearner(config, dataset, Path(folder), lambda event: None, lambda: False)
        stack.enter_context(precision.policy(learner.precision()))
        keras.utils.set_random_seed(config.seed)
        base = network.load_base(row, config.backbone.weights, config.backbone.image_size)
        head = network.build_head(config.head, len(dataset.classes), base.output_shape[1:], config.seed)
        frozen = boundary(row, phase.frozen_blocks)
        trunk, upper = network.split_base(base, row, frozen)
        scaled = network.preprocessing(row, config.backbone.image_size)
        activations = Activations(config, dataset, scaled, trunk, frozen, lambda event: None, lambda: False)
        activations.prepare({0: np.concatenate([parts.train, parts.validation])})
        part = network.TrainedPart(upper, head, config.backbone.weights != "random")
        optimizer = optimizers.built(phase, part.trainable_variables, 1)
        take = steps.trainer(part, optimizer, activations, config.batch_size)
        predict = steps.predictor(part, activations)
        learning, looking = steps.Pace(activations, config.batch_size), steps.Pace(activations, steps.BATCH)
        lowest = float("inf")
        for number in range(1, config.epochs + 1):
            order = np.random.default_rng((config.seed, number)).permutation(parts.train)
            for indices, rows in steps.chunks(activations, order, 0, learning):
                with _timed(learning):
                    float(take(rows, labels[indices], weights[indices])[0])
            said = []
            for _indices, rows in steps.chunks(activations, parts.validation, 0, looking):
                with _timed(looking):
                    said.append(predict(rows).numpy())
            loss = _loss(np.concatenate(said), labels[parts.validation])
            if loss < lowest:
                lowest = loss
                checkpoint.save(checkpoint.best_path(Path(folder)), {}, head.weights)
            ends.append(time.perf_counter())
    return ends


@contextlib.contextmanager
def _timed(pace: steps.Pace) -> Iterator[None]:
    """Tell the pace how long the block took."""
    began = time.monotonic()
    yield
    pace.took(time.monotonic() - began)


def _loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([1 - probabilities, probabilities])
    return report.cross_entropy(probabilities[np.arange(len(labels)), labels])
