"""Search the labels of a dataset, and train heads with and without the suspects, on frozen features."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tl_core.base import events
from tl_core.base.events import Artifact, Trial
from tl_core.images.data.dataset import Dataset
from tl_core.labs import attempt, label_errors, linear, pictures
from tl_core.labs.blocks import Blocks
from tl_core.labs.label_errors import Planted, Suspects
from tl_core.labs.labels import found, material
from tl_core.labs.labels.config import LabelsConfig, check
from tl_core.labs.labels.material import Parts
from tl_core.training import precision
from tl_core.training.loop import Outcome

SHOWN = 120  # suspects that the log lists


def train(
    config: LabelsConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """What a worker does; arguments as for a task's `train`. An attempt after a stop finds the features in the cache.

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
    """
    return attempt.outcome(inspect(config, dataset, emit, should_stop), found.metrics, emit, started)


def inspect(
    config: LabelsConfig,
    dataset: Dataset,
    emit: Callable[[events.Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Trial]:
    """Rank the labels by doubt, seed by seed, and train heads with the labels as given and cleaned.

    Doubt is little out-of-fold confidence of a linear probe on what the frozen backbone makes of the pictures. The
    strength of the heads' penalty is the one that the same cross-validation chose: from searched pictures alone.

    Args:
        config: the experiment.
        dataset: its pictures, from `material.load`.
        emit: takes Phase and Progress events, a notice that names the weights, and the artifacts of `found`.
        should_stop: asked several times a second.

    Yields:
        For each seed, where labels were planted, "found" (the share of them) at each of `found.shares`; then for each
        head, "given", "cleaned" and, where labels were planted, "right" (none is wrong), "val_accuracy" on the
        pictures that judge.

    Raises:
        UserError: weights cannot be had, or there are too few pictures.
        Stopped: `should_stop` answered True.
    """
    check(config)
    parts, classes = material.parts(config, dataset), len(dataset.classes)
    labels = np.array([image.label for image in dataset.images], np.int64)
    true = labels[parts.searched]
    seeds = [material.planted(config, true, classes, seed) for seed in range(config.seeds)]
    emit(Artifact(name=found.PARTS, payload=_told(dataset, parts, labels)))
    with precision.policy("float32"):
        blocks = Blocks(config.row, config.backbone.image_size, dataset, emit, should_stop)
        blocks.load(config.backbone.weights)
        rows = blocks.rows()[:, blocks.slices[-1]]
    features, judging = rows[parts.searched], rows[parts.judging]
    emit(events.Phase(phase="seeds", total=config.seeds, unit="seeds"))
    began, said = time.monotonic(), []
    for seed, planted in enumerate(seeds):
        folds = linear.cross_validate(features, planted.labels, classes, seed=seed, should_stop=should_stop)
        suspects = label_errors.suspects(folds.probabilities, planted.labels)
        if len(planted.where):
            for share in found.shares(config):
                metrics = {"looked_at": share, "found": label_errors.found(suspects.order, planted.where, share)}
                yield Trial(arm="search", place=found.place(share), seed=seed, metrics=metrics)
        said.append(folds.probabilities)
        if seed == 0 or not len(planted.where):  # where each seed has wrong labels of its own, the first ones are shown
            emit(_suspects(config, dataset, parts, planted, np.mean(said, 0)))
        learned = pictures.drawn(np.arange(len(true)), planted.labels, seed)
        heads = {"given": (learned, planted.labels), "cleaned": _cleaned(config, learned, planted.labels, suspects)}
        if len(planted.where):
            heads["right"] = (learned, true)
        answers = {}
        for arm, (chosen, taught) in heads.items():
            head = linear.fit(features[chosen], taught[chosen], classes, folds.l2, should_stop=should_stop)
            answers[arm] = head.probabilities(judging).argmax(1)
            accuracy = float((answers[arm] == labels[parts.judging]).mean())
            metrics = {"val_accuracy": accuracy, "learned_from": len(chosen), "flagged": int(suspects.flagged.sum())}
            yield Trial(arm=arm, place="head", seed=seed, metrics=metrics)
        predicted = {arm: answers[arm].tolist() for arm in ("given", "cleaned")}
        emit(Artifact(name=found.PREDICTIONS, step=seed, payload=predicted))
        rate = round((seed + 1) / max(time.monotonic() - began, 1e-3), 3)
        emit(events.Progress(phase="seeds", done=seed + 1, total=config.seeds, rate=rate))


def _cleaned(
    config: LabelsConfig, learned: np.ndarray, labels: np.ndarray, suspects: Suspects
) -> tuple[np.ndarray, np.ndarray]:
    """What a head learns from when the suspects are out of the way: indices, and the labels of all."""
    doubtful = suspects.order[: found.count(config.looked_at, len(labels))]
    if config.cleaning == "out":
        return np.setdiff1d(learned, doubtful), labels
    corrected = labels.copy()
    corrected[doubtful] = suspects.likely[doubtful]
    return learned, corrected


def _suspects(
    config: LabelsConfig, dataset: Dataset, parts: Parts, planted: Planted, probabilities: np.ndarray
) -> Artifact:
    """The most doubtful labels, with what the page says of each."""
    suspects = label_errors.suspects(probabilities, planted.labels)
    wrong = set(planted.where.tolist())
    rows = []
    for index in suspects.order[: min(SHOWN, found.count(config.looked_at, len(planted.labels)))].tolist():
        image, likely = dataset.images[parts.searched[index]], int(suspects.likely[index])
        rows.append(
            {
                "picture": image.id,
                "key": image.key,
                "given": dataset.classes[planted.labels[index]],
                "likely": dataset.classes[likely],
                "confidence": round(float(probabilities[index, planted.labels[index]]), 5),
                "other": round(float(probabilities[index, likely]), 5),
                "planted": index in wrong,
            }
        )
    return Artifact(name=found.SUSPECTS, payload={"rows": rows})


def _told(dataset: Dataset, parts: Parts, labels: np.ndarray) -> dict[str, object]:
    """How many pictures are searched, and which ones judge."""
    judging = [dataset.images[index] for index in parts.judging]
    return {
        "searched": len(parts.searched),
        "judge": parts.judge,
        "classes": list(dataset.classes),
        "pictures": [[image.id, image.key, image.label] for image in judging],
    }
