"""The mistake doctor: names what went wrong with a classifier from the curves of its training alone.

A few rules, each a function whose docstring states it, are asked in order; the first that applies names the fault.
Their limits were set on curves of real training: a head on frozen features of photographs, with and without faults.
They are signs, not proofs: what else could look like that, the sentences say.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.labs.curves import Curves, end

Fault = Literal["rate", "not_learning", "labels", "leak", "overfitting"]

FEWEST_EPOCHS = 5  # below, only a loss that is no number is told
TELLING = 0.1  # a share of right answers above chance that validation must be able to tell from it
KNOWN = 0.02  # of guessing's loss: below, training has nothing left to learn
HIGH_RATE = 0.01  # ten times the default of Adam


@dataclass(frozen=True)
class Finding:
    """A fault, and what to do about it."""

    fault: Fault
    epoch: int  # from 1: where it shows
    what: Message
    remedy: Message


def diagnose(curves: Curves, under_way: bool = False) -> Finding | None:
    """The fault that the curves show; None where they look sound, or are too short to tell.

    Args:
        under_way: training goes on; then only what later epochs cannot take back is told.
    """
    for rule in LASTING if under_way else RULES:
        if (len(curves.loss) >= FEWEST_EPOCHS or rule is not_finite) and (found := rule(curves)):
            return found
    return None


def not_finite(curves: Curves) -> Finding | None:
    """The learning rate is too high if a loss is no finite number."""
    for epoch, losses in enumerate(zip(curves.loss, curves.val_loss, strict=True), 1):
        if not all(map(math.isfinite, losses)):
            what = message(
                "From epoch {epoch} on the loss is no longer a number: the learning rate of {rate} is too high.",
                epoch=epoch,
                rate=f"{curves.rate:g}",
            )
            return Finding("rate", epoch, what, _lower_the_rate())
    return None


def jumping(curves: Curves) -> Finding | None:
    """The learning rate is too high if, after the first epoch, the training loss is twice above half of guessing's loss
    more than its lowest before: it jumps up again, where it should fall."""
    lowest = np.minimum.accumulate(curves.loss)
    up = np.flatnonzero(np.array(curves.loss[1:]) > lowest[:-1] + 0.5 * curves.guessing) + 2
    if len(up) < 2:
        return None
    what = message(
        "The training loss jumps up, in epoch {epoch} for the first time, instead of falling: the learning rate of "
        "{rate} is too high.",
        epoch=int(up[0]),
        rate=f"{curves.rate:g}",
    )
    return Finding("rate", int(up[0]), what, _lower_the_rate())


def thrown(curves: Curves) -> Finding | None:
    """The learning rate is too high if training stays at chance and the rate is above 0.01 or the first epoch's loss
    above one and a half times guessing's: the first steps threw the weights to where nothing changes any more."""
    if not curves.at_chance or (curves.rate < HIGH_RATE and curves.loss[0] < 1.5 * curves.guessing):
        return None
    what = message(
        "Training stays at chance, {accuracy} %, after a loss of {loss} in the first epoch, where guessing has "
        "{guessing}: the learning rate of {rate} is too high.",
        accuracy=_percent(end(curves.accuracy)),
        loss=f"{curves.loss[0]:.2f}",
        guessing=f"{curves.guessing:.2f}",
        rate=f"{curves.rate:g}",
    )
    return Finding("rate", 1, what, _lower_the_rate())


def restless(curves: Curves) -> Finding | None:
    """The learning rate is too high if it is above 0.01, the training loss rises in three of ten epochs and ends
    above half of guessing's, or that of validation above guessing's: it goes to and fro instead of down."""
    ups = float(np.mean(np.diff(curves.loss[1:]) > 0))
    high = end(curves.loss) > 0.5 * curves.guessing or end(curves.val_loss) > curves.guessing
    if curves.rate < HIGH_RATE or ups < 0.3 or not high:
        return None
    what = message(
        "The training loss goes to and fro and ends at {loss}, that of validation at {validation}, where guessing has "
        "{guessing}: the learning rate of {rate} is too high.",
        loss=f"{end(curves.loss):.2f}",
        validation=f"{end(curves.val_loss):.2f}",
        guessing=f"{curves.guessing:.2f}",
        rate=f"{curves.rate:g}",
    )
    return Finding("rate", len(curves.loss), what, _lower_the_rate())


