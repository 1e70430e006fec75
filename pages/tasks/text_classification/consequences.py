"""What the chosen settings lead to: the split, where the encoder comes from, the time, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.experiments import costs
from pages.experiments.measured import measured
from pages.ui.i18n import _
from pages.ui.markdown import plain, reason, sentence
from tl_core.base.errors import UserError
from tl_core.base.settings import rate
from tl_core.runs.queue import Forecast
from tl_core.tasks.text_classification.config import DataConfig, TextClassificationConfig, boundary, validate
from tl_core.tasks.text_classification.estimate import estimate
from tl_core.text.data import labelled, labelled_report
from tl_core.text.data.labelled_report import LabelledReport
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import EncoderShape, Source

GENTLE_RATE = 5e-4  # above it, fine-tuning soon overwrites what the encoder knows


@dataclass(frozen=True)
class Texts:
    """The chosen texts as they would be split; `problem` says why they cannot be."""

    report: LabelledReport | None = None
    problem: UserError | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(each.name for each in self.report.classes) if self.report else ()

    def counts(self, part: str) -> tuple[int, ...]:
        """Texts of each class in a part."""
        return tuple(getattr(each, part) for each in self.report.classes) if self.report else ()


@st.cache_data(max_entries=32, show_spinner=False)
def texts(data: DataConfig, folder: Path | None, length: int) -> Texts:
    """What the texts are like for the encoder in a folder, which reads so many tokens (None: it is not here)."""
    try:
        dataset = labelled.load(data.dataset)
        parts = labelled.split(dataset, data)
        count = encoders.token_counter(folder) if folder else None
        return Texts(labelled_report.report(dataset, parts, count, length))
    except UserError as error:
        return Texts(problem=error)


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def source(encoder: str) -> Source | UserError | None:
    """Where the encoder lies on this computer, None if it is to be downloaded, or what is wrong."""
    try:
        return encoders.find(encoder)
    except UserError as error:
        return error


def meaning(config: TextClassificationConfig, shape: EncoderShape) -> str:
    """What this boundary with these weights is called, in one sentence."""
    frozen, total = boundary(shape, config.phases[-1].frozen_blocks), len(shape.blocks)
    pretrained = config.encoder.weights == "pretrained"
    if frozen == total and pretrained:
        return _("**Feature extraction:** the encoder stays as it is; only the new head learns.")
    if frozen == total:
        return _("**Random features:** the head learns on top of a network that has never read a word. For contrast.")
    if not pretrained and frozen == 0:
        return _("**From scratch:** every block begins at random and learns from your texts alone.")
    if not pretrained:
        return _("**Partly from scratch:** the frozen blocks stay random for ever; only the others learn.")
    if frozen == 0:
        return _("**Full fine-tuning:** every block starts from what it knows, and all of them adapt to your texts.")
    return _("**Fine-tuning:** blocks up to {frozen} keep what they know; from {thawed} on they adapt.").format(
        frozen=shape.blocks[frozen - 1].name, thawed=shape.blocks[frozen].name
    )


def obstacles(
    config: TextClassificationConfig, shape: EncoderShape | None, seen: Texts, found: Source | UserError | None
) -> Sequence[str]:
    """Why this experiment cannot start; empty if it can."""
    try:
        if seen.problem:
            raise seen.problem
        if isinstance(found, UserError):
            raise found
        validate(config)
    except UserError as error:
        return [reason(error)]
    if shape is None:
        return [_("Give the path of a folder in the Hub's format.")]
    if config.encoder.length > shape.positions:
        return [_("This encoder reads at most {n} tokens of a text. Choose fewer.").format(n=shape.positions)]
    empty = [each.name for each in seen.report.classes if not each.training] if seen.report else []
    if empty:
        return [_("No texts to train on in: {classes}.").format(classes=", ".join(map(plain, empty)))]
    return []


def cautions(config: TextClassificationConfig, shape: EncoderShape, seen: Texts) -> list[str]:
    """What is possible but probably not wanted."""
    last, found = config.phases[-1], []
    thawed = boundary(shape, last.frozen_blocks) < len(shape.blocks)
    if config.encoder.weights == "pretrained" and thawed and last.learning_rate > GENTLE_RATE:
        found.append(
            _("Fine-tuning at a rate of {rate} soon overwrites what the encoder knows; 1e-5 to 2e-4 is usual.").format(
                rate=rate(last.learning_rate)
            )
        )
    counts = seen.counts("training")
    if counts and min(counts) * 3 < max(counts) and not config.class_weights:
        found.append(
            _("The classes are uneven ({low} to {high} texts). Class weights under Advanced balance them.").format(
                low=min(counts), high=max(counts)
            )
        )
    return found


def told(config: TextClassificationConfig, seen: Texts) -> tuple[Forecast, str]:
    """What the run will cost, and a sentence that says so and whence we know."""
    parts = (sum(seen.counts(part)) for part in ("training", "validation"))
    guess = estimate(config, *parts, measured(config.kind))
    return costs.told(guess.seconds, guess.epoch, guess.cached, sentence(guess.source))
