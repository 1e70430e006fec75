"""The tasks' registry: what is read of a config.json, whichever task it is of."""

import dataclasses

import pytest

from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.base.metrics import METRICS
from tl_core.images.data.split import DataConfig
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig, PhaseConfig, RunConfig
from tl_core.tasks.registry import TASKS
from tl_core.tasks.text_classification import config as texts
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data.labelled import DataConfig as LabelledConfig

CONFIGS = {
    "image": RunConfig(DataConfig("0123")),
    "text": TextConfig("0123"),
    "text_classification": TextClassificationConfig(LabelledConfig("0123")),
}


@pytest.mark.parametrize("kind", TASKS)
def test_a_config_is_read_as_it_was_written_and_knows_its_task(kind: str):
    config = CONFIGS[kind]
    assert registry.config(config.to_json()) == config
    assert registry.of(config) is TASKS[kind]
    assert isinstance(config, TASKS[kind].config)


def test_a_row_cannot_be_changed_and_says_what_it_is_for_a_reader():
    for task in TASKS.values():
        assert isinstance(task.title, Message) and isinstance(task.lighter, Message)
        with pytest.raises(dataclasses.FrozenInstanceError):
            task.name = "another"


def test_what_is_shown_of_a_run_are_known_metrics_and_what_is_minimised():
    for task in TASKS.values():
        assert set(task.metrics) <= METRICS.keys()
        assert "loss" in task.metrics


def test_a_file_of_the_first_version_says_no_kind():
    old = {name: value for name, value in CONFIGS["image"].to_json().items() if name != "kind"}
    assert registry.config(old) == CONFIGS["image"]


@pytest.mark.parametrize("kind", ["sound", "", 7, None, ["text"]])
def test_an_unknown_task_is_explained(kind: object):
    with pytest.raises(UserError, match="no task is called"):
        registry.config(CONFIGS["text"].to_json() | {"kind": kind})


@pytest.mark.parametrize("data", [None, 7, "text", [], {"kind": "text"}, {"kind": "image"}])
def test_what_is_no_config_is_explained(data: object):
    with pytest.raises(UserError, match="cannot be read"):
        registry.config(data)


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(DataConfig("0123"), phases=(PhaseConfig(99, 1),)),
        RunConfig(DataConfig("0123"), BackboneConfig("no_such_net")),
        TextConfig("0123", "tales").with_phase(frozen_blocks=99),
        TextClassificationConfig(LabelledConfig("0123"), phases=(texts.PhaseConfig(99, 1),)),
        TextClassificationConfig(LabelledConfig("0123"), texts.EncoderConfig("no_such_net")),
    ],
)
def test_more_frozen_blocks_than_there_are_or_no_such_network_is_explained(config: registry.Config):
    with pytest.raises(UserError):
        registry.config(config.to_json())


def test_the_networks_name_is_for_a_reader():
    assert registry.title(TextConfig("0123", "gpt2")) == "GPT-2 (124M)"
    assert registry.title(TextConfig("0123", "/models/mine")) == "mine"
    assert registry.title(RunConfig(DataConfig("0123"), BackboneConfig("vgg16"))) == "VGG16"
    assert registry.title(CONFIGS["text_classification"]) == "MiniLM-L6"
