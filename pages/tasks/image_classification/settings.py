"""The settings of an image experiment as plain session values: config -> values -> widgets -> config, and back.

Every widget of the page has its key here. The values are language-neutral, so they can travel in a link.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.experiments import links
from pages.ui.fields import Fields
from pages.ui.session import choose_dataset
from tl_core.base import settings
from tl_core.images.pretrained.backbones import BACKBONES, SOURCES, backbone, boundary
from tl_core.tasks.image_classification.config import (
    BackboneConfig,
    PhaseConfig,
    RunConfig,
    validate,
)
from tl_core.tasks.image_classification.parameters import parameter_counts
from tl_core.tasks.image_classification.recipes import PRESETS, recipe

PAGE, PREFIX = "train", "train_"
FILE = "file"  # the weights' value where they are a file of the reader's
OWN = ()  # parameters of the page's address that are no settings
DEFAULT = PRESETS["quick"].config("")  # of links: the same on every computer
FIELDS = Fields(PREFIX, RunConfig)
get, set_ = FIELDS.get, FIELDS.set


def values(config: RunConfig) -> dict[str, Any]:
    """A config as the values of the page's widgets; a plan of one phase has a second one at hand."""
    row = backbone(config.backbone.name)
    first, last = config.phases[0], config.phases[-1]
    second = last if len(config.phases) > 1 else PhaseConfig(0, 10, 1e-5, name="fine-tuning", optimizer=first.optimizer)
    shown = settings.values(replace(config, phases=(first, second)))
    named = config.backbone.weights in SOURCES
    del shown["frozen2"]  # there is one boundary on the page: that of the last phase
    return shown | {
        "plan": "two" if len(config.phases) > 1 else "one",
        "frozen": boundary(row, last.frozen_blocks),
        "weights": config.backbone.weights if named else FILE,
        "file": "" if named else config.backbone.weights,
    }


def put(config: RunConfig) -> None:
    """Fill the page with a config; call it before the widgets are drawn or in a callback."""
    FIELDS.put(values(config))


def begin() -> None:
    """Give every setting that has no value yet its default."""
    FIELDS.begin(values(recipe("quick").config("")))


def config() -> RunConfig:
    """The experiment that the page shows."""
    return built({name: get(name) for name in values(DEFAULT)})


def built(shown: Mapping[str, Any]) -> RunConfig:
    """The config that `values` would turn into `shown`."""
    total = len(backbone(shown["backbone"]).blocks)
    if shown["plan"] == "two":
        phases = (
            settings.build(PhaseConfig, shown, frozen_blocks=-1, name="head"),
            settings.build(PhaseConfig, shown, 1, frozen_blocks=shown["frozen"], name="fine-tuning"),
        )
    else:
        frozen = -1 if shown["frozen"] == total else shown["frozen"]
        name = "head" if frozen == -1 else "from scratch" if shown["weights"] == "random" else "fine-tuning"
        phases = (settings.build(PhaseConfig, shown, frozen_blocks=frozen, name=name),)
    weights = shown["file"] if shown["weights"] == FILE else shown["weights"]
    return settings.build(RunConfig, {**shown, "weights": weights}, phases=phases, kind="image")


def choose_backbone() -> None:
    """Callback of the backbone's widget: its own image size and weights, and the boundary where it means the same."""
    row = backbone(get("backbone"))
    st.session_state[PREFIX + "size"] = row.default_size
    if get("weights") not in ("random", "file"):
        st.session_state[PREFIX + "weights"] = row.sources[0]
    st.session_state[PREFIX + "frozen"] = len(row.blocks) if get("plan") == "one" and get("weights") != "random" else 0
    if get("plan") == "two":
        st.session_state[PREFIX + "frozen"] = len(row.blocks) - 1


def choose_plan() -> None:
    """Callback of the one-or-two-phases widget: a second phase that thaws nothing would be pointless."""
    last = len(backbone(get("backbone")).blocks)
    if get("plan") == "two" and get("frozen") == last:
        st.session_state[PREFIX + "frozen"] = last - 1


def adopt(config: RunConfig, readable: bool = True) -> None:
    """Fill the page with somebody's settings, pictures included; `readable` says nothing here, pictures are for all."""
    put(config)
    choose_dataset(config.data.dataset)
    st.session_state[PREFIX + "preset"] = None


def link(shown_config: RunConfig) -> dict[str, str]:
    """The settings as the parameters of a link: those that differ from the defaults, and always the boundary."""
    said = links.parameters(
        FIELDS, values(shown_config), _usual(shown_config.backbone.name), always=("backbone", "size", "frozen")
    )
    return {name: text for name, text in said.items() if name != "file" and text != FILE}


def from_link(parameters: Mapping[str, str]) -> RunConfig:
    """The defaults with what a link says.

    Raises:
        UserError: the link asks for something that does not exist.
    """
    said = {name: text for name, text in parameters.items() if name != "file"}
    shown = links.values(FIELDS, said, _usual(parameters.get("backbone", DEFAULT.backbone.name)))
    if shown["weights"] not in backbone(shown["backbone"]).sources or shown["plan"] not in ("one", "two"):
        raise links.unreadable("weights")
    config = built(shown)
    validate(config)
    parameter_counts(config, classes=2, phase=len(config.phases) - 1)
    return config


def _usual(name: str) -> dict[str, Any]:
    """What a link leaves out: the defaults with a backbone's own weights and image size."""
    row = BACKBONES.get(name)
    if row is None:
        return values(DEFAULT)
    return values(replace(DEFAULT, backbone=BackboneConfig(row.name, row.sources[0], row.default_size)))
