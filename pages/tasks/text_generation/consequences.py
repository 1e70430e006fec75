"""What a fine-tuning costs before it starts: parameters, memory and time, several ways beside each other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.components.blocks import short_number
from pages.experiments import costs
from pages.experiments.measured import measured
from pages.tasks.text_generation import settings
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.markdown import reason
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.runs.executors.local import gpus
from tl_core.runs.queue import Forecast
from tl_core.tasks.text_generation import estimate
from tl_core.tasks.text_generation.config import TextConfig, boundary, validate
from tl_core.tasks.text_generation.parameters import cost
from tl_core.text.data.corpus import TextReport
from tl_core.text.pretrained import hub_format, registry
from tl_core.text.pretrained.registry import CHECKPOINTS, Source
from tl_core.text.pretrained.shape import Shape


@st.cache_data(ttl=30, max_entries=64, show_spinner=False)
def source(model: str) -> Source | UserError | None:
    """Where the model lies on this computer, None if it is to be downloaded, or what is wrong."""
    try:
        return registry.find(model)
    except UserError as error:
        return error


@st.cache_data(max_entries=64, show_spinner=False)
def shape_in(place: Path) -> Shape:
    """The network that a model folder describes."""
    return hub_format.read_shape(place)


def shape_of(model: str) -> Shape | None:
    """The network of a model: from the registry, else from its folder; None where the folder holds no model."""
    if model in CHECKPOINTS:
        return CHECKPOINTS[model].shape
    found = source(model) if model else None
    try:
        return shape_in(found.folder) if isinstance(found, Source) else None
    except UserError:  # replaced by another model, or damaged, since it was found
        return None


@st.cache_data(max_entries=1, show_spinner=False)
def graphics() -> bool:
    """Whether runs work on a graphics processor."""
    return gpus() != [None]


def pace(config: TextConfig, shape: Shape) -> tuple[float, str]:
    """Operations a second that this computer manages, and whence we know."""
    if rate := estimate.rate_of(measured("text"), config.model):
        return rate, _("estimated from earlier runs on this computer")
    if graphics():
        return estimate.GPU, _("a rough figure; the first run corrects it")
    if rate := estimate.measured(config, shape):
        return rate, _("estimated from a short measurement of this computer")
    return estimate.ROUGH, _("a rough figure; the first run corrects it")


def seconds(config: TextConfig, shape: Shape, seen: TextReport | None) -> float:
    """How long training will take on the text of this report."""
    tokens = (seen.training_tokens, seen.validation_tokens) if seen else (None, None)
    return estimate.seconds(config, shape, pace(config, shape)[0], *tokens)


def told(config: TextConfig, shape: Shape, seen: TextReport | None) -> tuple[Forecast, str]:
    """What the run will cost, and a sentence that says so and whence we know."""
    rate, source = pace(config, shape)
    epoch = estimate.epoch_seconds(config, shape, rate, seen.validation_tokens if seen else None)
    cached = estimate.cached(config, shape, seen.training_tokens) if seen else None
    return costs.told(seconds(config, shape, seen), epoch, cached, source)


def side_by_side(config: TextConfig, shape: Shape, seen: TextReport | None) -> None:
    """All weights, those above the line, and LoRA: what each costs; the chosen one is marked."""
    total = len(shape.blocks)
    ways = {_("Everything"): replace(config, lora_rank=0).with_phase(frozen_blocks=0)}
    if config.frozen_blocks:
        ways[_("Above the line")] = replace(config, lora_rank=0)
    if config.frozen_blocks != total:
        rank = settings.get("rank")
        ways[_("LoRA, rank {n}").format(n=rank)] = replace(config, lora_rank=rank, phases=config.phases[-1:])
    costs = [cost(way, shape) for way in ways.values()]
    chosen = [way == config for way in ways.values()]
    rows = (
        (_("Trainable"), [Cell(short_number(each.trainable), _percent(each.share)) for each in costs]),
        (_("Frozen"), [Cell(short_number(each.frozen)) for each in costs]),
        (_("Memory"), [Cell(f"{each.memory / 1e6:,.0f} MB") for each in costs]),
        (_("Time"), [Cell(duration(seconds(way, shape, seen))) for way in ways.values()]),
    )
    table(
        [_("What learns"), *(Cell(name, marked=mark) for name, mark in zip(ways, chosen, strict=True))],
        [[name, *cells] for name, cells in rows],
        label=_("What each way costs"),
    )


def readings(config: TextConfig, shape: Shape, tokens: int) -> float:
    """How often the training part, of so many tokens, is read."""
    return config.steps * config.batch_size * min(config.context, shape.context) / max(1, tokens)


def meaning(config: TextConfig, shape: Shape) -> str:
    """What this boundary and method are called, in one sentence."""
    frozen, total = config.frozen_blocks, len(shape.blocks)
    if config.lora_rank:
        return _(
            "**LoRA:** all weights stay; beside attention's query and value, two thin matrices of rank {n} learn. The "
            "embeddings have no attention: they always stay frozen."
        ).format(n=config.lora_rank)
    if frozen == total:
        return _("**Almost nothing learns:** only the last normalisation, a handful of numbers. For contrast.")
    if frozen == 0:
        return _("**Full fine-tuning:** every block starts from what it knows, and all of them adapt to your text.")
    return _("**Fine-tuning:** blocks up to {frozen} keep what they know; from {thawed} on they adapt.").format(
        frozen=shape.blocks[frozen - 1].name, thawed=shape.blocks[frozen].name
    )


def obstacles(
    config: TextConfig, shape: Shape | None, seen: TextReport | None, found: Source | UserError | None
) -> Sequence[str]:
    """Why this experiment cannot start; empty if it can."""
    try:
        if isinstance(found, UserError):
            raise found
        validate(config)
        if shape is not None:
            boundary(config, shape)
    except UserError as error:
        return [reason(error)]
    if shape is None:
        return [_("Give the path of a folder in the Hub's format.")]
    context = min(config.context, shape.context)
    if seen is not None and seen.training_tokens <= context:
        return [
            _("The training part has {count} tokens; one window takes {needed}. Bring more text.").format(
                count=seen.training_tokens, needed=context + 1
            )
        ]
    if not config.prompt.strip():
        return [_("The samples need a prompt: a few words to begin with.")]
    return []


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"
