"""A text in an experiment of several runs: which there are, what may be changed, and what stands in the way."""

from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from pages.components.blocks import short_number
from pages.material import text_view, texts
from pages.tasks.text_generation import consequences
from pages.ui.fields import Fields
from pages.ui.whose import own
from tl_core.base import settings
from tl_core.base.messages import N_
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig
from tl_core.text.data import corpus
from tl_core.text.data.corpus import TextReport
from tl_core.text.pretrained.registry import CHECKPOINTS, Source

PAGE = "finetune"  # where it is brought in
NONE = N_("There is no text yet. Have one written with one click, or bring in your own.")


def known() -> dict[str, str]:
    """All that an experiment of the reader can learn from: id -> what a list says."""
    every = corpus.corpora()
    found = [*own(every), *(each for each in every if not each.private)]
    return {each.id: f"{each.name} · {each.characters:,}" for each in found}


def current() -> str:
    """What the reader works with; "" if that is nothing yet."""
    found = texts.current()
    return found.id if found else ""


def choose(config: TextConfig, key: str, without: Collection[str] = ()) -> TextConfig:
    """The settings that may be changed, as widgets whose keys begin with `key`; those `without` stay as they are."""
    fields = Fields(key, TextConfig)
    fields.begin(settings.values(replace(config, lora_rank=config.lora_rank or 4)))
    columns = st.columns(3)
    fields.draw(
        "model",
        columns[0],
        choices=list(CHECKPOINTS),
        called=lambda name: f"{CHECKPOINTS[name].title} · {short_number(CHECKPOINTS[name].shape.parameters)}",
    )
    for name, column in zip(("rank", "steps"), columns[1:], strict=True):
        fields.draw(name, column)
    names = [name for name in ("batch", "context", "evaluate", "validation") if name not in without]
    for name, column in zip(names, st.columns(len(names)), strict=True):
        fields.draw(name, column)
    return replace(
        config,
        model=fields.get("model"),
        lora_rank=fields.get("rank"),
        phases=(PhaseConfig(0, fields.get("steps")),),
        batch_size=fields.get("batch"),
        context=fields.get("context"),
        evaluate_every=fields.get("evaluate"),
        validation=fields.get("validation") / 100,
    )


def obstacles(config: TextConfig) -> list[str]:
    """Why an experiment cannot start; empty if it can."""
    shape, found = CHECKPOINTS[config.model].shape, consequences.source(config.model)
    whole = replace(config, lora_rank=0)
    return list(consequences.obstacles(whole, shape, _report(config), found))


def seconds(config: TextConfig) -> float:
    """About how long one of its runs takes."""
    return consequences.seconds(config, CHECKPOINTS[config.model].shape, _report(config))


def _report(config: TextConfig) -> TextReport | None:
    """What the text is like for the model; None where that is not here."""
    found = consequences.source(config.model)
    if not isinstance(found, Source):
        return None
    context = min(config.context, CHECKPOINTS[config.model].shape.context)
    return text_view.report(config.corpus, found.folder, config.validation, context, straighten=config.straighten)
