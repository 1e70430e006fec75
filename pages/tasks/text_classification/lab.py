"""Labelled texts in an experiment of several runs: which there are, what may be changed, what stands in the way."""

from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from pages.components.blocks import short_number
from pages.experiments.measured import measured
from pages.material import labelled_texts
from pages.tasks.text_classification import consequences
from pages.ui.fields import Fields
from pages.ui.whose import own
from tl_core.base import settings
from tl_core.base.messages import N_
from tl_core.tasks.text_classification.config import EncoderConfig, PhaseConfig, TextClassificationConfig
from tl_core.tasks.text_classification.estimate import estimate
from tl_core.text.data import labelled
from tl_core.text.pretrained.encoders import ENCODERS, Source

PAGE = "texts"  # where they are brought in
NONE = N_("There are no labelled texts yet. Have some reviews written with one click, or bring in your own.")


def known() -> dict[str, str]:
    """All that an experiment of the reader can learn from: id -> what a list says."""
    texts = labelled.all()
    found = [*own(texts), *(each for each in texts if each.shared)]
    return {each.id: f"{each.name} · {sum(each.counts):,}" for each in found}


def current() -> str:
    """What the reader works with; "" if that is nothing yet."""
    found = labelled_texts.current()
    return found.id if found else ""


def choose(config: TextClassificationConfig, key: str, without: Collection[str] = ()) -> TextClassificationConfig:
    """The settings that may be changed, as widgets whose keys begin with `key`; those `without` stay as they are."""
    fields = Fields(key, TextClassificationConfig)
    fields.begin(settings.values(config))
    columns = st.columns(4)
    fields.draw(
        "encoder",
        columns[0],
        choices=list(ENCODERS),
        called=lambda name: f"{ENCODERS[name].title} · {short_number(ENCODERS[name].shape.parameters)}",
    )
    for name, column in zip(("length", "batch", "epochs"), columns[1:], strict=True):
        fields.draw(name, column)
    names = [name for name in ("per_class", "validation", "units", "head_dropout") if name not in without]
    for name, column in zip(names, st.columns(len(names)), strict=True):
        fields.draw(name, column)
    return replace(
        config,
        data=replace(config.data, per_class=fields.get("per_class"), validation=fields.get("validation") / 100),
        encoder=EncoderConfig(fields.get("encoder"), length=fields.get("length")),
        head=replace(config.head, units=fields.get("units"), dropout=fields.get("head_dropout")),
        phases=(PhaseConfig(-1, fields.get("epochs"), 1e-2),),
        batch_size=fields.get("batch"),
    )


def obstacles(config: TextClassificationConfig) -> list[str]:
    """Why an experiment cannot start; empty if it can."""
    found = consequences.source(config.encoder.name)
    return list(consequences.obstacles(config, ENCODERS[config.encoder.name].shape, _texts(config), found))


def most(config: TextClassificationConfig) -> int:
    """Training texts of the smallest class, however few of them the experiment uses; at least one."""
    seen = _texts(replace(config, data=replace(config.data, per_class=0)))
    return max(1, min(seen.counts("training"), default=1))


def seconds(config: TextClassificationConfig) -> float:
    """About how long one of its runs takes."""
    seen = _texts(config)
    parts = (sum(seen.counts(part)) for part in ("training", "validation"))
    return estimate(config, *parts, measured(config.kind)).seconds


def _texts(config: TextClassificationConfig) -> consequences.Texts:
    found = consequences.source(config.encoder.name)
    return consequences.texts(config.data, found.folder if isinstance(found, Source) else None, config.encoder.length)
