"""Probe every block: one pass over the texts for each set of weights, then a linear classifier behind each block."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tl_core.base import events
from tl_core.base.split import Split
from tl_core.labs import attempt, probes
from tl_core.labs.cut import found, passes
from tl_core.labs.cut_texts.config import CutTextsConfig, check
from tl_core.tasks.text_classification.blocks import Blocks
from tl_core.text.data.labelled import LabelledTexts, split
from tl_core.training import precision
from tl_core.training.loop import Outcome


def train(
    config: CutTextsConfig,
    dataset: LabelledTexts,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """What a worker does; arguments as for a task's `train`. An attempt after a stop finds the pass in the cache.

    Raises:
        UserError: weights cannot be had, or there are too few texts.
    """
    return attempt.outcome(
        probe(config, dataset, emit, should_stop), lambda trials: found.metrics(config, trials), emit, started
    )


def probe(
    config: CutTextsConfig,
    dataset: LabelledTexts,
    emit: Callable[[events.Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[events.Trial]:
    """Measure how well a linear classifier tells the classes apart behind each block of the encoder.

    A text is the mean over its tokens there. A probe's penalty is chosen by cross-validation on its training texts
    alone; the accuracy is that on validation texts, which it has never seen. Texts of which no seed makes use, because
    fewer of each class are asked for, are not passed.

    Args:
        config: the experiment.
        dataset: its texts, from `material.load`.
        emit: takes Phase and Progress events, a notice that names the weights, and how the texts are divided.
        should_stop: asked several times a second.

    Yields:
        For the pretrained encoder each seed, for the random one of each seed that seed, and for both every block:
        "val_accuracy", "accuracy" (of the training texts) and "l2" (the penalty).

    Raises:
        UserError: weights cannot be had, or there are too few texts.
        Stopped: `should_stop` answered True.
    """
    check(config)
    examples, data = dataset.examples, config.data
    parts = probes.repeated(lambda seed: split(dataset, replace(data, seed=data.seed + seed)), examples, config.seeds)
    used = np.unique(np.concatenate([indices for part in parts for indices in (part.train, part.validation)]))
    labels = np.array([examples[index].label for index in used], np.int64)
    parts = [_among(used, part) for part in parts]
    emit(probes.told(labels, parts))
    with precision.policy("float32"):
        blocks = Blocks(config.encoder, [examples[index].text for index in used], emit, should_stop)
        yield from passes.measured(config, "pretrained", blocks, labels, parts, len(dataset.classes), emit, should_stop)


def _among(used: np.ndarray, part: Split) -> Split:
    """The same parts, as places among the texts that are used."""
    return replace(
        part,
        train=np.searchsorted(used, part.train),
        validation=np.searchsorted(used, part.validation),
        test=part.test[:0],
    )
