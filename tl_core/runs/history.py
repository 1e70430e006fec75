"""What the pages show of a run: its event log, read on from where the last look ended, in bounded memory."""

import time
from collections import deque
from pathlib import Path

from tl_core.base import events, records
from tl_core.base.errors import UserError
from tl_core.runs import tail
from tl_core.tasks import registry

KEPT = 4096  # batches kept; beyond that, neighbours are averaged pair by pair
SILENCE = 60.0  # seconds of work counted at most behind the last event of a worker that was found dead later
TRAINING = ("head", "fine-tuning", "from scratch")


class History:
    """One run's log, reduced to what curves and figures need. Call `update()` before each look.

    Args:
        log: where the events are read; None where the caller hands them over with `take` (a replay).
        total: epochs that the whole run asks for; None has them read from the config beside the log.

    Attributes:
        epochs: Epoch events in order; after a resume those that are trained again are dropped.
        phases: Phase events in order, likewise.
        notices: Notice events.
        artifacts: Artifact events by step, one of each name and step: what the run made on its way; likewise.
        trials: Trial events in order; an attempt after a stop makes them anew.
        told: the Queued event that said what the run would cost, or None.
        started: the latest Started event, or None.
        progress: the latest Progress event of the present phase, or None.
        error: the Failed event if the run has failed, else None.
        outcome: the Finished or Stopped event if there is one, else None.
        damaged: lines of the log that are no event and were left out.
    """

    def __init__(self, log: Path | None, total: int | None = None):
        self.log = log
        self.error: events.Failed | None = None
        self._total: int | None = None
        self._asked = total
        self._offset = 0
        self._identity: tuple[int, int] | None = None
        self._forget()

    def update(self) -> "History":
        """Read what is new; a log that was replaced is read from its beginning."""
        self.refresh()
        return self

    def refresh(self) -> bool:
        """As `update`; whether there was anything new."""
        if self.log is None:
            return False
        try:
            stat = self.log.stat()
            replaced = self._identity not in (None, (stat.st_dev, stat.st_ino)) or stat.st_size < self._offset
            if stat.st_size == self._offset and not replaced:
                return False
            if replaced:
                self._offset = 0
                self._forget()
            self._identity = (stat.st_dev, stat.st_ino)
            new, self._offset = events.lines(self.log, self._offset)
        except FileNotFoundError:
            return False
        except OSError as error:
            self.error = tail.unreadable(error)
            return True
        for line in new:
            if event := events.parse(line):
                self.take(event)
            elif line.strip():
                self.damaged += 1
        return bool(new) or replaced

    @property
    def active(self) -> bool:
        """Whether the log says that the run waits or works."""
        return self.outcome is None and self.error is None

    @property
    def elapsed(self) -> float | None:
        """Seconds of work so far, all attempts together, without waiting in the queue; None before the first."""
        if self.started is None:
            return None
        return self._worked + (0.0 if self._ended else max(0.0, time.time() - self._last))

    @property
    def remaining(self) -> float | None:
        """Seconds of training left, estimated from the last epochs (or, before them, from the present progress)."""
        if not self.active or self.started is None or self._waiting:
            return None
        left = max(0, self.total_epochs - (self.epochs[-1].epoch if self.epochs else 0))
        phase = self.phases[-1] if self.phases else None
        recent = [epoch for epoch in self.epochs if phase and epoch.phase == phase.phase][-5:]
        if recent:
            pace = sum(epoch.seconds + epoch.validation_seconds for epoch in recent) / len(recent)
            return max(0.0, left * pace - max(0.0, time.time() - recent[-1].t))
        if self.progress and self.progress.rate and phase and phase.phase not in TRAINING:
            return max(0.0, (self.progress.total - self.progress.done) / self.progress.rate)
        return None

    @property
    def rate(self) -> float | None:
        """Units per second of the latest epoch, or of the pass through the frozen blocks while that is going on."""
        phase = self.phases[-1].phase if self.phases else ""
        if phase == "features" and self.progress and self.progress.rate:
            return self.progress.rate
        return self.epochs[-1].rate if self.epochs else None

    @property
    def mean_rate(self) -> float | None:
        """Units per second of training, all epochs together; None before the first has ended."""
        seconds = sum(epoch.seconds for epoch in self.epochs)
        trained = sum(epoch.rate * epoch.seconds for epoch in self.epochs)
        return trained / seconds if seconds > 0 and trained > 0 else None

    @property
    def unit(self) -> str:
        """What the rates count: "images", "tokens", "texts"; "" where the log does not say."""
        return self.epochs[-1].unit if self.epochs else ""

    @property
    def total_epochs(self) -> int:
        """Epochs that the whole run asks for."""
        if self._total is None and self.log is not None:
            try:
                self._total = registry.config(records.load(self.log.parent / "config.json")).epochs
            except (OSError, ValueError, UserError):
                return sum(phase.total for phase in self.phases if phase.unit == "epochs")
        return self._total or 0

    @property
    def precision(self) -> str:
        """The dtype policy that it computes in; "" until a phase says it."""
        said = [phase.precision for phase in self.phases if phase.precision]
        return said[-1] if said else self.started.precision if self.started else ""

    @property
    def best(self) -> events.Epoch | None:
        """The epoch whose weights are kept: the last one marked best."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    def batches(self, max_points: int = 500) -> list[events.Batch]:
        """At most `max_points` batches; neighbours are averaged where there are more."""
        batches = list(self._batches)
        while len(batches) > max_points:
            batches = halved(batches)
        return batches

    def _forget(self) -> None:
        self.epochs: list[events.Epoch] = []
        self.phases: list[events.Phase] = []
        self.notices: list[events.Notice] = []
        self.artifacts: list[events.Artifact] = []
        self.trials: list[events.Trial] = []
        self.told: events.Queued | None = None
        self.started: events.Started | None = None
        self.progress: events.Progress | None = None
        self.error = None
        self.outcome: events.Finished | events.Stopped | None = None
        self.damaged = 0
        self._batches: deque[events.Batch] = deque()
        self._worked = 0.0  # seconds up to the latest event, all attempts together
        self._ended = True  # nobody works on it
        self._last = 0.0  # time of the latest event
        self._waiting = False  # in the queue
        self._total = self._asked

    def take(self, event: events.Event) -> None:
        """Let one event take effect; they come in the order of the log.

        Time is added up from event to event: where the computer's clock was set back in between, that step counts
        nothing.
        """
        since = max(0.0, event.t - self._last)
        if not self._ended and not isinstance(event, (events.Queued, events.Started)):
            self._worked += min(since, SILENCE) if isinstance(event, events.Failed) else since
        match event:
            case events.Queued():
                self.error = self.outcome = None
                self._waiting = self._ended = True
                self.told = event if event.seconds is not None else self.told
            case events.Started():
                if self.started is not None:
                    self._rewind(event.resumed_from, event.resumed_step)
                self.started, self._ended = event, False
                self.error = self.outcome = self.progress = None
                self._waiting = False
            case events.Phase():
                if event.phase in TRAINING:  # a resume begins its phase again
                    self.phases = [phase for phase in self.phases if not _same(phase, event)]
                self.phases.append(event)
                self.progress = None
            case events.Progress():
                self.progress = event
            case events.Batch():
                self._batches.append(event)
                if len(self._batches) > KEPT:
                    self._batches = deque(halved(list(self._batches)))
            case events.Epoch():
                self.epochs.append(event)
            case events.Artifact():
                others = (made for made in self.artifacts if (made.name, made.step) != (event.name, event.step))
                self.artifacts = sorted([*others, event], key=lambda made: made.step)
            case events.Trial():
                self.trials.append(event)
            case events.Notice():
                self.notices.append(event)
            case events.Failed():
                self.error, self._ended = event, True
            case events.Finished() | events.Stopped():
                self.outcome, self._ended = event, True
        self._last = event.t

    def _rewind(self, epochs: int, step: int) -> None:
        """A resumed run goes on behind `epochs`, or `step` within the next: what came after them is trained again."""
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch <= epochs]
        step = max(step, self.epochs[-1].step if self.epochs else 0)
        self._batches = deque(batch for batch in self._batches if batch.step <= step)
        self.artifacts = [made for made in self.artifacts if made.step <= step and step]
        self.phases = [phase for phase in self.phases if phase.unit == "epochs" and phase.first_epoch < max(epochs, 1)]
        self.notices, self.trials = [], []


def _same(phase: events.Phase, other: events.Phase) -> bool:
    return (phase.phase, phase.first_epoch) == (other.phase, other.first_epoch)


def halved(batches: list[events.Batch]) -> list[events.Batch]:
    """Average neighbours two by two, weighted by how many batches each stands for; never across phases."""
    merged: list[events.Batch] = []
    index = 0
    while index < len(batches):
        first = batches[index]
        second = batches[index + 1] if index + 1 < len(batches) else None
        if second is None or (first.phase, first.epoch) != (second.phase, second.epoch):
            merged.append(first)
            index += 1
            continue
        count = first.batches + second.batches
        merged.append(
            events.Batch(
                t=second.t,
                phase=second.phase,
                epoch=second.epoch,
                step=second.step,
                metrics={
                    name: (first.metrics[name] * first.batches + second.metrics[name] * second.batches) / count
                    for name in first.metrics
                    if name in second.metrics
                },
                batches=count,
            )
        )
        index += 2
    return merged if len(merged) < len(batches) else batches[::2]
