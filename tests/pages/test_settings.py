"""Every setting has a widget on its task's page, and its value survives config, session and link."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from pages.tasks.image_classification import settings as image
from pages.tasks.registry import room
from pages.tasks.text_generation import settings as text
from pages.ui.fields import Fields
from tests.pages.made import ME, drawn, opened
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.tasks.registry import TASKS
from tl_core.text.data import corpus
from tl_core.text.pretrained.registry import CHECKPOINTS

WIDGETS = ("number_input", "slider", "select_slider", "selectbox", "toggle", "button_group", "text_input")
quickly = runs(max_examples=150, deadline=None)


def offered(fields: Fields, name: str) -> st.SearchStrategy:
    """Any value that the widget of a setting can have."""
    each = fields.declared[name]
    about = each.setting
    if about.choices:
        return st.sampled_from(list(about.choices))
    if each.kind is bool:
        return st.booleans()
    if about.shown == "stops":
        return st.sampled_from([each.kind(stop) for stop in about.offered])
    if about.shown == "line":
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=int(about.high))
    low, high = (about.offered[0], about.offered[-1]) if about.offered else (about.low, about.high)
    if about.percent:
        return st.integers(round(100 * low), round(100 * high))
    if each.kind is int:
        return st.integers(int(low), int(high))
    return st.integers(0, round((high - low) / about.step)).map(lambda steps: round(low + steps * about.step, 9))


def drawn_values(draw: Any, fields: Fields, usual: dict[str, Any], shared: bool) -> dict[str, Any]:
    """Values of all widgets that are drawn from a declaration; what no link carries as usual, if it is to be shared."""
    known = [name for name in usual if name in fields.declared and fields.declared[name].setting.shown]
    fixed = fields.unshared() if shared else ()
    free = [name for name in known if name not in fixed and name not in ("backbone", "size", "weights", "model")]
    return usual | {name: draw(offered(fields, name)) for name in free}


@st.composite
def image_values(draw: Any, shared: bool) -> dict[str, Any]:
    row = BACKBONES[draw(st.sampled_from(list(BACKBONES)))]
    plan = draw(st.sampled_from(["one", "two"]))
    return drawn_values(draw, image.FIELDS, image.values(image.DEFAULT), shared) | {
        "backbone": row.name,
        "size": draw(st.sampled_from(list(row.sizes))),
        "weights": draw(st.sampled_from(list(row.sources))),
        "plan": plan,
        "frozen": draw(st.integers(0, len(row.blocks) - (plan == "two"))),
    }


@st.composite
def text_values(draw: Any, shared: bool) -> dict[str, Any]:
    row = CHECKPOINTS[draw(st.sampled_from(list(CHECKPOINTS)))]
    method = draw(st.sampled_from(["weights", "lora"]))
    plan = draw(st.sampled_from(["one", "two"])) if method == "weights" else "one"
    return drawn_values(draw, text.FIELDS, text.values(text.DEFAULT), shared) | {
        "model": row.name,
        "method": method,
        "plan": plan,
        "frozen": draw(st.integers(method == "lora", len(row.shape.blocks) - (plan == "two" or method == "lora"))),
    }


def used(shown: dict[str, Any]) -> dict[str, Any]:
    """Without what a plan of one phase, and a method without LoRA, leave aside."""
    one, whole = shown["plan"] == "one", shown.get("method") == "weights"
    return {
        name: value
        for name, value in shown.items()
        if not (one and name.endswith("2")) and not (whole and name == "rank")
    }


def built(settings: Any, shown: dict[str, Any]) -> Any:
    return settings.built(shown) if settings is image else settings.built("", shown)


@quickly
@given(data=st.data())
@pytest.mark.parametrize(("settings", "strategy"), [(image, image_values), (text, text_values)], ids=["image", "text"])
def test_what_the_widgets_say_becomes_a_config_and_the_same_again(settings, strategy, data):
    shown = data.draw(strategy(shared=False))
    config = built(settings, shown)
    assert used(settings.values(config)) == used(shown)
    assert TASKS[config.kind].read(config.to_json()) == config, "and it is valid, on disk as well"


@quickly
@given(data=st.data())
@pytest.mark.parametrize(("settings", "strategy"), [(image, image_values), (text, text_values)], ids=["image", "text"])
def test_a_link_brings_every_setting_to_somebody_else(settings, strategy, data):
    config = built(settings, data.draw(strategy(shared=True)))
    assert settings.from_link(settings.link(config)) == config


@pytest.mark.usefixtures("tl_home")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("kind", "asked"), [("image", {"augmentation": "light"}), ("text", {})])
def test_every_setting_has_a_widget(kind, asked, language):
    settings = room(TASKS[kind], "settings")
    drawn()
    brought = corpus.paste(
        "“The king” of the hill had nine sons, and the youngest was kind. " * 99, name="Kings", owner=ME
    )
    if kind == "text":
        asked = {"text": brought.id}
    test = opened(settings.PAGE, language, plan="two", backbone="vgg16", frozen="2", **asked)
    found = {widget.key for kind in WIDGETS for widget in test.get(kind) if widget.key}
    wanted = {name for name, each in settings.FIELDS.declared.items() if each.setting.shown}
    if kind == "text":
        lora = opened(settings.PAGE, language, method="lora", frozen="2", **asked)
        found |= {widget.key for kind in WIDGETS for widget in lora.get(kind) if widget.key}
    assert {settings.PREFIX + name for name in wanted} <= found


@pytest.mark.parametrize("settings", [image, text], ids=["image", "text"])
def test_no_link_names_a_place_on_this_computer(settings):
    config = settings.DEFAULT
    if settings is image:
        config = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, weights="/home/ada/w.h5"))
    else:
        config = dataclasses.replace(config, model="/home/ada/gpt2")
    said = settings.link(config)
    assert "ada" not in str(said)
    settings.from_link(said)
