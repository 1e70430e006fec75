"""What the chosen settings lead to: the split, where the weights come from, the time, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.experiments import costs
from pages.experiments.measured import measured
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, reason, sentence
from tl_core.base.errors import UserError
from tl_core.base.settings import rate
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import Backbone, backbone, boundary
from tl_core.images.pretrained.weights import Source
from tl_core.runs.executors import spare
from tl_core.runs.queue import Forecast
from tl_core.tasks.image_classification.config import DataConfig, PhaseConfig, RunConfig, validate
from tl_core.tasks.image_classification.estimate import Calibration, Estimate, calibrated, estimate
from tl_core.tasks.image_classification.parameters import Counts
from tl_core.training import calibrations
from tl_core.training.options import SLOTS

LOOK = 3.0  # seconds from one look for a calibration to the next
LARGE_HEAD = 50_000_000  # parameters
GENTLE_RATE = 1e-4  # above it, fine-tuning soon overwrites what the backbone knows


@dataclass(frozen=True)
class Pictures:
    """The chosen dataset as it would be split; `problem` says why it cannot be."""

    classes: tuple[str, ...] = ()
    training: tuple[int, ...] = ()  # pictures of each class
    validation: tuple[int, ...] = ()
    test: tuple[int, ...] = ()
    problem: UserError | None = None


@st.cache_data(max_entries=64, show_spinner=False)
def pictures(dataset_id: str, validation: float, test: float, seed: int, per_class: int = 0) -> Pictures:
    """Count the pictures of each class in each part."""
    try:
        dataset = datasets.load(dataset_id)
    except UserError as error:
        return Pictures(problem=error)
    try:
        parts = split(dataset, DataConfig(dataset_id, validation, test, seed, per_class))
    except UserError as error:
        return Pictures(dataset.classes, problem=error)
    labels = [image.label for image in dataset.images]

    def counts(indices: Sequence[int]) -> tuple[int, ...]:
        seen = [labels[index] for index in indices]
        return tuple(seen.count(label) for label in range(len(dataset.classes)))

    return Pictures(dataset.classes, counts(parts.train), counts(parts.validation), counts(parts.test))


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def weights_source(name: str, source: str, size: int) -> Source | UserError | None:
    """Where the weights lie on this computer, None if they are to be downloaded, or what is wrong."""
    try:
        return weights.find(backbone(name), source, size)
    except UserError as error:
        return error


def meaning(row: Backbone, config: RunConfig) -> str:
    """What this boundary with these weights is called, in one sentence."""
    last = config.phases[-1]
    frozen, total = boundary(row, last.frozen_blocks), len(row.blocks)
    pretrained = config.backbone.weights != "random"
    if frozen == total and pretrained:
        return _("**Feature extraction:** the backbone stays as it is; only the new head learns.")
    if frozen == total:
        return _(
            "**Random features:** the head learns on top of a network that has never seen a picture. For contrast."
        )
    if not pretrained and frozen == 0:
        return _("**From scratch:** every block begins at random and learns from your pictures alone.")
    if not pretrained:
        return _("**Partly from scratch:** the frozen blocks stay random for ever; only the others learn.")
    if frozen == 0:
        return _("**Full fine-tuning:** every block starts from what it knows, and all of them adapt to your pictures.")
    return _("**Fine-tuning:** blocks up to {frozen} keep what they know; from {thawed} on they adapt.").format(
        frozen=row.blocks[frozen - 1].name, thawed=row.blocks[frozen].name
    )


def optimizer_bytes(phase: PhaseConfig, counts: Counts) -> int:
    """Memory of the optimizer's own numbers (float32), beside the weights and their gradients."""
    return 4 * SLOTS[phase.optimizer] * counts.trainable


