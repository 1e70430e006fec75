"""The dtype policy that "auto" stands for."""

import time

import pytest

from tl_core.images.pretrained.backbones import backbone
from tl_core.training import precision


def test_a_choice_is_respected():
    assert precision.resolve("mixed_float16", backbone("mobilenet")) == "mixed_float16"
    assert precision.resolve("float32", backbone("vgg16")) == "float32"


@pytest.mark.parametrize(
    ("name", "gain", "expected"),
    [("vgg16", 1.9, "mixed_bfloat16"), ("vgg16", 0.5, "float32"), ("mobilenet", 1.9, "float32")],
)
def test_a_cpu_uses_bfloat16_where_it_pays(name, gain, expected, monkeypatch):
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision, "bfloat16_gain", lambda: gain)
    assert precision.resolve("auto", backbone(name)) == expected


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32"), (None, "float32")],
)
def test_a_gpu_uses_what_its_tensor_cores_know(capability, expected, monkeypatch):
    details = {"compute_capability": capability} if capability else {}
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(precision.tf.config.experimental, "get_device_details", lambda gpu: details)
    assert precision.resolve("auto", backbone("mobilenet")) == expected


def test_the_measurement_is_quick_and_made_once():
    precision.bfloat16_gain.cache_clear()
    began = time.perf_counter()
    gain = precision.bfloat16_gain()
    assert time.perf_counter() - began < 5
    assert 0.05 < gain < 20
    assert precision.bfloat16_gain() is gain


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
