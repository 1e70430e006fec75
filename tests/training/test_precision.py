"""The dtype policy that "auto" stands for."""

from pathlib import Path

import pytest

from tl_core.base.errors import Stopped
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, RunConfig
from tl_core.tasks.image_classification.learner import ImageLearner
from tl_core.tasks.text_generation import learner
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.learner import TextLearner
from tl_core.tasks.text_generation.steps import bfloat16_gain
from tl_core.training import precision


def resolved(asked, name):
    """What images with this backbone are computed in."""
    config = RunConfig(DataConfig("x"), BackboneConfig(name), precision=asked)
    return ImageLearner(config, None, Path("nowhere"), None, None).precision()


def test_a_choice_is_respected():
    assert resolved("mixed_float16", "mobilenet") == "mixed_float16"
    assert resolved("float32", "vgg16") == "float32"


@pytest.mark.parametrize(
    ("name", "gain", "expected"),
    [("vgg16", 1.9, "mixed_bfloat16"), ("vgg16", 0.5, "float32"), ("mobilenet", 1.9, "float32")],
)
def test_a_cpu_uses_bfloat16_where_it_pays(name, gain, expected, monkeypatch):
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision, "convolution_gain", lambda should_stop: gain)
    assert resolved("auto", name) == expected


@pytest.mark.parametrize(
    ("model", "gain", "expected"),
    [("gpt2", 1.9, "mixed_bfloat16"), ("gpt2", 0.5, "float32"), ("tales", 1.9, "mixed_bfloat16")],
)
def test_a_language_model_uses_bfloat16_where_a_block_gains(model, gain, expected, monkeypatch):
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(learner, "bfloat16_gain", lambda *sizes_and_stop: gain)
    text = TextLearner(TextConfig("x", model), None, Path("nowhere"), None, None)
    assert text.precision() == expected


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32"), (None, "float32")],
)
def test_a_gpu_uses_what_its_tensor_cores_know(capability, expected, monkeypatch):
    details = {"compute_capability": capability} if capability else {}
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: details)
    assert resolved("auto", "mobilenet") == expected


@pytest.mark.parametrize(
    ("measure", "sizes"),
    [(precision.convolution_gain, ()), (bfloat16_gain, (64, 2, 2, 32))],
    ids=["images", "text"],
)
def test_the_measurement_is_made_once_and_asks_on_its_way_whether_to_stop(measure, sizes):
    precision._gains.clear()
    asked = []
    gain = measure(*sizes, lambda: bool(asked.append(1)))
    assert 0.05 < gain < 20
    assert len(asked) == 12, "before each of six turns of both"
    assert measure(*sizes, lambda: True) is gain


def test_a_measurement_is_over_at_the_first_yes_and_nothing_is_known():
    precision._gains.clear()
    asked = []
    with pytest.raises(Stopped):
        precision.convolution_gain(lambda: bool(asked.append(1)) or len(asked) == 3)
    assert len(asked) == 3 and not precision._gains


def test_a_gpu_is_named_and_its_memory_grows_as_needed(monkeypatch):
    grown = []
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: {"device_name": "Tesla"})
    monkeypatch.setattr(precision.tf.config.experimental, "set_memory_growth", lambda gpu, on: grown.append((gpu, on)))
    assert precision.device() == "Tesla"
    assert grown == [("gpu", True)]


def test_a_gpu_already_in_use_keeps_its_settings(monkeypatch):
    def refuse(gpu, on):
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: {})
    monkeypatch.setattr(precision.tf.config.experimental, "set_memory_growth", refuse)
    assert precision.device() == "GPU"


def test_without_a_gpu_the_device_is_the_cpu(monkeypatch):
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    assert precision.device() == "CPU"


def test_a_policy_is_in_force_inside_its_block_alone():
    before = precision.keras.config.dtype_policy().name
    with pytest.raises(ZeroDivisionError), precision.policy("mixed_float16"):
        assert precision.keras.config.dtype_policy().name == "mixed_float16"
        assert precision.scales_loss()
        raise ZeroDivisionError
    assert precision.keras.config.dtype_policy().name == before
    assert not precision.scales_loss()
