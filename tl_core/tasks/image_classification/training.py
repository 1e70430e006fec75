"""Train one experiment: from a config and a dataset to best weights, a report and a model.

    pictures -> activations at the freeze boundary (computed once) -> upper blocks and head (trained here)

Every phase has one boundary and one optimizer, and starts from the best weights so far; the best are those of the
epoch with the lowest validation loss in the whole run (training loss where there are no validation pictures). A run
goes on from its last checkpoint with the curve it would have had: what is random is drawn from (seed, epoch) or is part
of the checkpoint.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import message
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import Split, split
from tl_core.images.pretrained.backbones import Backbone, backbone, boundary
from tl_core.tasks.image_classification import export, network, report, steps
from tl_core.tasks.image_classification.config import PhaseConfig, RunConfig
from tl_core.tasks.image_classification.features import Activations, fingerprint
from tl_core.training import checkpoint, precision
from tl_core.training.options import Precision

OPTIMIZERS = {
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
}
BETWEEN_BATCHES = 0.3  # seconds from one Batch event to the next, at least
BETWEEN_CHECKPOINTS = 3.0  # seconds, at least: a large head has large checkpoints and short epochs


@dataclass(frozen=True)
class Outcome:
    """How training ended. `metrics` are the best epoch's on the validation pictures."""

    stopped: bool
    best_epoch: int  # 1 is the first; 0 if no epoch was completed
    metrics: Mapping[str, float]


@dataclass
class Standing:
    """Where a run stands: everything a checkpoint needs besides weights."""

    precision: Precision  # the dtype policy
    phase: int = 0  # place in config.phases
    first_epoch: int = 0  # epochs trained before this phase
    epoch: int = 0  # epochs trained
    step: int = 0  # optimizer steps taken
    best_epoch: int = 0
    best_loss: float = math.inf
    best_accuracy: float = 0.0
    phase_loss: float = math.inf  # lowest in this phase
    waited: int = 0  # epochs since then
    lowest: int = 1000  # lowest boundary of all phases begun

    @property
    def metrics(self) -> dict[str, float]:
        """Of the best epoch."""
        return {"loss": self.best_loss, "accuracy": self.best_accuracy} if self.best_epoch else {}


@dataclass
class Run:
    """What stays the same from phase to phase."""

    config: RunConfig
    dataset: Dataset
    folder: Path
    emit: Callable[[events.Event], None]
    should_stop: Callable[[], bool]
    row: Backbone
    split: Split
    labels: np.ndarray  # int32, one for each of dataset.images
    importance: np.ndarray  # float32 likewise: weight in the loss
    preprocessing: keras.Model
    base: keras.Model
    head: keras.Model
    initial: list[tuple[keras.Variable, np.ndarray]]  # all that training changes, seeds of dropout masks included
    fingerprint: str  # of the backbone as it was loaded
    told: float = 0.0  # when the latest Batch event was emitted (monotonic)


@dataclass
class Divided:
    """The network divided at a boundary: what is computed once, and what is trained."""

    activations: Activations
    part: network.TrainedPart
    predict: Callable  # from `steps.predictor`
    looking: steps.Pace  # of predictions: what one epoch's validation has found out about it, the next one uses