def obstacles(config: RunConfig, seen: Pictures, source: Source | UserError | None) -> list[str]:
    """Why this experiment cannot start; empty if it can."""
    problem = seen.problem
    if problem is None:
        try:
            validate(config)
        except UserError as error:
            problem = error
    if problem is not None:
        return [reason(problem)]
    found = []
    if len(seen.classes) < 2:
        found.append(_("A classifier needs at least two classes. Add a second folder of pictures."))
    if config.head.output == "sigmoid" and len(seen.classes) > 2:
        found.append(
            _("One sigmoid unit can only tell two classes apart; these pictures have {n}. Choose softmax.").format(
                n=len(seen.classes)
            )
        )
    for name, counts in ((_("training"), seen.training), (_("validation"), seen.validation)):
        empty = [label for label, count in zip(seen.classes, counts, strict=True) if not count]
        if empty:
            found.append(
                _("No {part} pictures of: {classes}. Add pictures, or change the split under Advanced.").format(
                    part=name, classes=", ".join(map(plain, empty))
                )
            )
    if isinstance(source, UserError):
        found.append(reason(source))
    return found


def cautions(row: Backbone, config: RunConfig, counts: Counts, seen: Pictures) -> list[str]:
    """What is possible but probably not wanted."""
    last = config.phases[-1]
    frozen, found = boundary(row, last.frozen_blocks), []
    if config.backbone.weights != "random" and frozen < len(row.blocks) and last.learning_rate > GENTLE_RATE:
        found.append(
            _("Fine-tuning at a rate of {rate} soon overwrites what the backbone knows; 1e-5 to 1e-4 is usual.").format(
                rate=rate(last.learning_rate)
            )
        )
    if counts.head > LARGE_HEAD:
        found.append(
            _("The head alone has {n} parameters. Average pooling instead of flatten makes it far smaller.").format(
                n=f"{counts.head:,}"
            )
        )
    if seen.training and min(seen.training) * 3 < max(seen.training) and not config.class_weights:
        found.append(
            _("The classes are uneven ({low} to {high} pictures). Class weights under Advanced balance them.").format(
                low=min(seen.training), high=max(seen.training)
            )
        )
    return found


def weights_sentence(row: Backbone, config: RunConfig, source: Source | UserError | None) -> tuple[str, str]:
    """An icon and a sentence: where the weights will come from."""
    if config.backbone.weights == "random":
        return ":material/casino:", _("Random weights: nothing is downloaded, and the backbone knows nothing yet.")
    if isinstance(source, UserError):
        return ":material/error:", reason(source)
    if source is not None:
        return ":material/check_circle:", sentence(source.description)
    size = row.weights_file(config.backbone.image_size).size
    return ":material/download:", _(
        "Not on this computer yet: {size} MB are downloaded when training starts. For a class without a network, run "
        "`python -m tl_core fetch {name}` beforehand."
    ).format(size=f"{size / 1e6:.0f}", name=row.name)


def told(config: RunConfig, seen: Pictures) -> tuple[Forecast, str]:
    """What the run will cost, and a sentence that says so and whence we know."""
    guess = guessed(config, seen)
    return costs.told(guess.seconds, guess.epoch, guess.cached, sentence(guess.source))


def guessed(config: RunConfig, seen: Pictures) -> Estimate:
    """What the run will cost, from three batches of it where they have been tried on this computer."""
    found = calibrations.known(calibrated(config).to_json(), Calibration)
    return estimate(config, sum(seen.training), sum(seen.validation), measured("image"), found)


def calibrate(config: RunConfig, source: Source | None) -> None:
    """Have three batches tried in the process that is kept ready, and draw the page again once they have been."""
    settings = calibrated(config).to_json()
    here = source is not None or config.backbone.weights == "random"  # nothing is downloaded for an estimate
    if not (here and spare.enabled()) or calibrations.known(settings, Calibration):
        return

    @st.fragment(run_every=LOOK)
    def watch() -> None:
        if calibrations.known(settings, Calibration):
            st.rerun()
        calibrations.want(settings)

    watch()


def parts_sentence(seen: Pictures) -> str:
    """How many pictures each part has."""
    return ngettext("{n} class", "{n} classes", len(seen.classes)).format(n=len(seen.classes)) + _(
        ": {training} pictures to train on, {validation} to validate, {test} kept for a last test."
    ).format(training=f"{sum(seen.training):,}", validation=f"{sum(seen.validation):,}", test=f"{sum(seen.test):,}")
