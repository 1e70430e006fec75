"""The settings of an image experiment as plain session values: config -> values -> widgets -> config, and back.

Every widget of the page has its key here. The values are language-neutral, so they can travel in a link.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.experiments import links
from pages.ui.session import choose_dataset
from tl_core.images.pretrained.backbones import BACKBONES, SOURCES, backbone, boundary
from tl_core.tasks.image_classification.config import (
    BackboneConfig,
    DataConfig,
    HeadConfig,
    PhaseConfig,
    RunConfig,
    validate,
)
from tl_core.tasks.image_classification.parameters import parameter_counts
from tl_core.tasks.image_classification.recipes import PRESETS, recipe

PAGE, PREFIX = "train", "train_"
OWN = ()  # parameters of the page's address that are no settings
DEFAULT = PRESETS["quick"].config("")  # of links: the same on every computer
NOT_SHARED = ("file", "split_seed", "views", "precision", "cache")  # a link leaves these as they are


def values(config: RunConfig) -> dict[str, Any]:
    """A config as the values of the page's widgets."""
    row = backbone(config.backbone.name)
    first, last = config.phases[0], config.phases[-1]
    second = last if len(config.phases) > 1 else PhaseConfig(0, 10, 1e-5, name="fine-tuning", optimizer=first.optimizer)
    named = config.backbone.weights in SOURCES
    return {
        "dataset": config.data.dataset,
        "validation": round(100 * config.data.validation),
        "test": round(100 * config.data.test),
        "split_seed": config.data.seed,
        "backbone": row.name,
        "size": config.backbone.image_size,
        "weights": config.backbone.weights if named else "file",
        "file": "" if named else config.backbone.weights,
        "pooling": config.head.pooling,
        "units": config.head.units,
        "dropout": config.head.dropout,
        "output": config.head.output,
        "plan": "two" if len(config.phases) > 1 else "one",
        "frozen": boundary(row, last.frozen_blocks),
        "epochs": first.epochs,
        "rate": first.learning_rate,
        "optimizer": first.optimizer,
        "epochs2": second.epochs,
        "rate2": second.learning_rate,
        "optimizer2": second.optimizer,
        "batch": config.batch_size,
        "augmentation": config.augmentation,
        "views": config.views,
        "early": config.early_stopping,
        "smoothing": config.label_smoothing,
        "class_weights": config.class_weights,
        "precision": config.precision,
        "cache": config.cache,
        "seed": config.seed,
    }


def put(config: RunConfig) -> None:
    """Fill the page with a config; call it before the widgets are drawn or in a callback."""
    for name, value in values(config).items():
        st.session_state[PREFIX + name] = value


def begin() -> None:
    """Give every setting that has no value yet its default."""
    for name, value in values(recipe("quick").config("")).items():
        st.session_state.setdefault(PREFIX + name, value)


def get(name: str) -> Any:
    """The value of one setting now."""
    return st.session_state[PREFIX + name]


def config() -> RunConfig:
    """The experiment that the page shows."""
    return built({name: get(name) for name in values(DEFAULT)})


def built(shown: Mapping[str, Any]) -> RunConfig:
    """The config that `values` would turn into `shown`."""
    row = backbone(shown["backbone"])
    if shown["plan"] == "two":
        phases = (
            PhaseConfig(-1, shown["epochs"], shown["rate"], shown["optimizer"], "head"),
            PhaseConfig(shown["frozen"], shown["epochs2"], shown["rate2"], shown["optimizer2"], "fine-tuning"),
        )
    else:
        frozen = -1 if shown["frozen"] == len(row.blocks) else shown["frozen"]
        name = "head" if frozen == -1 else "from scratch" if shown["weights"] == "random" else "fine-tuning"
        phases = (PhaseConfig(frozen, shown["epochs"], shown["rate"], shown["optimizer"], name),)
    weights = shown["file"] if shown["weights"] == "file" else shown["weights"]
    return RunConfig(
        data=DataConfig(shown["dataset"], shown["validation"] / 100, shown["test"] / 100, shown["split_seed"]),
        backbone=BackboneConfig(row.name, weights, shown["size"]),
        head=HeadConfig(shown["pooling"], shown["units"], shown["dropout"], shown["output"]),
        phases=phases,
        batch_size=shown["batch"],
        augmentation=shown["augmentation"],
        views=shown["views"],
        early_stopping=shown["early"],
        label_smoothing=shown["smoothing"],
        class_weights=shown["class_weights"],
        precision=shown["precision"],
        cache=shown["cache"],
        seed=shown["seed"],
    )


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
    said = links.parameters(values(shown_config), values(DEFAULT), always=("backbone", "size", "frozen"))
    return {name: text for name, text in said.items() if name not in NOT_SHARED and text != "file"}


def from_link(parameters: Mapping[str, str]) -> RunConfig:
    """The defaults with what a link says.

    Raises:
        UserError: the link asks for something that does not exist.
    """
    default = values(DEFAULT)
    if parameters.get("backbone") in BACKBONES:
        row = BACKBONES[parameters["backbone"]]
        default = values(replace(DEFAULT, backbone=BackboneConfig(row.name, row.sources[0], row.default_size)))
    shown = links.values({name: said for name, said in parameters.items() if name not in NOT_SHARED}, default)
    if shown["weights"] not in backbone(shown["backbone"]).sources or shown["plan"] not in ("one", "two"):
        raise links.unreadable("weights")
    config = built(shown)
    validate(config)
    parameter_counts(config, classes=2, phase=len(config.phases) - 1)
    return config
