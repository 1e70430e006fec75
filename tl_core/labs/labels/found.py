"""What the search found and what cleaning was worth, from the log alone: curve, suspects, flips, sentences."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from tl_core.base import records
from tl_core.base.events import Artifact, Trial
from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.base.records import Count, Share
from tl_core.labs.labels.config import LabelsConfig
from tl_core.labs.noise import Verdict, verdict, verdict_of_examples

PARTS, SUSPECTS, PREDICTIONS = "parts", "suspects", "predictions"  # artifacts
LOOKED_AT = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)  # points of the curve
JUDGES = {"test": message("test"), "validation": message("validation")}
CLEANED = {
    "out": message("Suspects left out"),
    "relabel": message("Suspects given the probe's class"),
}


@dataclass(frozen=True)
class Suspect:
    """One doubtful label."""

    picture: str  # SHA-256 of its bytes
    key: str
    given: str  # the class that it was searched with
    likely: str  # of the others the most probable one
    confidence: Share  # out-of-fold probability of the given class
    other: Share  # that of the likely one
    planted: bool  # made wrong on purpose


@dataclass(frozen=True)
class Parts:
    """How the pictures are divided, and which ones judge: id, key and label of each."""

    searched: Count
    judge: Literal["test", "validation"]
    classes: tuple[str, ...]
    pictures: tuple[tuple[str, str, Count], ...]


@dataclass(frozen=True)
class Flip:
    """A picture that judges and of which cleaning changed predictions; the counts are numbers of seeds."""

    picture: str
    key: str
    label: str
    before: int  # right before cleaning
    after: int  # right after it
    flipped: int  # of which the prediction changed
    seeds: int


@dataclass(frozen=True)
class Flips:
    """How many predictions cleaning changes, beside how many another seed alone changes: shares of those that judge."""

    by_cleaning: tuple[float, ...]  # of each seed
    by_seed: tuple[float, ...]  # of each seed, against every other one, labels as given; empty with one seed
    pictures: tuple[Flip, ...]  # those that flip in most seeds first


_Classes = tuple[Annotated[int, records.Within(0, 2**31)], ...]


def count(share: float, total: int) -> int:
    """How many labels a share is: rounded up, one at least."""
    return max(1, math.ceil(share * total - 1e-9))


def shares(config: LabelsConfig) -> list[float]:
    """Where the curve is measured: how large a share of the labels is looked at."""
    return sorted({*LOOKED_AT, config.looked_at})


def place(share: float) -> str:
    """What a point of the curve is called in the log."""
    return f"{100 * share:g} %"


def curve(trials: Iterable[Trial]) -> dict[int, dict[float, float]]:
    """For each seed the share of the planted labels that is found, by the share of all labels that is looked at."""
    measured: dict[int, dict[float, float]] = {}
    for trial in trials:
        at, value = trial.metrics.get("looked_at"), trial.metrics.get("found")
        if trial.arm == "search" and at is not None and value is not None and 0 <= value <= 1 and 0 < at <= 1:
            measured.setdefault(trial.seed, {})[at] = value
    return measured


def caught(config: LabelsConfig, trials: Iterable[Trial]) -> list[float]:
    """The share of the planted labels among the suspects, by seed."""
    return [line[config.looked_at] for _, line in sorted(curve(trials).items()) if config.looked_at in line]


def accuracies(trials: Iterable[Trial], arm: str) -> dict[int, float]:
    """Accuracy of one head on the pictures that judge, by seed: "given", "cleaned" or "right"."""
    return {
        trial.seed: value
        for trial in trials
        if trial.arm == arm and (value := trial.metrics.get("val_accuracy")) is not None and 0 <= value <= 1
    }


def metrics(trials: Sequence[Trial]) -> dict[str, float]:
    """Of the heads on cleaned labels, for the end of the log; nothing before the first."""
    values = accuracies(trials, "cleaned").values()
    return {"val_accuracy": sum(values) / len(values)} if values else {}


def parts(artifacts: Iterable[Artifact]) -> Parts | None:
    """What the log says of them; None where it says nothing, or nothing that can be."""
    for made in artifacts:
        if made.name == PARTS:
            try:
                said = records.build(Parts, made.payload)
            except (ValueError, TypeError):
                return None
            whole = said.pictures and all(label < len(said.classes) for _, _, label in said.pictures)
            return said if whole else None
    return None


def suspects(artifacts: Iterable[Artifact]) -> list[Suspect]:
    """The most doubtful labels, the most doubtful first."""
    for made in artifacts:
        if made.name == SUSPECTS:
            try:
                return list(records.value(tuple[Suspect, ...], made.payload.get("rows")))
            except (ValueError, TypeError):
                return []
    return []


def flips(artifacts: Sequence[Artifact]) -> Flips | None:
    """Which predictions cleaning changed; None before the first seed is through."""
    divided, said = parts(artifacts), _predictions(artifacts)
    if divided is None or not said:
        return None
    n, seeds = len(divided.pictures), sorted(said)
    changed = {seed: [a != b for a, b in zip(*said[seed], strict=True)] for seed in seeds}
    by_seed = [
        sum(a != b for other in seeds if other != seed for a, b in zip(said[seed][0], said[other][0], strict=True))
        / (n * (len(seeds) - 1))
        for seed in seeds
        if len(seeds) > 1
    ]
    pictures = [
        Flip(
            id,
            key,
            divided.classes[label],
            sum(said[seed][0][at] == label for seed in seeds),
            sum(said[seed][1][at] == label for seed in seeds),
            flipped,
            len(seeds),
        )
        for at, (id, key, label) in enumerate(divided.pictures)
        if (flipped := sum(changed[seed][at] for seed in seeds))
    ]
    return Flips(
        tuple(sum(changed[seed]) / n for seed in seeds),
        tuple(by_seed),
        tuple(sorted(pictures, key=lambda flip: (-flip.flipped, flip.key))),
    )


def gain(trials: Sequence[Trial], artifacts: Sequence[Artifact]) -> Verdict | None:
    """Whether heads are better or worse with cleaned labels: over seeds, or with one seed over the pictures."""
    divided, said = parts(artifacts), _predictions(artifacts)
    given, cleaned = accuracies(trials, "given"), accuracies(trials, "cleaned")
    seeds = sorted(given.keys() & cleaned.keys())
    if divided is None or not seeds:
        return None
    if len(seeds) > 1:
        return verdict([given[s] for s in seeds], [cleaned[s] for s in seeds], 1 / len(divided.pictures))
    if seeds[0] not in said:
        return None
    labels = [label for _, _, label in divided.pictures]
    first, second = (np.array(each) == labels for each in said[seeds[0]])
    return verdict_of_examples(first, second)


def sentences(config: LabelsConfig, trials: Sequence[Trial], artifacts: Sequence[Artifact]) -> list[Message]:
    """What was found here, in numbers: how many planted labels, what cleaning is worth, which flips are noise."""
    divided, told = parts(artifacts), []
    if divided is None:
        return []
    if hits := caught(config, trials):
        told.append(
            message(
                "Among the {share} most doubtful labels lie {value} of those that were made wrong ({seeds}); looking "
                "at labels by chance would find {share}.",
                share=percent(config.looked_at, 0),
                value=percent(sum(hits) / len(hits)),
                seeds=_seeds(len(hits), hits),
            )
        )
    flagged = [trial.metrics["flagged"] for trial in trials if trial.arm == "given" and "flagged" in trial.metrics]
    if flagged and not config.planted:
        told.append(
            message(
                "Confident learning takes {flagged} of the {n} labels for wrong ({seeds}). They are suspects: look at "
                "them before you believe it.",
                flagged=f"{sum(flagged) / len(flagged):.0f}",
                n=f"{divided.searched:,}",
                seeds=_seeds(len(flagged)),
            )
        )
    if judged := gain(trials, artifacts):
        told.append(_worth(config, trials, divided, judged))
    if all_right := accuracies(trials, "right"):
        told.append(
            message(
                "With no label wrong it is {value}: more than that cleaning cannot give back.",
                value=percent(sum(all_right.values()) / len(all_right)),
            )
        )
    if (turned := flips(artifacts)) and turned.by_seed:
        told.append(_beside_noise(turned, len(divided.pictures)))
    return told


def scored(config: LabelsConfig, trials: Sequence[Trial]) -> Message | None:
    """How good the guess was; None where none was made, or where it cannot be said yet."""
    hits = caught(config, trials)
    if not config.guess or not hits:
        return None
    found = 100 * sum(hits) / len(hits)
    if abs(found - config.guess) < 5:
        return message("The guess was {guess} %: right, to five points.", guess=config.guess)
    text = (
        message(
            "The guess was {guess} %: {points} points too high.",
            guess=config.guess,
            points=f"{config.guess - found:.0f}",
        )
        if config.guess > found
        else message(
            "The guess was {guess} %: {points} points too low.",
            guess=config.guess,
            points=f"{found - config.guess:.0f}",
        )
    )
    return text


def table(trials: Iterable[Trial]) -> str:
    """All trials as CSV, a line each."""
    names = ("looked_at", "found", "val_accuracy", "learned_from", "flagged")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("measured", "seed", *names))
    for trial in trials:
        if trial.arm in ("search", "given", "cleaned", "right"):
            rows.writerow((trial.arm, trial.seed, *(trial.metrics.get(name) for name in names)))
    return text.getvalue()


def _predictions(artifacts: Sequence[Artifact]) -> dict[int, tuple[Sequence[int], Sequence[int]]]:
    """Classes predicted with labels as given and cleaned, by seed; what does not fit the pictures is left out."""
    divided, found = parts(artifacts), {}
    for made in artifacts:
        if made.name == PREDICTIONS and divided:
            try:
                pair = tuple(records.value(_Classes, made.payload.get(arm)) for arm in ("given", "cleaned"))
            except (ValueError, TypeError):
                continue
            if all(len(each) == len(divided.pictures) for each in pair):
                found[made.step] = pair
    return found


def _seeds(n: int, shares: Sequence[float] = ()) -> Message:
    """What a mean was taken over, within brackets."""
    if n == 1:
        return message("one seed")
    if not shares:
        return message("mean of {n} seeds", n=n)
    low, high = percent(min(shares), 0), percent(max(shares), 0)
    return message("mean of {n} seeds, from {low} to {high}", n=n, low=low, high=high)


def _worth(config: LabelsConfig, trials: Sequence[Trial], divided: Parts, judged: Verdict) -> Message:
    given, cleaned = (list(accuracies(trials, arm).values()) for arm in ("given", "cleaned"))
    return message(
        "{cleaned}, a head gets {after} of the {n} {part} pictures right, and {before} with the labels as they are "
        "given. {verdict}",
        cleaned=CLEANED[config.cleaning],
        after=percent(sum(cleaned) / len(cleaned)),
        before=percent(sum(given) / len(given)),
        n=f"{len(divided.pictures):,}",
        part=JUDGES[divided.judge],
        verdict=judged.message,
    )


def _beside_noise(turned: Flips, pictures: int) -> Message:
    """Whether cleaning turns more predictions round than another seed does, by the paired t-test over the seeds."""
    judged = verdict(turned.by_seed, turned.by_cleaning, 1 / pictures)
    values: Mapping[str, object] = {
        "flips": f"{pictures * sum(turned.by_cleaning) / len(turned.by_cleaning):.1f}",
        "noise": f"{pictures * sum(turned.by_seed) / len(turned.by_seed):.1f}",
        "n": f"{pictures:,}",
        "method": judged.method,
    }
    if judged.kind == "better":
        return message(
            "Cleaning turns {flips} of {n} predictions round, more than another seed alone, which turns {noise} "
            "({method}).",
            **values,
        )
    return message(
        "Cleaning turns {flips} of {n} predictions round; another seed alone turns {noise}: the flips are no more than "
        "seed noise ({method}).",
        **values,
    )
