"""What the learning curves of a language model say, and how they differ from others: perplexity, over the steps.

Perplexity is the exponential of the loss: as if the model chose among so many equally likely tokens each time. The
curves of validation begin with the base model, before the first step.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tl_core.base.events import Epoch
from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS as ROWS
from tl_core.base.metrics import value
from tl_core.charts import comparison, curves
from tl_core.charts.curves import NamedHistory
from tl_core.tasks.text_generation import progress

METRICS = ("loss", "perplexity")  # a chart each

BY_HEART = 0.7  # training perplexity below this part of the validation perplexity is called learning by heart
CLOSE = comparison.CLOSE  # perplexities that differ by less than this part are called about equal


def live(history: curves.Curves, translate: Callable[[str], str], total: int = 0) -> dict[str, dict[str, Any]]:
    """The two figures of one run, as `curves.live` has them; `total` steps while it trains."""
    return curves.live(history, METRICS, translate, total, "step", _before(history))


def several(
    runs: Sequence[NamedHistory],
    key: str,
    translate: Callable[[str], str],
    training: bool = True,
    legend: bool = False,
) -> dict[str, Any]:
    """One figure with several runs laid over each other, as `curves.several` has it."""
    begun = [replace(run, before=_before(run.history)) for run in runs]
    return curves.several(begun, key, translate, training, legend, across="step")


def description(history: curves.Curves, key: str) -> Message:
    """What a reader who cannot see the chart of one run needs to know of it."""
    return curves.description(history, key, "step")


def several_reading(runs: Sequence[NamedHistory]) -> Message:
    """One sentence under the curves of several runs."""
    return comparison.reading(runs, "perplexity")


def several_description(runs: Sequence[NamedHistory], key: str) -> Message:
    """What a reader who cannot see the chart of several runs needs to know of it."""
    return comparison.description(runs, key, "perplexity", "step")


def reading(history: curves.Curves) -> Message:
    """One sentence that says what the curves show."""
    epochs = [epoch for epoch in curves.last_of_each(history.epochs) if "loss" in epoch.metrics]
    if not epochs:
        return _before_the_first_round(history)
    last, before = epochs[-1], progress.base_perplexity(history)
    now, step = value(last.metrics, "val_perplexity"), last.step
    if curves.diverged(last):
        return message(
            "The loss is no longer a number after {step} steps: the learning rate is too high for these settings.",
            step=step,
        )
    if now is None:
        return message(
            "Training perplexity is {perplexity} after {step} steps; there is no validation text to compare with.",
            perplexity=_shown(value(last.metrics, "perplexity")),
            step=step,
        )
    if before is None:
        return message(
            "Validation perplexity is {now} after {step} steps; {meaning}",
            now=_shown(now),
            step=step,
            meaning=_meaning(epochs),
        )
    best = next((epoch for epoch in reversed(epochs) if epoch.best and "val_loss" in epoch.metrics), last)
    if best.step != step:
        return message(
            "Validation perplexity went from {before} to {low} in {best} steps, whose weights are kept, and to {now} "
            "in {step}; {meaning}",
            before=_shown(before),
            low=_shown(value(best.metrics, "val_perplexity")),
            best=best.step,
            now=_shown(now),
            step=step,
            meaning=_meaning(epochs),
        )
    return message(
        "Validation perplexity went from {before} to {now} in {step} steps; {meaning}",
        before=_shown(before),
        now=_shown(now),
        step=step,
        meaning=_meaning(epochs),
    )


def _before_the_first_round(history: curves.Curves) -> Message:
    batches = [batch for batch in curves.forward(history.batches(500)) if "loss" in batch.metrics]
    if not batches:
        return message("The curves begin with the first step.")
    return message(
        "Training perplexity is {perplexity} after {step} steps; validation follows at the end of the round.",
        perplexity=_shown(value(batches[-1].metrics, "perplexity")),
        step=batches[-1].step,
    )


def _meaning(epochs: Sequence[Epoch]) -> Message:
    """How training and validation perplexity of the last of the epochs, both known, stand to each other."""
    last = epochs[-1]
    best = curves.lowest(epochs)
    training, validation = (value(last.metrics, name) or math.nan for name in ("perplexity", "val_perplexity"))
    lowest = value(best.metrics, "val_perplexity") or math.nan
    if last.epoch - best.epoch >= curves.PATIENCE and validation > (1 + CLOSE) * lowest:
        return message(
            "it has risen since step {step}, training perplexity is {training}: the model learns the text by heart.",
            step=best.step,
            training=_shown(training),
        )
    if training < BY_HEART * validation:
        return message(
            "training perplexity is {training}, much lower: the model begins to learn the text by heart.",
            training=_shown(training),
        )
    return message(
        "training perplexity is {training}: what it learns carries over to text it has not seen.",
        training=_shown(training),
    )


def _before(history: curves.Curves) -> Mapping[str, float]:
    """What was measured before the first step."""
    base = progress.base_perplexity(history)
    return {} if base is None else {"val_perplexity": base, "val_loss": math.log(base)}


def _shown(perplexity: float | None) -> str:
    return ROWS["perplexity"].shown(perplexity)
