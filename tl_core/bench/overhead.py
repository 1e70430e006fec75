"""What worker process, event log and live curves cost: a real worker against a bare loop over the same steps."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import keras
import numpy as np

from tl_core import events, paths
from tl_core.bench.measures import Measure
from tl_core.charts import curves
from tl_core.config import RunConfig
from tl_core.data.dataset import Dataset
from tl_core.data.split import split
from tl_core.runs import queue, store
from tl_core.runs.history import History
from tl_core.vision import checkpoint, network, precision, steps, training
from tl_core.vision.backbones import backbone, boundary
from tl_core.vision.features import Activations

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def overhead(config: RunConfig, dataset: Dataset, rounds: int) -> Measure:
    """What worker, stop file, event log and a reader of live curves add to the same steps in a bare loop.

    Both are timed from the end of the second epoch to the end of the last one, in turn; the best round of each counts,
    since other work on the machine only ever adds time.
    """
    parts = split(dataset, config.data)
    pictures = (config.epochs - 2) * (len(parts.train) + len(parts.validation))
    app, bare = [], []
    for _ in range(rounds):
        app.append(_worker_seconds(config))
        bare.append(_bare_seconds(config, dataset))
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
        (f"{config.epochs - 2} epochs of the head over cached activations; best of {rounds} rounds each",),
        {"app_seconds": app, "bare_seconds": bare, "events": "log read and figures made once a second"},
    )


def _worker_seconds(config: RunConfig) -> float:
    """Let a real worker train, while this process reads its log and makes figures once a second as a page does."""
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
    epochs = [event for event in events.read(run.log)[0] if isinstance(event, events.Epoch)]
    return epochs[-1].t - epochs[1].t


def _follow(run: store.Run, ended: threading.Event) -> None:
    history = History(run.log)
    while not ended.wait(1.0):
        history.update()
        curves.live(history, str)
        curves.reading(history)


def _bare_seconds(config: RunConfig, dataset: Dataset) -> float:
    """The same steps over the same activations with nothing around them but what `fit` does too: best weights kept."""
    row, phase = backbone(config.backbone.name), config.phases[0]
    parts = split(dataset, config.data)
    labels = np.array([image.label for image in dataset.images], np.int32)
    weights = np.ones(len(labels), np.float32)
    with precision.policy(precision.resolve(config.precision, row)), tempfile.TemporaryDirectory() as folder:
        keras.utils.set_random_seed(config.seed)
        base = network.load_base(row, config.backbone.weights, config.backbone.image_size)
        head = network.build_head(config.head, len(dataset.classes), base.output_shape[1:], config.seed)
        frozen = boundary(row, phase.frozen_blocks)
        trunk, upper = network.split_base(base, row, frozen)
        scaled = network.preprocessing(row, config.backbone.image_size)
        activations = Activations(config, dataset, scaled, trunk, frozen, lambda event: None, lambda: False)
        activations.prepare({0: np.concatenate([parts.train, parts.validation])})
        part = network.TrainedPart(upper, head, config.backbone.weights != "random")
        optimizer = training.OPTIMIZERS[phase.optimizer](phase.learning_rate)
        optimizer.build(part.trainable_variables)
        take, predict = (
            steps.trainer(part, optimizer, activations, config.batch_size),
            steps.predictor(part, activations),
        )
        pace, looking = steps.Pace(activations, config.batch_size), steps.Pace(activations, steps.BATCH)
        lowest, began = float("inf"), 0.0
        for number in range(1, config.epochs + 1):
            order = np.random.default_rng((config.seed, number)).permutation(parts.train)
            for indices, rows in steps.chunks(activations, order, 0, pace):
                called = time.monotonic()
                float(take(rows, labels[indices], weights[indices])[0])
                pace.took(time.monotonic() - called)
            said = [predict(rows).numpy() for _, rows in steps.chunks(activations, parts.validation, 0, looking)]
            truth = labels[parts.validation]
            probabilities = np.concatenate(said)[:, 0] if config.head.output == "sigmoid" else np.concatenate(said)
            right = (
                np.where(truth == 1, probabilities, 1 - probabilities)
                if probabilities.ndim == 1
                else probabilities[np.arange(len(truth)), truth]
            )
            loss = float(-np.log(np.clip(right, 1e-7, 1)).mean())
            if loss < lowest:
                lowest = loss
                checkpoint.save(checkpoint.best_path(Path(folder)), {}, head.weights)
            if number == 2:
                began = time.perf_counter()
        return time.perf_counter() - began
