"""The mirrored Keras script: it runs as printed, and trains the network that the settings describe."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tl_core.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.errors import UserError
from tl_core.vision import network, packages
from tl_core.vision.backbones import BACKBONES, parameter_counts
from tl_core.vision.code import keras_code

TWO_PHASES = RunConfig(
    DataConfig("d", validation=0.5),
    BackboneConfig("mobilenetv2_0.35", "random", 96),
    HeadConfig("average", 8, 0.2),
    (PhaseConfig(-1, 1, 1e-3), PhaseConfig(5, 1, 1e-5, "rmsprop", "fine-tuning")),
    batch_size=4,
    augmentation="light",
    early_stopping=3,
    label_smoothing=0.1,
    class_weights=True,
)


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    for name in ("daisy", "rose"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(6):
            pixels = random.integers(0, 255, (100, 120, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.jpg")
    return tmp_path


def test_the_script_runs_as_printed_and_counts_the_same_parameters(pictures, monkeypatch):
    monkeypatch.chdir(pictures)
    result = {}
    exec(compile(keras_code(TWO_PHASES, [6, 6]), "script", "exec"), result)  # what a reader copies and runs
    counts = parameter_counts(TWO_PHASES, classes=2, phase=1)
    model = result["model"]
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    everything = sum(int(np.prod(weight.shape)) for weight in (*model.trainable_weights, *result["base"].weights))
    assert trainable == counts.trainable
    assert everything - sum(int(np.prod(w.shape)) for w in result["base"].trainable_weights) == (
        counts.trainable + counts.frozen
    )
    assert (pictures / "model.keras").is_file()


@pytest.mark.parametrize("name", BACKBONES)
def test_the_script_of_every_backbone_is_python_and_short(name):
    row = BACKBONES[name]
    config = RunConfig(DataConfig("d"), BackboneConfig(name, "imagenet", row.default_size))
    script = keras_code(config, [10, 20, 30], "flowers")
    compile(script, "script", "exec")
    own = row.library != "keras.applications"  # then the script begins with the function that builds the network
    assert len(script.splitlines()) <= (80 if own else 28)
    assert f"{'' if own else 'keras.applications.'}{row.application}(" in script


def test_sigmoid_local_weights_and_precision_reach_the_script():
    config = RunConfig(
        DataConfig("d"),
        BackboneConfig("vgg16", "/weights/mine.h5", 150),
        HeadConfig("flatten", 256, 0.5, "sigmoid"),
        precision="mixed_bfloat16",
    )
    script = keras_code(config, [10, 10])
    assert "weights='/weights/mine.h5'" in script
    assert 'Dense(1, activation="sigmoid"' in script
    assert 'loss="binary_crossentropy"' in script
    assert 'set_dtype_policy("mixed_bfloat16")' in script
    smoothed = keras_code(replace(config, label_smoothing=0.2), [10, 10])
    assert "loss=keras.losses.BinaryCrossentropy(label_smoothing=0.2)" in smoothed
    assert "label_mode" not in smoothed


@pytest.mark.parametrize("weights", ["imagenet", "random"])
def test_the_script_builds_a_network_that_keras_does_not_have(weights, pictures, tl_home, monkeypatch):
    row = BACKBONES["efficientnet_lite0"]
    try:
        monkeypatch.chdir(packages.convert(row.package).parent)
    except UserError as error:
        pytest.skip(f"PACKAGE ABSENT: {error}")
    config = replace(TWO_PHASES, backbone=BackboneConfig(row.name, weights, 96))
    script = keras_code(config, [6, 6], str(pictures / "images"))
    result = {}
    exec(compile(script, "script", "exec"), result)
    base = result["base"]
    assert "tl_core" not in script.replace("python -m tl_core fetch", "")
    assert base.count_params() == row.parameters
    if weights == "imagenet":
        loaded = network.load_base(row, "imagenet", 96)
        frozen = base.get_layer("block3a_dwconv").kernel
        np.testing.assert_array_equal(np.asarray(frozen), np.asarray(loaded.get_layer("block3a_dwconv").kernel))


def test_the_script_loads_bundled_weights_from_their_file(monkeypatch):
    row = BACKBONES["mobilenetv2_0.5"]
    monkeypatch.chdir(row.bundled_file("bundled").parent)
    config = RunConfig(DataConfig("d"), BackboneConfig(row.name, "bundled", 96))
    script = keras_code(config, [10, 10])
    lines = script.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("base = "))
    result = {}
    exec("import keras\n" + "\n".join(lines[begin : begin + 3]), result)
    loaded = network.load_base(row, "bundled", 96)
    for one, other in zip(result["base"].weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
