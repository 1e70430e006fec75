"""A config is the whole experiment: it survives JSON, its hash tells experiments apart, and bad values are named."""

import dataclasses
import json

import pytest

from tl_core.base.errors import UserError
from tl_core.tasks.image_classification.config import (
    BackboneConfig,
    DataConfig,
    HeadConfig,
    PhaseConfig,
    RunConfig,
    run_config,
    validate,
)

CONFIG = RunConfig(
    data=DataConfig("0123456789abcdef", validation=0.25, test=0.1, seed=3),
    backbone=BackboneConfig("vgg16", "random", 150),
    head=HeadConfig("flatten", 256, 0.5, "sigmoid"),
    phases=(PhaseConfig(-1, 3, 1e-3, "adam", "head"), PhaseConfig(4, 2, 1e-5, "rmsprop", "fine-tuning")),
    augmentation="light",
    seed=11,
)


def changed(**changes: object) -> RunConfig:
    return dataclasses.replace(CONFIG, **changes)


def test_json_round_trip():
    again = run_config(json.loads(json.dumps(CONFIG.to_json())))
    assert again == CONFIG
    assert again.epochs == 5


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (changed(phases=()), "phase"),
        (changed(batch_size=0), "batch size"),
        (changed(batch_size=1.5), "batch size"),
        (changed(batch_size=True), "batch size"),
        (changed(batch_size="32"), "batch size"),
        (changed(seed=-1), "seed"),
        (changed(views=65), "cached views"),
        (changed(augmentation="wild"), "augmentation"),
        (changed(precision="float64"), "precision"),
        (changed(early_stopping=-1), "early stopping"),
        (changed(data=DataConfig("x", validation=0.7, test=0.7)), "together"),
        (changed(data=DataConfig("x", validation=-0.1)), "validation fraction"),
        (changed(data=DataConfig("x", test=float("nan"))), "test fraction"),
        (changed(head=HeadConfig(dropout=1.0)), "dropout"),
        (changed(head=HeadConfig(units=-1)), "hidden units"),
        (changed(head=HeadConfig(pooling="max")), "pooling"),
        (changed(head=HeadConfig(output="relu")), "output"),
        (changed(backbone=BackboneConfig(image_size=16)), "image size"),
        (changed(phases=(PhaseConfig(-2, 1),)), "frozen blocks"),
        (changed(phases=(PhaseConfig(0, 0),)), "epochs"),
        (changed(phases=(PhaseConfig(0, 1, 0.0),)), "learning rate"),
        (changed(phases=(PhaseConfig(0, 1, optimizer="lion"),)), "optimizer"),
    ],
)
def test_a_value_out_of_range_is_named(config: RunConfig, named: str):
    with pytest.raises(UserError, match=named):
        validate(config)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        "text",
        None,
        {**CONFIG.to_json(), "colour": "red"},
        {**CONFIG.to_json(), "data": None},
        {**CONFIG.to_json(), "phases": 3},
        {key: value for key, value in CONFIG.to_json().items() if key != "head"},
    ],
)
def test_what_is_no_config_is_a_user_error(broken: object):
    with pytest.raises(UserError, match="cannot be read"):
        run_config(broken)
