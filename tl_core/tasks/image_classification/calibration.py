"""How long an experiment takes on this machine, from three batches of it: what learns is what trains a run."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from tl_core.base.errors import Stopped
from tl_core.classification import steps
from tl_core.images.data.dataset import Dataset
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.estimate import Calibration, Pace
from tl_core.tasks.image_classification.learner import ImageLearner
from tl_core.training import precision
from tl_core.training.learner import Standing

BATCHES = 3
QUICK = 0.05  # seconds of a batch below which training hands over several in one call, as `steps.Pace` does
MOMENT, TRIES = 0.2, 10  # seconds for which what is short is repeated, and how often at most


Clock = Callable[[], float]


def measure(
    config: RunConfig, dataset: Dataset, should_stop: Callable[[], bool], clock: Clock = time.perf_counter
) -> Calibration:
    """Build the network and let it learn from three batches in each phase; nothing of it is kept.

    Args:
        config: the experiment; its weights have to be on this computer.
        dataset: its pictures.
        should_stop: asked between batches.
        clock: gives seconds.

    Raises:
        UserError: as training would.
        Stopped: `should_stop` says so.
    """
    began = clock()
    with tempfile.TemporaryDirectory(prefix="tl-calibration-") as folder:
        learner = ImageLearner(config, dataset, Path(folder), lambda event: None, should_stop)
        standing = Standing(precision=learner.precision())
        with precision.policy(standing.precision):
            learner.begin(standing)
            build = clock() - began
            return Calibration(build, tuple(_pace(learner, number, clock) for number in range(learner.phases)))


def _pace(learner: ImageLearner, number: int, clock: Clock) -> Pace:
    """Of one phase: the first batch compiles, the others are timed."""
    learner.phase(number)
    size, activations = learner.config.batch_size, learner.activations
    together = activations.batch_size if learner.config.cache else size  # pictures that pass the frozen blocks
    some = np.resize(learner.split.train, (1 + BATCHES) * together)
    began, ends, rows = clock(), [], []
    for _, computed in activations.computed(some, learner.view(1), together):
        rows.append(computed)
        ends.append(clock())
    below = (ends[-1] - ends[0]) / (BATCHES * together)
    places = np.arange(min(BATCHES, learner.pace.most) * size) % len(some)  # no more than training hands over
    batches = np.concatenate(rows)[places]
    labels, importance = learner.labels[some[places]], learner.importance[some[places]]
    take = partial(_typical, clock, learner.should_stop, len(batches))
    compiled, learning = take(size, lambda n: learner.take(batches[:n], labels[:n], importance[:n])[0])
    compiled_look, looking = take(min(steps.BATCH, len(batches)), lambda n: learner.predict(batches[:n]))
    return Pace(
        max(0.0, ends[0] - began - together * below),
        compiled + compiled_look,
        below,
        learning,
        looking,
        batches[0].nbytes,
    )


def _typical(
    clock: Clock, should_stop: Callable[[], bool], most: int, one: int, do: Callable[[int], tf.Tensor]
) -> tuple[float, float]:
    """Seconds to compile something, and seconds for each row: one batch a call where that is slow, else all in one.

    Args:
        clock: gives seconds.
        should_stop: asked before each call.
        most, one: rows of all batches, and of a single one.
        do: does it with so many rows.
    """
    tries: list[float] = []
    rows, first = one, -1.0
    while len(tries) < BATCHES or (len(tries) < TRIES and sum(tries) * rows < MOMENT):
        if should_stop():
            raise Stopped
        start = clock()
        do(rows).numpy()
        took = clock() - start
        if first < 0:
            first = took
        elif rows < most and took < QUICK:
            rows = most
        else:
            tries.append(took / rows)
    each = float(np.median(tries))
    return max(0.0, first - one * each), each
