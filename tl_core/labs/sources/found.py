"""What was found of the sources, from the trials alone: gains, what harms, whether the ranking held, in sentences."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.events import Trial
from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.images.pretrained.backbones import backbone
from tl_core.labs import ranks
from tl_core.labs.noise import Verdict, verdict
from tl_core.labs.probes import Division
from tl_core.labs.sources import config as sources
from tl_core.labs.sources.config import SourcesConfig

RANKING, PROBE = "ranking", "probe"  # places of trials
SCORES = ("logme", "separation")
MINUS = "\N{MINUS SIGN}"
NAMES = {
    "imagenet": message("ImageNet"),
    "bundled": message("This project's own"),
    "patterns": message("Patterns only"),
}
SCORE_NAMES = {"logme": "LogME", "separation": message("class separation")}


@dataclass(frozen=True)
class Row:
    """One source.

    Attributes:
        source: its name among `config.SOURCES`.
        accuracies: validation accuracy by seed.
        random: that of the same network with random weights, by seed.
    """

    source: str
    accuracies: Mapping[int, float]
    random: Mapping[int, float]

    @property
    def mean(self) -> float:
        """Accuracy over the seeds."""
        return sum(self.accuracies.values()) / len(self.accuracies)

    @property
    def gains(self) -> dict[int, float]:
        """Accuracy more than with random weights, by seed; of the seeds that have both."""
        return {s: self.accuracies[s] - self.random[s] for s in sorted(self.accuracies.keys() & self.random.keys())}

    @property
    def gain(self) -> float | None:
        """Over the seeds; None before there is one."""
        gains = self.gains
        return sum(gains.values()) / len(gains) if gains else None

    def judged(self, pictures: int) -> Verdict | None:
        """Whether it is better or worse than random weights; None with fewer than two seeds."""
        seeds = list(self.gains)
        if len(seeds) < 2:
            return None
        return verdict([self.random[s] for s in seeds], [self.accuracies[s] for s in seeds], 1 / pictures)


def measured(trials: Iterable[Trial], place: str, metric: str) -> dict[str, dict[int, float]]:
    """By network and seed what was measured; of equal trials the later counts, what is no number is left out."""
    values: dict[str, dict[int, float]] = {}
    for trial in trials:
        value = trial.metrics.get(metric)
        if trial.place == place and value is not None and math.isfinite(value):
            values.setdefault(trial.arm, {})[trial.seed] = value
    return values


def rows(trials: Sequence[Trial]) -> list[Row]:
    """The sources that have a probe by now, in their order."""
    probed = measured(trials, PROBE, "val_accuracy")
    return [
        Row(source, probed[source], probed.get(sources.random(network.name), {}))
        for source, network in sources.SOURCES.items()
        if source in probed and all(0 <= value <= 1 for value in probed[source].values())
    ]


def best(found: Sequence[Row]) -> Row | None:
    """The source that gains most over random weights of its network; None before there is one."""
    return max((row for row in found if row.gains), key=lambda row: row.gain or 0.0, default=None)


def order(trials: Sequence[Trial], metric: str) -> list[tuple[str, float]]:
    """Networks, random ones too, and the mean of a score or of "val_accuracy" over their seeds; the highest first."""
    place = PROBE if metric == "val_accuracy" else RANKING
    means = {arm: sum(seeds.values()) / len(seeds) for arm, seeds in measured(trials, place, metric).items()}
    return sorted(((arm, mean) for arm, mean in means.items() if known(arm)), key=lambda each: -each[1])


def held(trials: Sequence[Trial], score: str) -> float | None:
    """Kendall's tau of a score with the accuracy measured, over all networks that have both; None for fewer than 3."""
    scored, reached = dict(order(trials, score)), dict(order(trials, "val_accuracy"))
    both = [arm for arm in scored if arm in reached]
    if len(both) < 3:
        return None
    return ranks.kendall(np.array([scored[arm] for arm in both]), np.array([reached[arm] for arm in both]))


def known(arm: str) -> bool:
    """Whether it is one of the networks that are compared."""
    return arm in sources.SOURCES or arm in {sources.random(name) for name, _ in sources.shapes()}


