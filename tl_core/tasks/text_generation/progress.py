"""What a fine-tuning's log tells besides curves: the samples that it wrote on its way, and what it forgot.

It is computed from a run's history, and knows only what it needs of one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Protocol

from tl_core.base import records
from tl_core.base.events import Artifact, Epoch, Finished, Stopped
from tl_core.base.records import Count, Within

SAMPLE = "sample"  # name of the artifact
Perplexity = Annotated[float, Within(1e-9, float("inf"), nan=True)]


class Made(Protocol):
    """What a run has made on its way; `tl_core.runs.history.History` has it."""

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """In order."""


class Told(Made, Protocol):
    """And how it went."""

    epochs: Sequence[Epoch]
    outcome: Finished | Stopped | None


@dataclass(frozen=True)
class Sample:
    """What a language model in training wrote on the run's prompt, always with the same seed; step 0 is the base."""

    step: Count = 0
    prompt: str = ""
    text: str = ""  # what it wrote behind the prompt
    copied: tuple[Count, Count] = (0, 0)  # the longest stretch copied from the training text: [start, end) in `text`
    copied_tokens: Count = 0
    perplexity: Perplexity | None = None  # on the validation part
    source_perplexity: Perplexity | None = None  # on the source task's text: forgetting shows here

    def event(self) -> Artifact:
        """The event that holds it."""
        payload = asdict(self)
        return Artifact(name=SAMPLE, step=payload.pop("step"), payload=payload)


def samples(history: Made) -> list[Sample]:
    """What it wrote, by step; what is damaged is left out."""
    found = []
    for artifact in history.artifacts:
        if artifact.name == SAMPLE:
            try:
                found.append(records.build(Sample, {**artifact.payload, "step": artifact.step}))
            except ValueError:
                continue
    return found


def kept_sample(history: Told) -> Sample | None:
    """What it wrote with the weights that are kept; None where they have not written."""
    best = _best(history)
    return next((sample for sample in samples(history) if best and sample.step == best.step), None)


def base_perplexity(history: Made) -> float | None:
    """Validation perplexity before the first step; None if it was not measured."""
    return next((sample.perplexity for sample in samples(history) if sample.step == 0), None)


def forgetting(history: Told) -> tuple[float, float] | None:
    """Perplexity on the source task's text before training and with the weights that are kept, where measured."""
    best, kept = _best(history), kept_sample(history)
    known = history.outcome.metrics if history.outcome else {}  # logs of earlier versions have it nowhere else
    before = next((sample.source_perplexity for sample in samples(history) if sample.step == 0), None)
    after = (best and best.metrics.get("source_perplexity")) or (kept and kept.source_perplexity)
    after = after or known.get("source_perplexity")
    return (before, after) if before and after else None


def _best(history: Told) -> Epoch | None:
    return next((epoch for epoch in reversed(history.epochs) if epoch.best), None)
