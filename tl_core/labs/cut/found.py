"""What the probes found, from their trials alone: curves, the best place, where one may cut, sentences with numbers.

Whether they looked at pictures or at texts makes no difference here.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tl_core.base.events import Trial
from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.labs.noise import Verdict, verdict
from tl_core.labs.probes import Division

ARMS = ("pretrained", "random")


class Probed(Protocol):
    """What is asked of an experiment."""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the blocks, in their order."""

    @property
    def guess(self) -> int:
        """Behind which block its owner expects the best probe, from 1; 0: no guess."""


@dataclass(frozen=True)
class Point:
    """The probes behind one block.

    Attributes:
        place: the block's name.
        frozen: how many blocks lie before the probe: the freeze boundary.
        accuracies: validation accuracy by seed.
    """

    place: str
    frozen: int
    accuracies: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return sum(self.accuracies.values()) / len(self.accuracies)


def curve(config: Probed, trials: Iterable[Trial], arm: str) -> list[Point]:
    """The points of one network that are there by now, in the order of the blocks. Of equal trials the later counts."""
    measured: dict[str, dict[int, float]] = {}
    for trial in trials:
        accuracy = trial.metrics.get("val_accuracy")
        if trial.arm == arm and accuracy is not None and 0 <= accuracy <= 1:
            measured.setdefault(trial.place, {})[trial.seed] = accuracy
    return [Point(place, number, measured[place]) for number, place in enumerate(config.places, 1) if place in measured]


def best(points: Sequence[Point]) -> Point | None:
    """The highest point; of equal ones the earliest, which leaves most to be adapted. None where there is none."""
    return max(points, key=lambda point: point.mean, default=None)


def against(first: Point, second: Point, examples: int) -> Verdict | None:
    """Whether the second is better or worse than the first, over the seeds that both have; None for fewer than two."""
    seeds = sorted(first.accuracies.keys() & second.accuracies.keys())
    if len(seeds) < 2:
        return None
    return verdict([first.accuracies[s] for s in seeds], [second.accuracies[s] for s in seeds], 1 / examples)


def earliest(points: Sequence[Point], examples: int) -> Point | None:
    """The first block whose probe cannot be told from the best one by the paired t-test; None with one seed."""
    top = best(points)
    for point in points:
        if point is top:
            return point
        judged = against(top, point, examples) if top else None
        if judged is None:
            return None
        if judged.kind == "noise":
            return point
    return None


def metrics(config: Probed, trials: Iterable[Trial]) -> dict[str, float]:
    """Of the best probe of the pretrained network, by name; nothing before the first."""
    top = best(curve(config, trials, "pretrained"))
    return {"val_accuracy": top.mean} if top else {}


def sentences(config: Probed, trials: Sequence[Trial], divided: Division | None) -> list[Message]:
    """What was found here, in numbers: where the probe is best, where one may cut, what random weights are worth."""
    points = curve(config, trials, "pretrained")
    top = best(points)
    if top is None or divided is None:
        return []
    told = [
        message(
            "The probe is best behind {place}: it gets {value} of the validation examples right (mean of {seeds} "
            "seeds); always saying the most frequent class gets {chance}.",
            place=top.place,
            value=percent(top.mean),
            seeds=len(top.accuracies),
            chance=percent(divided.chance),
        )
    ]
    first = earliest(points, divided.validation)
    if first and first is not top:
        told.append(
            message(
                "Already behind {place} it reaches {value}, which {seeds} seeds cannot tell from the best: everything "
                "after {place} may be left free to adapt.",
                place=first.place,
                value=percent(first.mean),
                seeds=len(first.accuracies),
            )
        )
    last = points[-1]
    judged = against(top, last, divided.validation) if last is not top else None
    if judged and judged.kind == "worse" and last.frozen == len(config.places):
        told.append(
            message(
                "Behind the last block it is worse by {points} points, more than seed noise: the last blocks are made "
                "for the source task.",
                points=f"{-100 * judged.difference.mean:.1f}",
            )
        )
    other = best(curve(config, trials, "random"))
    worth = against(other, top, divided.validation) if other else None
    if other and worth and worth.kind == "noise":
        told.append(
            message(
                "With random weights the best probe stands behind {place} and reaches {value}, which {seeds} seeds "
                "cannot tell from the pretrained best.",
                place=other.place,
                value=percent(other.mean),
                seeds=worth.count,
            )
        )
    elif other:
        told.append(
            message(
                "With random weights the best probe stands behind {place} and reaches {value}: what the network "
                "learned before is worth {points} points here.",
                place=other.place,
                value=percent(other.mean),
                points=f"{100 * (top.mean - other.mean):.1f}",
            )
        )
    return told


def scored(config: Probed, trials: Sequence[Trial]) -> Message | None:
    """How good the guess was; None where none was made, or where it cannot be said yet."""
    points = curve(config, trials, "pretrained")
    top, guessed = best(points), next((point for point in points if point.frozen == config.guess), None)
    if not config.guess or top is None or guessed is None:
        return None
    if guessed is top:
        return message("The guess was {place}: right.", place=guessed.place)
    return message(
        "The guess was {place}: {points} points below the best.",
        place=guessed.place,
        points=f"{100 * (top.mean - guessed.mean):.1f}",
    )


def table(config: Probed, trials: Iterable[Trial]) -> str:
    """All trials as CSV, a line each."""
    frozen = {place: number for number, place in enumerate(config.places, 1)}
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("network", "block", "frozen_blocks", "seed", "val_accuracy", "accuracy", "l2"))
    for trial in trials:
        if trial.arm in ARMS and trial.place in frozen:
            said = [trial.metrics.get(name) for name in ("val_accuracy", "accuracy", "l2")]
            rows.writerow((trial.arm, trial.place, frozen[trial.place], trial.seed, *said))
    return text.getvalue()