def called(arm: str) -> Message:
    """A network's name for a reader."""
    if arm in sources.SOURCES:
        return message("{source} ({network})", source=NAMES[arm], network=backbone(sources.SOURCES[arm].name).title)
    name = next(name for name, _ in sources.shapes() if sources.random(name) == arm)
    return message("Random weights ({network})", network=backbone(name).title)


def signed(share: float) -> str:
    """0.123 -> "+12.3": points more or less."""
    return f"{100 * share:+.1f}".replace("-", MINUS)


def sentences(trials: Sequence[Trial], divided: Division | None) -> list[Message]:
    """What was found here, in numbers: the best source and its gain, what harms, whether the rankings held."""
    found = rows(trials)
    top = best(found)
    if top is None or divided is None:
        return []
    told = [
        message(
            "{source} gains most here: {value} of {n} validation pictures right, {points} points against the same "
            "network with random weights (seeds: {seeds}).",
            source=called(top.source),
            value=percent(top.mean),
            n=f"{divided.validation:,}",
            points=signed(top.gain or 0.0),
            seeds=len(top.gains),
        )
    ]
    if judged := top.judged(divided.validation):
        told.append(judged.message)
    for row in found:
        judged = row.judged(divided.validation)
        if judged and judged.kind == "worse":
            told.append(
                message(
                    "{source} does harm: {points} points less than random weights, more than seed noise ({method}). "
                    "That is negative transfer.",
                    source=called(row.source),
                    points=f"{-100 * judged.difference.mean:.1f}",
                    method=judged.method,
                )
            )
        elif judged and judged.kind == "noise" and row is not top:
            told.append(
                message(
                    "{source} cannot be told from random weights: the difference of {points} points is within seed "
                    "noise ({method}).",
                    source=called(row.source),
                    points=signed(judged.difference.mean),
                    method=judged.method,
                )
            )
    for score in SCORES:
        tau, ranked, reached = held(trials, score), order(trials, score), order(trials, "val_accuracy")
        if tau is None:
            continue
        values = {
            "score": SCORE_NAMES[score],
            "first": called(ranked[0][0]),
            "tau": f"{tau:.2f}".replace("-", MINUS),
            "n": len(ranked),
        }
        if ranked[0][0] == reached[0][0]:
            told.append(
                message(
                    "Before anything was trained, {score} put {first} first, and it reaches most. Over {n} networks, "
                    "random ones too, the ranking agrees with what was measured by {tau} (Kendall's tau; 1: the same "
                    "order, 0: no connection).",
                    **values,
                )
            )
        else:
            told.append(
                message(
                    "Before anything was trained, {score} put {first} first, but {reached} reaches most. Over {n} "
                    "networks, random ones too, the ranking agrees with what was measured by {tau} (Kendall's tau; 1: "
                    "the same order, 0: no connection).",
                    reached=called(reached[0][0]),
                    **values,
                )
            )
    return told


def scored(config: SourcesConfig, trials: Sequence[Trial]) -> Message | None:
    """How good the guess was; None where none was made, or where it cannot be said yet."""
    found = rows(trials)
    top = best(found)
    if not config.guess or top is None:
        return None
    guess = list(sources.SOURCES)[config.guess - 1]
    guessed = next((row for row in found if row.source == guess), None)
    if guessed is None or guessed.gain is None:
        return None
    if guessed is top:
        return message("The guess was {source}: right.", source=called(guess))
    return message(
        "The guess was {source}: it gains {points} points less than the best.",
        source=called(guess),
        points=f"{100 * ((top.gain or 0.0) - guessed.gain):.1f}",
    )


def table(trials: Iterable[Trial]) -> str:
    """All trials as CSV, a line each."""
    names = ("logme", "separation", "val_accuracy", "accuracy", "l2")
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("network", "measured", "seed", *names))
    for trial in trials:
        if known(trial.arm) and trial.place in (RANKING, PROBE):
            lines.writerow((trial.arm, trial.place, trial.seed, *(trial.metrics.get(name, "") for name in names)))
    return text.getvalue()
