"""The training loop of every task: fetch, forward, backward, callbacks, stop.

    for each phase                  head first, then fine-tuning
        from the best weights so far, with a new freeze boundary and a new optimizer
        for each epoch
            for each chunk          fetch
                step                forward and backward, the optimizer's steps
            validate                the best weights are kept
            callbacks               events, checkpoints, what the task adds, such as a sample of its writing

A task says what these words mean for it (`tl_core.training.learner`). The best weights are those of the epoch with the
lowest validation loss in the whole run (training loss where there is nothing to validate on). A run goes on from its
last checkpoint with the curve that it would have had: what is random is drawn from (seed, epoch or step), or is part
of the checkpoint.

Stop means the same everywhere: within two seconds training is over, the best weights so far are on disk, and nothing
else is made. What else a run has, a model or a report, is made when it ends by itself or is asked for.
"""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import message
from tl_core.training import checkpoint, precision
from tl_core.training.checkpoint import Saved, Variable
from tl_core.training.learner import Learner, Standing, judged

BETWEEN_BATCHES = 0.3  # seconds from one Batch event to the next, at least
BETWEEN_CHECKPOINTS = 3.0  # seconds, at least: a large head has large checkpoints and short epochs
QUICKLY = 200e6  # bytes of state that are written at Stop, which has to be over within two seconds


@dataclass(frozen=True)
class Outcome:
    """How training ended. `metrics` are those of the weights that are kept."""

    stopped: bool
    best_epoch: int  # 1 is the first; 0 if no epoch was completed
    metrics: dict[str, float]
    cached: int | None = field(default=None, compare=False)  # bytes of activations that this attempt read from disk


