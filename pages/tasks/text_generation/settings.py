"""The settings of a fine-tuning as plain session values: config -> values -> widgets -> config, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.experiments import links
from pages.material import intake, texts
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig, boundary, suggested_rate, validate
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape

PAGE, PREFIX = "finetune", "tune_"
OWN = (texts.ADDRESS, intake.ADDRESS)  # parameters of the page's address that are no settings
NOT_SHARED = ("folder", "precision", "cache")  # a link leaves these as they are
SPELLING = PREFIX + "spelling_of"  # the text and the model for which it was chosen whether to straighten quotes
FOLDER = "folder"  # the model's value where it is a folder of the reader's
SMALL = 512  # width below which a network trains in a minute or two on two processor cores
RANK = 8


def default(model: str, shape: Shape) -> TextConfig:
    """Settings that suit the size of a model; on two processor cores the bundled one takes a minute or two."""
    if shape.width < SMALL:
        return TextConfig("", model).with_phase(learning_rate=suggested_rate(shape))
    return TextConfig(
        "",
        model,
        phases=(PhaseConfig(len(shape.blocks) - 2, 60, suggested_rate(shape)),),
        evaluate_every=10,
        sample_every=20,
        batch_size=4,
        context=64,
        sample_length=40,
    )


DEFAULT = default("tales", CHECKPOINTS["tales"].shape)  # of links: the same on every computer


def values(config: TextConfig) -> dict[str, Any]:
    """A config as the values of the page's widgets; the text is chosen apart."""
    named = config.model in CHECKPOINTS
    return {
        "model": config.model if named else FOLDER,
        "folder": "" if named else config.model,
        "method": "lora" if config.lora_rank else "weights",
        "rank": config.lora_rank or RANK,
        "frozen": config.frozen_blocks if config.frozen_blocks >= 0 else 1000,  # the slider ends at the last block
        "validation": round(100 * config.validation),
        "straighten": config.straighten,
        "steps": config.steps,
        "evaluate": config.evaluate_every,
        "sample": config.sample_every,
        "batch": config.batch_size,
        "context": config.context,
        "rate": config.learning_rate,
        "decay": config.weight_decay,
        "dropout": config.dropout,
        "prompt": config.prompt,
        "length": config.sample_length,
        "seed": config.seed,
        "cache": config.cache,
        "precision": config.precision,
    }


def put(config: TextConfig) -> None:
    """Fill the page with a config; call it before the widgets are drawn or in a callback."""
    for name, value in values(config).items():
        st.session_state[PREFIX + name] = value
    st.session_state[SPELLING] = (config.corpus, config.model)


def begin() -> None:
    """Give every setting that has no value yet its default."""
    for name, value in values(DEFAULT).items():
        st.session_state.setdefault(PREFIX + name, value)


def get(name: str) -> Any:
    """The value of one setting now."""
    return st.session_state[PREFIX + name]


def set_(name: str, value: Any) -> None:
    """Change one setting; before its widget is drawn, or in a callback."""
    st.session_state[PREFIX + name] = value


def model() -> str:
    """The chosen model as a config has it."""
    return get("folder").strip() if get("model") == FOLDER else get("model")


def config(text: str) -> TextConfig:
    """The experiment that the page shows, on the text with this id."""
    return built(text, {name: get(name) for name in values(DEFAULT)})


def built(text: str, shown: Mapping[str, Any]) -> TextConfig:
    """The config that `values` would turn into `shown`, on the text with this id."""
    return TextConfig(
        corpus=text,
        model=shown["folder"].strip() if shown["model"] == FOLDER else shown["model"],
        validation=shown["validation"] / 100,
        straighten=shown["straighten"],
        phases=(PhaseConfig(shown["frozen"], shown["steps"], shown["rate"]),),
        lora_rank=shown["rank"] if shown["method"] == "lora" else 0,
        evaluate_every=shown["evaluate"],
        sample_every=shown["sample"],
        batch_size=shown["batch"],
        context=shown["context"],
        weight_decay=shown["decay"],
        dropout=shown["dropout"],
        prompt=shown["prompt"],
        sample_length=shown["length"],
        seed=shown["seed"],
        cache=shown["cache"],
        precision=shown["precision"],
    )


def adopt(config: TextConfig, readable: bool = True) -> None:
    """Fill the page with somebody's settings, the text included.

    Args:
        readable: whether the reader may read the text; else the prompt stays away, which might be a piece of it.
    """
    put(config if readable else replace(config, prompt=DEFAULT.prompt))
    if not readable:
        st.session_state[PREFIX + "private"] = True
    elif config.corpus:
        texts.choose(config.corpus)


def link(shown_config: TextConfig) -> dict[str, str]:
    """The settings as the parameters of a link: those that differ from the defaults, always the boundary, the text."""
    said = links.parameters(values(shown_config), values(DEFAULT), always=("model", "frozen", "rate"))
    shared = {name: text for name, text in said.items() if name not in NOT_SHARED and text != FOLDER}
    return shared | ({texts.ADDRESS: shown_config.corpus} if shown_config.corpus else {})


def from_link(parameters: Mapping[str, str]) -> TextConfig:
    """The defaults with what a link says.

    Raises:
        UserError: the link asks for something that does not exist.
    """
    row = CHECKPOINTS.get(parameters.get("model", DEFAULT.model))
    if row is None:
        raise links.unreadable("model")
    said = {name: text for name, text in parameters.items() if name not in NOT_SHARED}
    shown = links.values(said, values(default(row.name, row.shape)))
    if shown["method"] not in ("weights", "lora"):
        raise links.unreadable("method")
    config = built(parameters.get(texts.ADDRESS, ""), shown)
    validate(config)
    boundary(config, row.shape)
    return config
