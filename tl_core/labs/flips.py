"""Which predictions turned round from one run to another, on what validated both, beside what another seed turns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.classification.report import Prediction, Report
from tl_core.labs.noise import verdict_of_examples


@dataclass(frozen=True)
class Turned:
    """Two runs on the examples that validated both. Of each example that flipped, what the second run says of it."""

    before: np.ndarray  # bool [n], whether the first run is right
    after: np.ndarray  # bool [n], whether the second one is
    mended: tuple[Prediction, ...]  # wrong before, right now; the surest first
    broken: tuple[Prediction, ...]  # right before, wrong now; the surest first
    otherwise: int  # wrong before and now, but not in the same way
    relabelled: int  # left out: their class has another name since
    total: int  # examples that validated the second run

    @property
    def flips(self) -> int:
        """How many predictions have changed."""
        return len(self.mended) + len(self.broken) + self.otherwise


def turned(first: Report, second: Report) -> Turned | None:
    """Compare two reports example by example; None where none validated both with the same label."""
    known = {item.key: item for item in first.predictions}
    pairs = [
        (known[item.key], item)
        for item in second.predictions
        if item.key in known and known[item.key].example == item.example
    ]
    same = [pair for pair in pairs if first.classes[pair[0].true] == second.classes[pair[1].true]]
    if not same:
        return None
    before = np.array([old.predicted == old.true for old, _ in same])
    after = np.array([new.predicted == new.true for _, new in same])
    surest = sorted(zip(before, after, same, strict=True), key=lambda each: -each[2][1].confidence)
    return Turned(
        before,
        after,
        tuple(new for was, now, (_, new) in surest if now and not was),
        tuple(new for was, now, (_, new) in surest if was and not now),
        sum(
            not was and not now and first.classes[old.predicted] != second.classes[new.predicted]
            for was, now, (old, new) in surest
        ),
        len(pairs) - len(same),
        len(second.predictions),
    )


def sentences(found: Turned, noise: Sequence[Turned]) -> list[Message]:
    """What turned round, whether the runs differ, and how that compares with seeds.

    Args:
        found: the two runs.
        noise: pairs of runs that differ in nothing but their seed.
    """
    judged = verdict_of_examples(found.before, found.after)
    told = [
        message(
            "{n} examples validated both runs ({total} this one). Predictions that have turned round: {flips}; wrong "
            "before and right now: {mended}; right before and wrong now: {broken}. {verdict}",
            n=f"{len(found.before):,}",
            total=f"{found.total:,}",
            flips=found.flips,
            mended=len(found.mended),
            broken=len(found.broken),
            verdict=judged.message,
        )
    ]
    if noise:
        flips = [100 * each.flips / len(each.before) for each in noise]
        told.append(
            message(
                "These are {flips} % of the predictions; another seed alone turns {noise} % round ({pairs} pairs of "
                "runs with the same settings, {low} % to {high} %).",
                flips=f"{100 * found.flips / len(found.before):.1f}",
                noise=f"{np.mean(flips):.1f}",
                pairs=len(flips),
                low=f"{min(flips):.1f}",
                high=f"{max(flips):.1f}",
            )
        )
    else:
        told.append(
            message(
                "How many another seed alone turns round is not known here: train the same settings again with another "
                "seed, and it will be said."
            )
        )
    if found.relabelled:
        told.append(message("{n} more have another label since and are left out.", n=found.relabelled))
    return told
