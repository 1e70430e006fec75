"""How many examples is pretraining worth? From two learning curves: frozen features and from scratch.

With n examples a class frozen features reach an accuracy; from scratch needs m examples a class for it. Pretraining is
then worth m - n examples a class. The curve from scratch is the mean over seeds, made to rise (isotonic regression) and
read off linearly in the logarithm of the examples.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.labs import noise

RESAMPLES = 400
Curve = Mapping[int, Sequence[float]]  # examples a class -> accuracy (0 to 1) of each seed, the same seeds everywhere


@dataclass(frozen=True)
class Worth:
    """What pretraining is worth with so many examples a class.

    `kind` is "about" (m lies within what was measured), "more" (from scratch does not get there), "noise" (the two
    cannot be told apart) or "harm" (from scratch is better: negative transfer).
    """

    kind: Literal["about", "more", "noise", "harm"]
    examples: int  # n, a class
    frozen: float  # mean accuracy with n
    scratch: float
    largest: int  # examples a class with which training from scratch was measured
    needed: float | None = None  # m, where it lies within what was measured
    low: float | None = None  # of m, with a confidence of 95 %
    high: float | None = None  # None: beyond the largest measured

    @property
    def worth(self) -> int | None:
        """Examples a class: m - n, or the least that it can be; None where it can't be said."""
        if self.kind == "about" and self.needed is not None:
            return round(self.needed) - self.examples
        return self.largest - self.examples if self.kind == "more" else None

    @property
    def message(self) -> Message:
        """The headline, a sentence or two."""
        values = {
            "n": self.examples,
            "frozen": f"{100 * self.frozen:.1f}",
            "scratch": f"{100 * self.scratch:.1f}",
            "worth": self.worth,
        }
        match self.kind:
            case "about":
                return message(
                    "Here pretraining is worth about {worth} examples a class: with {n} frozen features reach "
                    "{frozen} %, for which training from scratch needs {needed} (95 % interval {low} to {high}).",
                    **values,
                    needed=round(self.needed or 0),
                    low=round(self.low or 0),
                    high=message("more than {n}", n=self.largest) if self.high is None else round(self.high),
                )
            case "more":
                return message(
                    "Here pretraining is worth more than {worth} examples a class: with {n} frozen features reach "
                    "{frozen} %, which training from scratch does not reach with {largest}, the most measured.",
                    **values,
                    largest=self.largest,
                )
            case "harm":
                return message(
                    "Here pretraining is worth nothing: with {n} examples a class training from scratch reaches "
                    "{scratch} %, frozen features {frozen} %. That is negative transfer.",
                    **values,
                )
            case _:
                return message(
                    "What pretraining is worth can't be said: with {n} examples a class frozen features reach "
                    "{frozen} % and training from scratch {scratch} %, and seeds differ by as much.",
                    **values,
                )


def headline(frozen: Curve, scratch: Curve, resolution: float) -> Worth:
    """What to say of both curves in one sentence.

    Where m lies within what was measured, the answer for the most examples; else the greatest lower bound, which is
    that for the fewest examples; else why it can't be said, for the most examples that both were measured with.

    Args:
        frozen, scratch: the curves; at least two numbers of examples and two seeds.
        resolution: 1 / examples that the accuracy was measured on.

    Raises:
        ValueError: the curves have no number of examples in common, or too few seeds.
    """
    found = [worth(frozen, scratch, n, resolution) for n in sorted(frozen.keys() & scratch.keys())]
    if not found:
        raise ValueError("the curves have no number of examples in common")
    about = [one for one in found if one.kind == "about"]
    more = [one for one in found if one.kind == "more" and one.worth]
    return about[-1] if about else more[0] if more else found[-1]


def worth(frozen: Curve, scratch: Curve, examples: int, resolution: float, seed: int = 0) -> Worth:
    """What pretraining is worth with so many examples a class.

    Whether the two differ there is the paired t-test's (`tl_core.labs.noise`); the interval of m is the percentile
    bootstrap over seeds.

    Args:
        frozen, scratch: the curves; the same seeds, at least two.
        examples: a class; both curves were measured with it.
        resolution: 1 / examples that the accuracy was measured on.
        seed: of the bootstrap.

    Raises:
        ValueError: too few seeds, or they differ in number.
    """
    compared = noise.verdict(scratch[examples], frozen[examples], resolution)
    reached, from_scratch = float(np.mean(frozen[examples])), float(np.mean(scratch[examples]))
    largest = max(scratch)

    def said(kind: Literal["about", "more", "noise", "harm"], *needed: float | None) -> Worth:
        return Worth(kind, examples, reached, from_scratch, largest, *needed)

    if compared.kind != "better":
        return said("harm" if compared.kind == "worse" else "noise")
    budgets = sorted(scratch)
    measured = np.array([scratch[budget] for budget in budgets])  # [budgets, seeds]
    needed = reaching(budgets, measured.mean(1), reached)
    if needed <= examples:  # the curve from scratch is too uneven to be read
        return said("noise")
    if math.isinf(needed):
        return said("more")
    draw = np.random.default_rng(seed)
    seeds = measured.shape[1]
    drawn = []
    for own in draw.integers(0, seeds, size=(RESAMPLES, seeds)):
        goal = float(np.mean([frozen[examples][index] for index in own]))
        drawn.append(reaching(budgets, measured[:, own].mean(1), goal))
    low, high = np.quantile(drawn, [(1 - noise.LEVEL) / 2, (1 + noise.LEVEL) / 2], method="nearest")
    return said("about", needed, float(low), float(high) if math.isfinite(high) else None)


def reaching(budgets: Sequence[int], accuracies: np.ndarray, goal: float) -> float:
    """How many examples a class first reach the goal; the smallest budget if that does, infinity if none does.

    Args:
        budgets: rising, positive.
        accuracies: [budgets].
        goal: an accuracy.
    """
    risen = isotonic(accuracies)
    place = int(np.searchsorted(risen, goal))
    if place == len(risen):
        return math.inf
    if place == 0:
        return float(budgets[0])
    share = (goal - risen[place - 1]) / (risen[place] - risen[place - 1])
    return float(budgets[place - 1] * (budgets[place] / budgets[place - 1]) ** share)


def isotonic(values: np.ndarray) -> np.ndarray:
    """The rising sequence nearest to the values in squares: neighbours that fall are pooled.

    M. Ayer and others, Annals of Mathematical Statistics 26, 1955.
    """
    pools: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        pools.append((mean, count))
    return np.repeat([mean for mean, _ in pools], [count for _, count in pools])
