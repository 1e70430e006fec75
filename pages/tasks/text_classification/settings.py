"""The settings of a classifier of texts as plain session values: config -> values -> widgets -> config, and back.

Every widget of the page has its key here. The values are language-neutral, so they can travel in a link.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.experiments import links
from pages.material import labelled_texts
from pages.ui.fields import Fields
from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.tasks.text_classification import recipes
from tl_core.tasks.text_classification.config import (
    PhaseConfig,
    TextClassificationConfig,
    boundary,
    parameter_counts,
    validate,
)
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import ENCODERS, EncoderShape

PAGE, PREFIX = "texts", "texts_"
OWN = (labelled_texts.ADDRESS,)  # parameters of the page's address that are no settings
FOLDER = "folder"  # the encoder's value where it is a folder of the reader's
DEFAULT = recipes.DEFAULT  # of links: the same on every computer
FIELDS = Fields(PREFIX, TextClassificationConfig)
get, set_ = FIELDS.get, FIELDS.set
ALL = 1000  # more blocks than any encoder has: the slider ends at the last one


def values(config: TextClassificationConfig) -> dict[str, Any]:
    """A config as the values of the page's widgets; the texts are chosen apart.

    A plan of one phase has a second one at hand.
    """
    first, last = config.phases[0], config.phases[-1]
    second = last if len(config.phases) > 1 else PhaseConfig(0, 4, 1e-4, name="fine-tuning")
    shown = settings.values(replace(config, phases=(first, second)))
    named = config.encoder.name in ENCODERS
    del shown["labelled"], shown["frozen2"]  # there is one boundary on the page: that of the last phase
    return shown | {
        "encoder": config.encoder.name if named else FOLDER,
        "folder": "" if named else config.encoder.name,
        "plan": "two" if len(config.phases) > 1 else "one",
        "frozen": last.frozen_blocks if last.frozen_blocks >= 0 else ALL,
    }


def put(config: TextClassificationConfig) -> None:
    """Fill the page with a config; call it before the widgets are drawn or in a callback."""
    FIELDS.put(values(config))


def begin() -> None:
    """Give every setting that has no value yet its default."""
    FIELDS.begin(values(DEFAULT))


def encoder() -> str:
    """The chosen encoder as a config has it."""
    return get("folder").strip() if get("encoder") == FOLDER else get("encoder")


def shape() -> EncoderShape | None:
    """Of the chosen encoder; None where the folder holds none."""
    try:
        return encoders.shape_of(encoder()) if encoder() else None
    except UserError:
        return None


def config(dataset: str) -> TextClassificationConfig:
    """The experiment that the page shows, on the texts with this id."""
    return built(dataset, {name: get(name) for name in values(DEFAULT)}, shape())


def built(dataset: str, shown: Mapping[str, Any], of: EncoderShape | None) -> TextClassificationConfig:
    """The config that `values` would turn into `shown`, on the texts with this id."""
    total = len(of.blocks) if of else ALL
    whole = shown["frozen"] >= total
    if shown["plan"] == "two":
        phases = (
            settings.build(PhaseConfig, shown, frozen_blocks=-1, name="head"),
            settings.build(PhaseConfig, shown, 1, frozen_blocks=-1 if whole else shown["frozen"], name="fine-tuning"),
        )
    else:
        name = "head" if whole else "from scratch" if shown["weights"] == "random" else "fine-tuning"
        phases = (settings.build(PhaseConfig, shown, frozen_blocks=-1 if whole else shown["frozen"], name=name),)
    named = shown["folder"].strip() if shown["encoder"] == FOLDER else shown["encoder"]
    given = {**shown, "encoder": named, "labelled": dataset}
    return settings.build(TextClassificationConfig, given, phases=phases, kind="text_classification")


def choose_plan() -> None:
    """Callback of the one-or-two-phases widget: a second phase that thaws nothing would be pointless."""
    found = shape()
    if get("plan") == "two" and found and get("frozen") >= len(found.blocks):
        set_("frozen", len(found.blocks) - 1)


def adopt(config: TextClassificationConfig, readable: bool = True) -> None:
    """Fill the page with somebody's settings, the texts included where the reader may read them."""
    put(config)
    st.session_state[PREFIX + "recipe"] = None
    if not readable:
        st.session_state[PREFIX + "private"] = True
    elif config.data.dataset:
        labelled_texts.choose(config.data.dataset)


def link(shown_config: TextClassificationConfig) -> dict[str, str]:
    """The settings as the parameters of a link: those that differ from the defaults, always the boundary, the texts."""
    named = shown_config.encoder.name in ENCODERS
    always = ("encoder", "frozen") if named else ()
    said = links.parameters(FIELDS, values(shown_config), values(DEFAULT), always)
    at_home = ("folder",) if named else ("folder", "encoder", "frozen")  # a folder stays where it is
    shared = {name: text for name, text in said.items() if name not in at_home}
    dataset = shown_config.data.dataset
    return shared | ({labelled_texts.ADDRESS: dataset} if dataset else {})


def from_link(parameters: Mapping[str, str]) -> TextClassificationConfig:
    """The defaults with what a link says.

    Raises:
        UserError: the link asks for something that does not exist.
    """
    said = {name: text for name, text in parameters.items() if name != "folder"}
    shown = links.values(FIELDS, said, values(DEFAULT))
    if shown["encoder"] not in ENCODERS or shown["plan"] not in ("one", "two"):
        raise links.unreadable("encoder")
    found = ENCODERS[shown["encoder"]].shape
    if shown["frozen"] != ALL:
        boundary(found, shown["frozen"])
    config = built(parameters.get(labelled_texts.ADDRESS, ""), shown, found)
    validate(config)
    parameter_counts(config, classes=2, phase=len(config.phases) - 1)
    return config