def train(
    config: RunConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train all phases, then write the report on the validation pictures and the model.

    Args:
        config: the experiment.
        dataset: its pictures.
        folder: the run's folder; see `tl_core.training.checkpoint`, `report` and `export` for what comes to lie there.
        emit: takes Phase, Progress, Batch, Epoch and Notice events.
        should_stop: asked several times a second. After a Stop the best weights are on disk and nothing else is made.
        resume: go on from the checkpoint, if there is one.
        started: told once, early: `device=`, `precision=` and `resumed_from=` (epochs).

    Raises:
        UserError: weights cannot be had, settings do not fit the pictures, or the loss is no longer a number.
    """
    device = precision.device()
    row = backbone(config.backbone.name)
    saved = checkpoint.load(checkpoint.state_path(folder)) if resume else None
    # "auto" is decided once for a run: it is measured, and the other answer would give another curve.
    standing = Standing(**saved.facts) if saved else Standing(precision.resolve(config.precision, row))
    for part in ("validation", "test"):
        report.path(folder, part).unlink(missing_ok=True)  # of an earlier attempt
    started(device=device, precision=standing.precision, resumed_from=standing.epoch)
    try:
        with precision.policy(standing.precision):
            run = _begin(config, dataset, folder, emit, should_stop, row)
            divided = None
            for number in range(standing.phase, len(config.phases)):
                divided = _train_phase(run, number, standing, saved)
                saved = None
            metrics = _finish(run, standing, divided)
    except Stopped:
        return Outcome(True, standing.best_epoch, standing.metrics)
    return Outcome(False, standing.best_epoch, metrics)


def _begin(
    config: RunConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    row: Backbone,
) -> Run:
    parts = split(dataset, config.data)
    labels = np.array([image.label for image in dataset.images], np.int32)
    keras.utils.set_random_seed(config.seed)
    base = network.load_base(row, config.backbone.weights, config.backbone.image_size, emit, should_stop)
    head = network.build_head(config.head, len(dataset.classes), base.output_shape[1:], config.seed)
    lowest = min(boundary(row, phase.frozen_blocks) for phase in config.phases)
    upper = network.upper_blocks(base, row, lowest)
    return Run(
        config,
        dataset,
        folder,
        emit,
        should_stop,
        row,
        parts,
        labels,
        _importance(labels, parts.train, config.class_weights),
        network.preprocessing(row, config.backbone.image_size),
        base,
        head,
        [(variable, variable.value.numpy()) for variable in (*upper.variables, *head.variables)],
        fingerprint(base),
    )


def _train_phase(run: Run, number: int, standing: Standing, saved: checkpoint.Saved | None) -> Divided:
    """Train one phase to its end, from the checkpoint where that was made within it."""
    config, phase = run.config, run.config.phases[number]
    frozen = boundary(run.row, phase.frozen_blocks)
    standing.lowest = min(standing.lowest, frozen)
    _return_to_best(run, standing)
    divided = _divided(run, frozen)
    activations, part = divided.activations, divided.part
    optimizer = OPTIMIZERS[phase.optimizer](phase.learning_rate)
    if precision.scales_loss():
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(part.trainable_variables)
    upper = network.upper_blocks(run.base, run.row, standing.lowest)
    state = [*upper.variables, *run.head.variables, *optimizer.variables]
    if saved and saved.arrays:
        checkpoint.restore(saved, state)
    elif number:  # the best weights may soon be others than those with which this phase begins
        checkpoint.save(checkpoint.state_path(run.folder), dataclasses.asdict(standing), state)

    last = standing.first_epoch + phase.epochs
    views = {_view(config, epoch) for epoch in range(standing.epoch + 1, last + 1)}
    wanted = dict.fromkeys(sorted(views), run.split.train)
    wanted[0] = np.concatenate([wanted.get(0, []), run.split.validation]).astype(np.int64)
    activations.prepare(wanted)
    run.emit(_announcement(run, phase, part, frozen, standing))
    take = steps.trainer(part, optimizer, activations, config.batch_size, config.label_smoothing)
    pace = steps.Pace(activations, config.batch_size)
    written = time.monotonic()
    while standing.epoch < last and not (config.early_stopping and standing.waited >= config.early_stopping):
        epoch = _epoch(run, phase, standing, divided, take, pace)
        if epoch.best:
            facts = {"lowest": standing.lowest, "epoch": standing.epoch, "base": run.fingerprint}
            checkpoint.save(checkpoint.best_path(run.folder), facts, [*upper.weights, *run.head.weights])
        run.emit(epoch)
        if time.monotonic() - written > BETWEEN_CHECKPOINTS:
            checkpoint.save(checkpoint.state_path(run.folder), dataclasses.asdict(standing), state)
            written = time.monotonic()
    standing.phase, standing.first_epoch = number + 1, standing.epoch
    standing.phase_loss, standing.waited = math.inf, 0
    checkpoint.save(checkpoint.state_path(run.folder), dataclasses.asdict(standing), [])
    return divided


def _return_to_best(run: Run, standing: Standing) -> None:
    """Give the network the best weights so far; dropout begins its masks anew, so a run can go on with any phase."""
    for variable, value in run.initial:
        variable.assign(value)
    if standing.best_epoch:
        export.load_best(run.folder, run.base, run.head, run.row)


def _divided(run: Run, frozen: int) -> Divided:
    trunk, upper = network.split_base(run.base, run.row, frozen)
    head = run.head
    if frozen == len(run.row.blocks) and run.config.head.pooling == "average":
        trunk, upper, head = network.pool_early(trunk, head)
    activations = Activations(run.config, run.dataset, run.preprocessing, trunk, frozen, run.emit, run.should_stop)
    part = network.TrainedPart(upper, head, run.config.backbone.weights != "random")
    return Divided(activations, part, steps.predictor(part, activations), steps.Pace(activations, steps.BATCH))


def _announcement(
    run: Run, phase: PhaseConfig, part: network.TrainedPart, frozen: int, standing: Standing
) -> events.Phase:
    trainable = sum(math.prod(variable.shape) for variable in part.trainable_variables)
    return events.Phase(
        phase=phase.name,
        total=phase.epochs,
        unit="epochs",
        first_epoch=standing.first_epoch,
        frozen_blocks=frozen,
        learning_rate=phase.learning_rate,
        trainable=trainable,
        frozen=run.base.count_params() + run.head.count_params() - trainable,
        steps_per_epoch=math.ceil(len(run.split.train) / run.config.batch_size),
    )


def _epoch(
    run: Run, phase: PhaseConfig, standing: Standing, divided: Divided, take: Callable, pace: steps.Pace
) -> events.Epoch:
    """Train and validate once; `standing` then tells of this epoch."""
    began = time.monotonic()
    loss, accuracy = _learn(run, phase, standing, divided.activations, take, pace)
    trained = time.monotonic()
    metrics = {"loss": loss, "accuracy": accuracy}
    score, correct = loss, accuracy
    if len(run.split.validation):
        probabilities = _predictions(run, divided)
        right = probabilities[np.arange(len(probabilities)), run.labels[run.split.validation]]
        score = report.cross_entropy(right)
        correct = float((probabilities.argmax(1) == run.labels[run.split.validation]).mean())
        metrics |= {"val_loss": score, "val_accuracy": correct}
    if not math.isfinite(score):
        raise _diverged()
    standing.epoch += 1
    standing.waited = 0 if score < standing.phase_loss else standing.waited + 1
    standing.phase_loss = min(score, standing.phase_loss)
    best = score < standing.best_loss
    if best:
        standing.best_epoch, standing.best_loss, standing.best_accuracy = standing.epoch, score, correct
    return events.Epoch(
        phase=phase.name,
        epoch=standing.epoch,
        step=standing.step,
        metrics=metrics,
        seconds=round(trained - began, 4),
        validation_seconds=round(time.monotonic() - trained, 4),
        rate=round(len(run.split.train) / max(trained - began, 1e-6), 1),
        unit="images",
        best=best,
    )


def _learn(
    run: Run, phase: PhaseConfig, standing: Standing, activations: Activations, take: Callable, pace: steps.Pace
) -> tuple[float, float]:
    """One pass over the training pictures; their mean loss and accuracy while the network changed."""
    epoch = standing.epoch + 1
    order = np.random.default_rng((run.config.seed, epoch)).permutation(run.split.train)
    whole, since = np.zeros(3), np.zeros(4)  # sums of loss, right and pictures; the latter also of batches
    for indices, rows in steps.chunks(activations, order, _view(run.config, epoch), pace):
        if run.should_stop():
            raise Stopped
        began = time.monotonic()
        total, right = take(rows, run.labels[indices], run.importance[indices])
        total = float(total)  # waits until the steps are done
        pace.took(time.monotonic() - began)
        if not math.isfinite(total):
            raise _diverged()
        batches = math.ceil(len(indices) / run.config.batch_size)
        standing.step += batches
        whole += (total, int(right), len(indices))
        since += (total, int(right), len(indices), batches)
        if time.monotonic() - run.told >= BETWEEN_BATCHES:
            run.told = time.monotonic()
            run.emit(
                events.Batch(
                    phase=phase.name,
                    epoch=epoch,
                    step=standing.step,
                    metrics={"loss": float(since[0] / since[2]), "accuracy": float(since[1] / since[2])},
                    batches=int(since[3]),
                )
            )
            since[:] = 0
    return float(whole[0] / whole[2]), float(whole[1] / whole[2])


def _predictions(run: Run, divided: Divided) -> np.ndarray:
    """Probabilities of the validation pictures, [n, classes]."""
    said = []
    for _, rows in steps.chunks(divided.activations, run.split.validation, 0, divided.looking):
        if run.should_stop():
            raise Stopped
        began = time.monotonic()
        said.append(divided.predict(rows).numpy())
        divided.looking.took(time.monotonic() - began)
    probabilities = np.concatenate(said)
    return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities


def _finish(run: Run, standing: Standing, divided: Divided | None) -> Mapping[str, float]:
    """Write the report on the validation pictures, and the model, both from the best weights.

    Args:
        divided: of the last phase. Where that phase froze all that the run ever froze, its activations are those of
            the best weights too, and serve again.
    """
    metrics = standing.metrics
    if len(run.split.validation):
        run.emit(events.Phase(phase="evaluation", total=len(run.split.validation), unit="images"))
        _return_to_best(run, standing)
        if divided is None or divided.activations.boundary > standing.lowest:
            divided = _divided(run, boundary(run.row, run.config.phases[-1].frozen_blocks))
            divided.activations.prepare({0: run.split.validation})
        probabilities = _predictions(run, divided)
        made = report.report("validation", run.dataset, run.split.validation, probabilities)
        report.save(made, run.folder)
        metrics = made.metrics
    if run.should_stop():
        raise Stopped
    run.emit(events.Phase(phase="saving"))
    export.model_file(run.folder, run.config, run.dataset)
    return metrics


def _view(config: RunConfig, epoch: int) -> int:
    """The view of the pictures that an epoch of the run trains on; validation always sees view 0."""
    return 0 if config.augmentation == "none" else (epoch - 1) % config.views + 1


def _importance(labels: np.ndarray, training: np.ndarray, balanced: bool) -> np.ndarray:
    """Each picture's weight in the loss: 1, or pictures / (classes * pictures of its class), as in scikit-learn."""
    if not balanced:
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels[training], minlength=labels.max() + 1)
    return (len(training) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[labels].astype(np.float32)


def _diverged() -> UserError:
    return UserError(
        message("Training has diverged: the loss is no longer a number."),
        message("Choose a smaller learning rate (a tenth of it is a good next try)."),
    )
