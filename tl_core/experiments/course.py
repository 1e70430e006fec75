"""What one run of an experiment did so far, as the labs compare it; pure."""

import math
from dataclasses import dataclass
from typing import Any

from tl_core.base.metrics import VALIDATION, Metric, value


@dataclass(frozen=True)
class Course:
    """One member of a group of runs.

    Attributes:
        arm: what of an experiment it is: the name of a way, say.
        seed: of the training.
        size: training examples of each class; 0 is all.
        history: as `tl_core.runs.history.History` has it.
        done: whether it has finished; one that was stopped or failed is not compared.
    """

    arm: str
    seed: int
    size: int
    history: Any
    done: bool

    def kept(self, key: str) -> float | None:
        """A metric of the epoch whose weights are kept, on the validation part; None where it was not measured."""
        return self.beside(VALIDATION + key)

    def beside(self, name: str) -> float | None:
        """Any metric of that epoch, or measured of its weights at the end, by its whole name."""
        best, outcome = self.history.best, self.history.outcome
        found = value(best.metrics, name) if best else None
        return value(outcome.metrics, name) if found is None and outcome else found

    @property
    def seconds(self) -> float | None:
        """Of work, without waiting in the queue."""
        return self.history.elapsed

    @property
    def trainable(self) -> int | None:
        """Parameters that are trained in its largest phase."""
        return max((phase.trainable for phase in self.history.phases if phase.trainable is not None), default=None)

    @property
    def examples(self) -> int:
        """Validation examples, once the run has looked at them for its report; 0 before."""
        return max((phase.total for phase in self.history.phases if phase.phase == "evaluation"), default=0)


def judged(metric: Metric, measured: float) -> float:
    """A value by which two ways may be compared: more is better, and equal differences mean the same.

    A share stays as it is. What is e to something, as perplexity is, counts by its logarithm.
    """
    sign = 1.0 if metric.better == "higher" else -1.0
    return sign * (math.log(max(measured, 1e-300)) if metric.scale == "log" else measured)


def amount(metric: Metric, difference: float) -> float:
    """A difference of judged values as people say it: percentage points of a share, per cent less of a perplexity."""
    return 100.0 * (1.0 - math.exp(-difference)) if metric.scale == "log" else 100.0 * difference


def level(metric: Metric, against: float, gain: float) -> float:
    """The value that lies `gain` (as from `amount`) on the better side of `against`."""
    if metric.scale == "log":
        return against * (1.0 - gain / 100.0)
    return against + (gain if metric.better == "higher" else -gain) / 100.0
