"""The settings of a fine-tuning as plain session values: config -> values -> widgets -> config, and back."""

from typing import Any

import streamlit as st

from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig, suggested_rate
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape

PREFIX = "tune_"
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
    first = next(iter(CHECKPOINTS.values()))
    for name, value in values(default(first.name, first.shape)).items():
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
    return TextConfig(
        corpus=text,
        model=model(),
        validation=get("validation") / 100,
        straighten=get("straighten"),
        phases=(PhaseConfig(get("frozen"), get("steps"), get("rate")),),
        lora_rank=get("rank") if get("method") == "lora" else 0,
        evaluate_every=get("evaluate"),
        sample_every=get("sample"),
        batch_size=get("batch"),
        context=get("context"),
        weight_decay=get("decay"),
        dropout=get("dropout"),
        prompt=get("prompt"),
        sample_length=get("length"),
        seed=get("seed"),
        cache=get("cache"),
        precision=get("precision"),
    )