def train(
    learner: Learner,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train all phases, then let the task finish.

    Args:
        learner: the task's.
        folder: the run's folder; see `tl_core.training.checkpoint` for what comes to lie there.
        emit: takes Phase, Progress, Batch, Epoch, Artifact and Notice events.
        should_stop: asked several times a second.
        resume: go on from the checkpoint, if there is one.
        started: told once, early: `device=`, `resumed_from=` (epochs) and `resumed_step=`.

    Raises:
        UserError: weights cannot be had or have changed, settings do not fit, or the loss is no longer a number.
    """
    device = precision.device()
    path = checkpoint.state_path(folder)
    saved = checkpoint.load(path) if resume else None
    standing = _standing(saved)
    anew = standing is None
    standing = standing or Standing()
    started(device=device, resumed_from=standing.epoch, resumed_step=standing.step)
    if anew:
        if resume and path.exists():
            emit(events.Notice(message("The checkpoint is damaged or of an earlier version: training begins anew.")))
        checkpoint.best_path(folder).unlink(missing_ok=True)  # of an earlier attempt
    run = _Run(learner, standing, folder, emit, should_stop)
    try:
        if anew:  # measuring takes seconds: the run has begun by then, and may be stopped
            standing.precision = learner.precision()
        with precision.policy(standing.precision):
            learner.begin(standing)
            _check_base(standing, learner.base)
            for number in range(standing.phase, learner.phases):
                run.phase(number, saved)
                saved = None
            learner.finish()
    except Stopped:
        run.save_at_stop()
        return Outcome(True, standing.best_epoch, dict(learner.metrics()), run.size)
    return Outcome(False, standing.best_epoch, dict(learner.metrics()), run.size)


@dataclass
class _Run:
    """One attempt to train."""

    learner: Learner
    standing: Standing
    folder: Path
    emit: Callable[[events.Event], None]
    should_stop: Callable[[], bool]
    name: str = ""  # of the phase
    told: float = 0.0  # when the latest Batch event was emitted (monotonic)
    written: float = 0.0  # when the latest checkpoint was, or this phase began
    pause: float = BETWEEN_CHECKPOINTS  # seconds until the next one, at least
    sizes: dict[int | None, int] = field(default_factory=dict)  # freeze boundary -> bytes of activations on disk
    kept: float = math.inf  # step of the latest checkpoint, or with which this phase began; infinite between phases

    @property
    def size(self) -> int | None:
        """Bytes of activations that were read from disk; None before the first epoch."""
        return sum(self.sizes.values()) if self.sizes else None

    def phase(self, number: int, saved: Saved | None) -> None:
        """Train one phase to its end, from the checkpoint where that was made within it."""
        learner, standing = self.learner, self.standing
        phase = learner.phase(number)
        if standing.best_epoch:
            best = _best(self.folder)
            checkpoint.restore(best, learner.weights(best.facts["lowest"]))
        standing.lowest = min(standing.lowest, phase.frozen_blocks or 0)
        if saved and saved.arrays:
            checkpoint.restore(saved, self._state())
        elif number:  # the best weights may soon be others than those with which this phase begins
            self.save()
        last = standing.first_epoch + phase.total
        learner.prepare(last - standing.epoch)
        self.name, self.kept, self.written, self.pause = phase.phase, standing.step, time.monotonic(), _pause()
        # It was made before what is prepared for it.
        self.emit(dataclasses.replace(phase, t=time.time(), precision=standing.precision))
        if not standing.step:
            learner.callback(best=False)
        while standing.epoch < last and not (learner.patience and standing.waited >= learner.patience):
            self.epoch()
            self.sizes[phase.frozen_blocks] = learner.activations.size
            if time.monotonic() - self.written > self.pause:
                self.save()
        standing.phase, standing.first_epoch, standing.first_step = number + 1, standing.epoch, standing.step
        standing.phase_loss, standing.waited, self.kept = math.inf, 0, math.inf
        checkpoint.save(checkpoint.state_path(self.folder), dataclasses.asdict(standing), [])

    def epoch(self) -> None:
        """Train and validate once; `standing` then tells of this epoch."""
        learner, standing, began = self.learner, self.standing, time.monotonic()
        count = self.learn()
        trained = time.monotonic()
        metrics = {name: total / standing.count for name, total in standing.sums.items()}
        metrics |= learner.validate(metrics)
        score = judged(metrics)
        _check_finite(score["loss"])
        best = standing.improves(metrics)
        standing.epoch += 1
        standing.batch, standing.sums, standing.count = 0, {}, 0
        standing.waited = 0 if score["loss"] < standing.phase_loss else standing.waited + 1
        standing.phase_loss = min(score["loss"], standing.phase_loss)
        if best:
            standing.best_epoch, standing.best_step, standing.best = standing.epoch, standing.step, score
            facts = {"lowest": standing.lowest, "epoch": standing.epoch, "step": standing.step, "base": learner.base}
            checkpoint.save(checkpoint.best_path(self.folder), facts, learner.weights(standing.lowest))
        self.emit(
            events.Epoch(
                phase=self.name,
                epoch=standing.epoch,
                step=standing.step,
                metrics=metrics,
                seconds=round(trained - began, 4),
                validation_seconds=round(time.monotonic() - trained, 4),
                rate=round(count / max(trained - began, 1e-6), 1),
                unit=learner.unit,
                best=best,
            )
        )
        learner.callback(best)

    def learn(self) -> int:
        """One pass over the training data, or what a checkpoint has left of it; how much that was."""
        standing, trained = self.standing, 0
        since, count, batches = {}, 0, 0  # what no Batch event has told yet
        for chunk in self.learner.chunks():
            if self.should_stop():
                raise Stopped
            learned = self.learner.step(chunk)
            _check_finite(learned.sums["loss"])
            standing.step += learned.batches
            standing.batch += learned.batches
            standing.count += learned.count
            trained, count, batches = trained + learned.count, count + learned.count, batches + learned.batches
            for name, value in learned.sums.items():
                standing.sums[name] = standing.sums.get(name, 0.0) + value
                since[name] = since.get(name, 0.0) + value
            if time.monotonic() - self.told >= BETWEEN_BATCHES:
                self.told = time.monotonic()
                means = {name: total / count for name, total in since.items()}
                epoch, step = standing.epoch + 1, standing.step
                self.emit(events.Batch(phase=self.name, epoch=epoch, step=step, metrics=means, batches=batches))
                since, count, batches = {}, 0, 0
        return trained

    def save(self) -> None:
        """Write a checkpoint; the longer that takes, the longer it is until the next one."""
        began = time.monotonic()
        checkpoint.save(checkpoint.state_path(self.folder), dataclasses.asdict(self.standing), self._state())
        self.kept, self.written = self.standing.step, time.monotonic()
        self.pause = _pause(self.written - began)

    def save_at_stop(self) -> None:
        """Write a checkpoint, unless there is nothing new or it would take too long."""
        if self.standing.step > self.kept and sum(4 * math.prod(each.shape) for each in self._state()) < QUICKLY:
            self.save()

    def _state(self) -> list[Variable]:
        return [*self.learner.variables(self.standing.lowest), *self.learner.optimizer.variables]


def _pause(writing: float = 0.0) -> float:
    """Seconds between checkpoints that take so long to write."""
    return BETWEEN_CHECKPOINTS * (1 + writing)


def _standing(saved: Saved | None) -> Standing | None:
    """Where the run stood when this was saved; None where that cannot be read."""
    if saved is None:
        return None
    facts = dict(saved.facts)
    if "best_loss" in facts:  # of the versions before metrics had names
        best = {"loss": facts.pop("best_loss"), "accuracy": facts.pop("best_accuracy", math.nan)}
        facts["best"] = best if facts.get("best_epoch") else {}
    with contextlib.suppress(TypeError):
        return Standing(**facts)
    return None


def _best(folder: Path) -> Saved:
    """The best weights so far."""
    found = checkpoint.load(checkpoint.best_path(folder))
    if found is None:
        raise UserError(
            message("The best weights of this run cannot be read."),
            message("The file is damaged. Train it again."),
        )
    return found


def _check_base(standing: Standing, base: str) -> None:
    """Refuse to go on above other pretrained weights than those with which the run began."""
    if standing.base and standing.base != base:
        raise UserError(
            message("The pretrained weights have changed since this run was trained."),
            message("Put the former weights file back, or train again."),
        )
    standing.base = base


def _check_finite(loss: float) -> None:
    if not math.isfinite(loss):
        raise UserError(
            message("Training has diverged: the loss is no longer a number."),
            message("Choose a smaller learning rate (a tenth of it is a good next try)."),
        )
