"""What is measured of a model, a row a metric: its words, its unit, which way is better and how it is drawn and told.

Events hold metrics by their keys (tl_core.base.events). Charts, tables and alternative texts know of a metric what its
row says and nothing else: mean average precision is `Metric("mean_average_precision", message("Mean average
precision"), message("mean average precision"), "higher", "share")`, word error rate the same with "lower".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tl_core.base.messages import Message, message

VALIDATION: Literal["val_"] = "val_"  # before the key of what was measured on the validation part
BEFORE = "base_"  # before the key of what was measured before training


@dataclass(frozen=True)
class Metric:
    """One row.

    A metric that is `exponential_of` another one is e to that one's value wherever it was not measured itself.
    """

    key: str
    title: Message  # at the head of a chart or column: "Accuracy"
    noun: Message  # within a sentence: "accuracy"
    better: Literal["lower", "higher"]
    scale: Literal["linear", "share", "log"] = "linear"  # of its axis; a share lies in 0 to 1 and reads as per cent
    digits: int = 3  # behind the point
    unit: Message | None = None  # where the title does not say it
    exponential_of: str = ""

    @property
    def validation(self) -> Message:
        """The title of what was measured on the validation part."""
        return message("Validation {metric}", metric=self.noun)

    @property
    def form(self) -> str:
        """How d3 writes a value: ".1%"."""
        return f".{self.digits}%" if self.scale == "share" else f".{self.digits}f"

    def shown(self, value: float | None) -> str:
        """A value as a reader sees it, "86.4 %" or "0.512"; "–" where there is none, or no finite one."""
        if value is None or not math.isfinite(value):
            return "–"
        return percent(value, self.digits) if self.scale == "share" else f"{value:.{self.digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """0.8642 -> "86.4 %"."""
    return f"{100 * share:.{digits}f} %"


METRICS: dict[str, Metric] = {
    row.key: row
    for row in (
        Metric("loss", message("Loss"), message("loss"), "lower"),
        Metric("accuracy", message("Accuracy"), message("accuracy"), "higher", "share", 1),
        Metric(
            "accuracy_grey",
            message("Accuracy on grey pictures"),
            message("accuracy on grey pictures"),
            "higher",
            "share",
            1,
        ),
        Metric(
            "accuracy_blurred",
            message("Accuracy on blurred pictures"),
            message("accuracy on blurred pictures"),
            "higher",
            "share",
            1,
        ),
        Metric("found", message("Wrong labels found"), message("wrong labels found"), "higher", "share", 1),
        Metric("macro_f1", message("Macro F1"), message("macro F1"), "higher", "share", 1),
        Metric("perplexity", message("Perplexity"), message("perplexity"), "lower", "log", 1, exponential_of="loss"),
        Metric(
            "source_perplexity",
            message("Perplexity on the source task's text"),
            message("perplexity on the source task's text"),
            "lower",
            "log",
            1,
        ),
        Metric("bits_per_byte", message("Bits per byte"), message("bits per byte"), "lower"),
        Metric(
            "copied_tokens", message("Longest copy"), message("longest copy"), "lower", digits=0, unit=message("tokens")
        ),
    )
}


def metric(name: str) -> Metric:
    """The row of a metric, whatever it was measured on; one that is not known here is called by its own name."""
    key = name.removeprefix(VALIDATION).removeprefix(BEFORE)
    return METRICS.get(key) or Metric(key, Message(key), Message(key), "lower")


def value(measured: Mapping[str, float], name: str) -> float | None:
    """What an event's `metrics` say of one metric, "val_perplexity" say; None if it was not measured."""
    if name in measured:
        return measured[name]
    row = metric(name)
    power = measured.get(name.removesuffix(row.key) + row.exponential_of) if row.exponential_of else None
    return exponential(power)


def exponential(power: float | None) -> float | None:
    """e to the power, at most e to the 50; None where there is none or it is no finite number."""
    return math.exp(min(power, 50.0)) if power is not None and math.isfinite(power) else None
