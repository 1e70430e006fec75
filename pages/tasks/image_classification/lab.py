"""Pictures in an experiment of several runs: which there are, what may be changed, and what stands in the way."""

from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from pages.components.blocks import short_number
from pages.material import shelf
from pages.tasks.image_classification import consequences
from pages.ui.fields import Fields
from pages.ui.session import current_dataset
from tl_core.base import settings
from tl_core.base.messages import N_
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.tasks.image_classification.config import BackboneConfig, PhaseConfig, RunConfig

PAGE = "data"  # where they are brought in
NONE = N_("There are no pictures yet. Draw some with one click, or bring in a folder; each sub-folder becomes a class.")


def known() -> dict[str, str]:
    """All that an experiment can learn from, the reader's own first: id -> what a list says."""
    return {summary.id: shelf.described(summary) for summary in shelf.known()}


def current() -> str:
    """What the reader works with; "" if that is nothing yet."""
    return current_dataset()


def choose(config: RunConfig, key: str, without: Collection[str] = ()) -> RunConfig:
    """The settings that may be changed, as widgets whose keys begin with `key`; those `without` stay as they are."""
    fields = Fields(key, RunConfig)
    fields.begin(settings.values(config))

    def changed() -> None:
        row = backbone(fields.get("backbone"))
        fields.set("size", min(row.sizes))
        fields.set("weights", row.sources[0])

    name, size, batch = st.columns([2, 1, 1])
    fields.draw(
        "backbone",
        name,
        choices=list(BACKBONES),
        called=lambda key: f"{BACKBONES[key].title} · {short_number(BACKBONES[key].parameters)}",
        on_change=changed,
    )
    row = backbone(fields.get("backbone"))
    if fields.get("size") not in row.sizes:
        fields.set("size", min(row.sizes))
    fields.draw("size", size, choices=row.sizes, called=lambda side: f"{side} × {side} px")
    fields.draw("batch", batch)
    names = [name for name in ("per_class", "validation", "epochs", "units", "dropout") if name not in without]
    for name, column in zip(names, st.columns(len(names)), strict=True):
        fields.draw(name, column)
    return replace(
        config,
        data=replace(config.data, per_class=fields.get("per_class"), validation=fields.get("validation") / 100),
        backbone=BackboneConfig(row.name, fields.get("weights"), fields.get("size")),
        head=replace(config.head, units=fields.get("units"), dropout=fields.get("dropout")),
        phases=(PhaseConfig(-1, fields.get("epochs")),),
        batch_size=fields.get("batch"),
    )


def obstacles(config: RunConfig) -> list[str]:
    """Why an experiment cannot start; empty if it can."""
    network = config.backbone
    source = consequences.weights_source(network.name, network.weights, network.image_size)
    return consequences.obstacles(config, _pictures(config), source)


def most(config: RunConfig) -> int:
    """Training pictures of the smallest class, however few of them the experiment uses; at least one."""
    data = config.data
    seen = consequences.pictures(data.dataset, data.validation, data.test, data.seed)
    return max(1, min(seen.training, default=1))


def seconds(config: RunConfig) -> float:
    """About how long one of its runs takes."""
    return consequences.guessed(config, _pictures(config)).seconds


def _pictures(config: RunConfig) -> consequences.Pictures:
    data = config.data
    return consequences.pictures(data.dataset, data.validation, data.test, data.seed, data.per_class)