def not_learning(curves: Curves) -> Finding | None:
    """Nothing is learned if training stays at chance, with a loss of at least 0.95 times guessing's, and nothing speaks
    for a learning rate that is too high."""
    if not curves.at_chance:
        return None
    what = message(
        "Nothing is learned: training stays at chance, {accuracy} %, and its loss at that of guessing.",
        accuracy=_percent(end(curves.accuracy)),
    )
    remedy = message(
        "Raise the learning rate of {rate}, and look whether anything is left to train: is everything frozen?",
        rate=f"{curves.rate:g}",
    )
    return Finding("not_learning", len(curves.loss), what, remedy)


def at_chance_on_validation(curves: Curves) -> Finding | None:
    """Labels do not belong to the examples if training learns (its loss falls below 0.8 times guessing's) and
    validation never does: over all epochs its mean accuracy is within two standard deviations of chance. With so few
    examples that these are more than 0.1, nothing follows: a hard task looks the same."""
    learns = end(curves.loss) < 0.8 * curves.guessing and end(curves.accuracy) > curves.chance + 0.15
    few = curves.beyond_chance > curves.chance + TELLING
    if not learns or few or np.mean(curves.val_accuracy) > curves.beyond_chance:
        return None
    what = message(
        "Training learns, {accuracy} %, but validation stays at chance, {validation} %: the labels do not belong to "
        "the examples, or there are far too few of them to show anything general.",
        accuracy=_percent(end(curves.accuracy)),
        validation=_percent(float(np.mean(curves.val_accuracy))),
    )
    remedy = message("Look at some examples with their labels. If those are right, use more examples, or freeze more.")
    return Finding("labels", len(curves.loss), what, remedy)


def too_good(curves: Curves) -> Finding | None:
    """There is a leak if training has learned its examples by heart (a loss below 0.3 times guessing's),
    validation is no worse (its loss is no higher), and was not as good early on: its accuracy rose by 0.1 after the
    first eighth of the epochs.

    An easy task is easy from the first epochs; learning by heart takes many, and does not help with what is new.
    """
    early = float(np.median(curves.val_accuracy[: max(2, len(curves.loss) // 8)]))
    known = end(curves.loss) < 0.3 * curves.guessing
    if not known or end(curves.val_loss) > end(curves.loss) or end(curves.val_accuracy) < early + 0.1:
        return None
    what = message(
        "Validation does as well as training, {validation} % and {accuracy} %, on examples that training has learned "
        "by heart: the same examples are probably in both parts, or the task is very easy.",
        validation=_percent(end(curves.val_accuracy)),
        accuracy=_percent(end(curves.accuracy)),
    )
    remedy = message("Look for copies of the same example in both parts, and split again.")
    return Finding("leak", len(curves.loss), what, remedy)


def by_heart(curves: Curves) -> Finding | None:
    """There is overfitting if the validation loss ends a fifth above its lowest, and by at least a tenth of
    guessing's loss, while that of training fell to less than half of what it was then, and below a fiftieth of
    guessing's: every example is known. A validation loss that rises alone is no fault: in short, sound training of a
    head on few pictures it often does, and the best weights are kept."""
    best = int(np.argmin(curves.val_loss))
    low, high = curves.val_loss[best], end(curves.val_loss)
    risen = high > 1.2 * low and high - low > 0.1 * curves.guessing
    if not risen or end(curves.loss) > min(0.5 * curves.loss[best], KNOWN * curves.guessing):
        return None
    what = message(
        "Since epoch {epoch} the validation loss has risen from {low} to {high}, while that of training fell: the "
        "network learns its examples by heart (overfitting).",
        epoch=best + 1,
        low=f"{low:.2f}",
        high=f"{high:.2f}",
    )
    remedy = message(
        "Stop at epoch {epoch}, or use more examples, augmentation, dropout or more frozen blocks.", epoch=best + 1
    )
    return Finding("overfitting", best + 1, what, remedy)


RULES: tuple[Callable[[Curves], Finding | None], ...] = (
    not_finite,
    jumping,
    thrown,
    restless,
    not_learning,
    at_chance_on_validation,
    too_good,
    by_heart,
)
LASTING = (not_finite, jumping)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _lower_the_rate() -> Message:
    return message("Train with a tenth of the learning rate, or less.")
