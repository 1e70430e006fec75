"""What is declared once is enough to check, tell and compare every setting of every task."""

import dataclasses
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.base.settings import Declared
from tl_core.tasks.image_classification import config as image
from tl_core.tasks.registry import TASKS
from tl_core.tasks.text_classification import config as texts
from tl_core.tasks.text_generation import config as text

CONFIGS = {
    "image": image.RunConfig(
        image.DataConfig("pictures"),
        phases=(image.PhaseConfig(-1, 5), image.PhaseConfig(2, 3, 1e-5, "sgd", "fine-tuning", "cosine")),
    ),
    "text": text.TextConfig("a text", phases=(text.PhaseConfig(-1, 40), text.PhaseConfig(2, 60, 1e-5, "sgd"))),
    "text_classification": texts.TextClassificationConfig(
        texts.DataConfig("texts"),
        phases=(texts.PhaseConfig(-1, 5), texts.PhaseConfig(2, 3, 1e-5, "sgd", "fine-tuning", "cosine")),
    ),
}
SETTINGS = [(config, each) for config in CONFIGS.values() for each in settings.declared(type(config))]
IDS = [f"{config.kind}-{'.'.join(each.path)}" for config, each in SETTINGS]
quickly = runs(max_examples=20, deadline=None)
BESIDE = {"kind", "phases.name"}  # what it is, and what it is called: no settings


def anything(each: Declared) -> st.SearchStrategy:
    """Any allowed value of a setting."""
    about = each.setting
    if about.choices:
        return st.sampled_from(list(about.choices))
    if each.kind is bool:
        return st.booleans()
    if each.kind is str:
        return st.text(max_size=20)
    if each.kind is int:
        return st.integers(int(about.low), int(about.high))
    return st.floats(about.low, about.high)


def changed(config: Any, path: tuple[str, ...], value: Any) -> Any:
    """The config with one value changed; of a setting of phases, the last one's."""
    name, *rest = path
    part = getattr(config, name)
    if not rest:
        return dataclasses.replace(config, **{name: value})
    if isinstance(part, tuple):
        return dataclasses.replace(config, **{name: (*part[:-1], changed(part[-1], tuple(rest), value))})
    return dataclasses.replace(config, **{name: changed(part, tuple(rest), value)})


def names(config: type, before: str = "") -> list[str]:
    """The full names of all fields of a config that hold a value."""
    found, hints = [], typing.get_type_hints(config)
    for item in dataclasses.fields(config):
        part = hints[item.name]
        part = typing.get_args(part)[0] if typing.get_origin(part) is tuple else part
        inside = dataclasses.is_dataclass(part)
        found += names(part, f"{before}{item.name}.") if inside else [before + item.name]
    return found


def test_every_task_is_tested():
    assert {kind: type(config) for kind, config in CONFIGS.items()} == {
        kind: task.config for kind, task in TASKS.items()
    }


@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
def test_every_field_is_declared_and_no_two_are_called_the_same(config):
    declared = settings.declared(type(config))
    assert {".".join(each.path) for each in declared} == set(names(type(config))) - BESIDE
    for what in ("key", "label", "term"):
        called = [str(getattr(each.setting, what)) for each in declared]
        assert len(set(called)) == len(called)


@pytest.mark.parametrize(("config", "each"), SETTINGS, ids=IDS)
@quickly
@given(data=st.data())
def test_two_configs_that_differ_in_one_setting_differ_in_its_row_alone(config, each, data):
    value = data.draw(anything(each))
    other = changed(config, each.path, value)
    before, after = ({row.name: row for row in settings.rows(one)} for one in (config, other))
    differing = {name for name in before if before[name].values != after[name].values}
    assert differing == ({".".join(each.path)} if value != each.of(config)[-1] else set())
    assert differing == {name for name in before if before[name].text() != after[name].text()}, "and it reads so"


@pytest.mark.parametrize(("config", "each"), SETTINGS, ids=IDS)
@quickly
@given(data=st.data())
def test_what_is_allowed_is_taken_and_what_is_not_is_named(config, each, data):
    settings.validate(changed(config, each.path, data.draw(anything(each))))
    about = each.setting
    wrong = ["none of these"] if about.choices else []
    if each.kind in (int, float):
        wrong = [about.low - 1, about.high + 1, float("nan"), "3", True] + [about.high - 0.5] * (each.kind is int)
    for value in wrong:
        with pytest.raises(UserError) as error:
            settings.validate(changed(config, each.path, value))
        assert str(about.term) in str(error.value.what) and repr(value) in str(error.value.what)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_never_reads_like_another(number):
    assert float(settings.number(number).replace(",", "")) == number
    assert float(settings.rate(number).replace(",", "")) == number


def test_phases_are_told_beside_each_other_and_lengths_are_summed():
    told = {row.name: row.text() for row in settings.rows(CONFIGS["image"])}
    assert told["phases.learning_rate"] == "1e-3 → 1e-5"
    assert told["phases.epochs"] == "5 + 3"
    assert told["phases.frozen_blocks"] == "all → 2"
    one = dataclasses.replace(CONFIGS["image"], phases=CONFIGS["image"].phases[:1] * 2)
    assert {row.name: row.text() for row in settings.rows(one)}["phases.epochs"] == "5 + 5"
