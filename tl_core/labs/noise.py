"""Is a difference more than seed noise? Intervals over seeds, and tests on the same examples.

Two trainings of the same kind differ by their seeds: first weights, order, split. So a difference counts only against
the spread over seeds (over five of them, say), or, where there is one seed, against the examples it was measured on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tl_core.base.messages import Message, message

LEVEL = 0.95  # of every interval
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that holds the true one with a confidence of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """Whether the second of two kinds is better or worse than the first, or whether that can't be told."""

    kind: Literal["better", "worse", "noise"]
    difference: Interval  # second less first
    count: int  # of seeds, or of examples
    method: Message  # its name within a sentence

    @property
    def message(self) -> Message:
        """A sentence with the numbers, in percentage points."""
        values = {
            "points": f"{abs(100 * self.difference.mean):.1f}",
            "low": f"{100 * self.difference.low:+.1f}",
            "high": f"{100 * self.difference.high:+.1f}",
            "method": self.method,
        }
        match self.kind:
            case "better":
                return message("Better by {points} points (95 % interval {low} to {high}; {method}).", **values)
            case "worse":
                return message("Worse by {points} points (95 % interval {low} to {high}; {method}).", **values)
            case _:
                return message(
                    "Within the noise: the difference of {points} points could be chance "
                    "(95 % interval {low} to {high}; {method}).",
                    **values,
                )


def interval(values: Sequence[float], resolution: float = 0.0) -> Interval | None:
    """The mean over seeds and its t-interval; None with fewer than two seeds, whose spread nobody knows.

    Student, The probable error of a mean, Biometrika 6, 1908.

    Args:
        values: one a seed, finite.
        resolution: the smallest difference that the measurement can show, 1 / examples for an accuracy. A standard
            deviation below it counts as it: three equal accuracies on 20 pictures do not have no spread.
    """
    n = len(values)
    if n < 2:
        return None
    mean = float(np.mean(values))
    half = quantile_t(0.5 + LEVEL / 2, n - 1) * max(float(np.std(values, ddof=1)), resolution) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def verdict(first: Sequence[float], second: Sequence[float], resolution: float) -> Verdict:
    """Compare two kinds of training over seeds by the paired t-interval of their differences.

    Args:
        first, second: accuracies (0 to 1), one a seed, the same seeds in the same order.
        resolution: as for `interval`: 1 / examples.

    Raises:
        ValueError: the seeds differ in number, or there are fewer than two.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} seeds cannot be paired with {len(second)}")
    difference = interval([b - a for a, b in zip(first, second, strict=True)], resolution)
    if difference is None:
        raise ValueError("one seed has no spread: compare the examples instead")
    method = message("paired t-test over {n} seeds", n=len(first))
    return Verdict(_kind(difference), difference, len(first), method)


def verdict_of_examples(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Verdict:
    """Compare two classifiers on the same examples: bootstrap and McNemar's test must agree that they differ.

    This knows nothing of other seeds; it says whether other examples could turn the verdict round.

    Args:
        first, second: bool [n], whether each of the same examples is classified correctly.
        seed: of the bootstrap.

    Raises:
        ValueError: the examples differ in number, or there are none.
    """
    difference = bootstrap(first, second, seed)
    kind = _kind(difference) if mcnemar(first, second) < 1 - LEVEL else "noise"
    method = message("paired bootstrap and McNemar's test on {n} examples", n=len(first))
    return Verdict(kind, difference, len(first), method)


def bootstrap(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Interval:
    """The difference of two accuracies on the same examples (second less first), with its paired percentile interval.

    Examples are drawn with replacement 10,000 times, each with both its results. An example says -1, 0 or 1, so what
    is drawn is how many say which. B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    Args:
        first, second: bool [n], whether each of the same examples is classified correctly.
        seed: of the draws, not negative.

    Raises:
        ValueError: the examples differ in number, or there are none.
    """
    won, lost, n = _discordant(first, second)
    drawn = np.random.default_rng(seed).multinomial(n, [won / n, lost / n, (n - won - lost) / n], size=RESAMPLES)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / n, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval((won - lost) / n, float(low), float(high))


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """The exact two-sided p-value that two classifiers err equally often, from examples on which only one errs.

    Q. McNemar, Psychometrika 12, 1947; the binomial distribution instead of chi squared.

    Args:
        first, second: bool [n], whether each of the same examples is classified correctly.

    Raises:
        ValueError: the examples differ in number, or there are none.
    """
    won, lost, _ = _discordant(first, second)
    n = won + lost
    ways = total = 1
    for k in range(min(won, lost)):
        ways = ways * (n - k) // (k + 1)
        total += ways
    return min(1.0, 2 * total / 2**n)


def quantile_t(share: float, freedom: int) -> float:
    """The quantile of Student's t distribution: 2.776 for a share of 0.975 and four degrees of freedom.

    Args:
        share: above 0.5, below 1.
        freedom: degrees of freedom, at least one.
    """
    low, high = 0.0, 1.0
    while _within_t(high, freedom) < 2 * share - 1:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within_t(middle, freedom) < 2 * share - 1 else (low, middle)
    return high


def _within_t(t: float, freedom: int) -> float:
    """How probable it is to lie between -t and t: M. Abramowitz and I. Stegun, 1964, formulas 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, even = math.cos(angle), freedom % 2 == 0
    term = total = 1.0 if even else cosine
    for k in range(2 if even else 3, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if even:
        return math.sin(angle) * total
    return 2 / math.pi * (angle + (math.sin(angle) * total if freedom > 1 else 0.0))


def _discordant(first: np.ndarray, second: np.ndarray) -> tuple[int, int, int]:
    """On how many examples only the second is right, only the first, and how many there are."""
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"{first.shape} and {second.shape} are not the same examples")
    return int((second & ~first).sum()), int((first & ~second).sum()), first.size


def _kind(difference: Interval) -> Literal["better", "worse", "noise"]:
    return "better" if difference.low > 0 else "worse" if difference.high < 0 else "noise"
