"""The settings of a fine-tuning as plain session values: config -> values -> widgets -> config, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.experiments import links
from pages.material import intake, texts
from pages.ui.fields import Fields
from tl_core.base import settings
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig, boundary, suggested_rate, validate
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape

PAGE, PREFIX = "finetune", "tune_"
OWN = (texts.ADDRESS, intake.ADDRESS)  # parameters of the page's address that are no settings
FIELDS = Fields(PREFIX, TextConfig)
get, set_ = FIELDS.get, FIELDS.set
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
    """A config as the values of the page's widgets; the text is chosen apart.

    A plan of one phase has a second one at hand.
    """
    first, last = config.phases[0], config.phases[-1]
    shown = settings.values(replace(config, phases=(first, last)))
    named = config.model in CHECKPOINTS
    del shown["text"], shown["frozen2"]  # there is one boundary on the page: that of the last phase
    return shown | {
        "model": config.model if named else FOLDER,
        "folder": "" if named else config.model,
        "method": "lora" if config.lora_rank else "weights",
        "rank": config.lora_rank or RANK,
        "plan": "two" if len(config.phases) > 1 else "one",
        "frozen": last.frozen_blocks if last.frozen_blocks >= 0 else 1000,  # the slider ends at the last block
    }


def put(config: TextConfig) -> None:
    """Fill the page with a config; call it before the widgets are drawn or in a callback."""
    FIELDS.put(values(config))
    st.session_state[SPELLING] = (config.corpus, config.model)


def begin() -> None:
    """Give every setting that has no value yet its default."""
    first = next(iter(CHECKPOINTS.values()))
    FIELDS.begin(values(default(first.name, first.shape)))


def model() -> str:
    """The chosen model as a config has it."""
    return get("folder").strip() if get("model") == FOLDER else get("model")


def config(text: str) -> TextConfig:
    """The experiment that the page shows, on the text with this id."""
    return built(text, {name: get(name) for name in values(DEFAULT)})


def built(text: str, shown: Mapping[str, Any]) -> TextConfig:
    """The config that `values` would turn into `shown`, on the text with this id."""
    lora = shown["method"] == "lora"
    if shown["plan"] == "two" and not lora:  # with every block frozen LoRA has nothing to change
        phases = (
            settings.build(PhaseConfig, shown, frozen_blocks=-1, name="head"),
            settings.build(PhaseConfig, shown, 1, frozen_blocks=shown["frozen"], name="fine-tuning"),
        )
    else:
        phases = (settings.build(PhaseConfig, shown, name="fine-tuning"),)
    return settings.build(
        TextConfig,
        shown,
        corpus=text,
        model=shown["folder"].strip() if shown["model"] == FOLDER else shown["model"],
        lora_rank=shown["rank"] if lora else 0,
        phases=phases,
        kind="text",
    )


def choose_plan(shape: Shape) -> None:
    """Callback of the one-or-two-phases widget: a second phase that thaws nothing would be pointless."""
    if get("plan") == "two" and get("frozen") >= len(shape.blocks):
        set_("frozen", len(shape.blocks) - 1)


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
    row = CHECKPOINTS.get(shown_config.model)  # a folder stays at home, and what fits its network alone
    always = ("model", "frozen", "rate") if row else ()
    at_home = ("folder",) if row else ("folder", "model", "frozen")
    said = links.parameters(
        FIELDS, values(shown_config), values(default(row.name, row.shape) if row else DEFAULT), always
    )
    shared = {name: text for name, text in said.items() if name not in at_home}
    return shared | ({texts.ADDRESS: shown_config.corpus} if shown_config.corpus else {})


def from_link(parameters: Mapping[str, str]) -> TextConfig:
    """The defaults with what a link says.

    Raises:
        UserError: the link asks for something that does not exist.
    """
    row = CHECKPOINTS.get(parameters.get("model", DEFAULT.model))
    if row is None:
        raise links.unreadable("model")
    said = {name: text for name, text in parameters.items() if name != "folder"}
    shown = links.values(FIELDS, said, values(default(row.name, row.shape)))
    for name, allowed in (("method", ("weights", "lora")), ("plan", ("one", "two"))):
        if shown[name] not in allowed:
            raise links.unreadable(name)
    config = built(parameters.get(texts.ADDRESS, ""), shown)
    validate(config)
    for number in range(len(config.phases)):
        boundary(config, row.shape, number)
    return config
