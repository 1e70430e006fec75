"""The mirrored Keras script: it runs as printed, and trains the network that the settings describe."""

import re
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.images.test_augmentation import smooth
from tests.tasks.image_classification import toys
from tl_core.base.errors import UserError
from tl_core.images import augmentation
from tl_core.images.data import dataset as datasets
from tl_core.images.pretrained import packages
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.code import _augmentation, keras_code
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.packing import script_zip
from tl_core.tasks.image_classification.parameters import parameter_counts

TWO_PHASES = RunConfig(
    DataConfig("d", validation=0.5),
    BackboneConfig("mobilenet_0.25", "random", 128),
    HeadConfig("average", 8, 0.2),
    (PhaseConfig(-1, 1, 1e-3), PhaseConfig(4, 1, 1e-5, "rmsprop", "fine-tuning")),
    batch_size=4,
    augmentation="light",
    early_stopping=3,
    label_smoothing=0.1,
    class_weights=True,
)


@pytest.fixture
def pictures(tl_home):
    return toys.dataset({"daisy": 6, "rose": 6})


def _run(config, place, monkeypatch):
    """Unpack what is downloaded, run the script there as it is, and return what it has defined."""
    with script_zip(config) as packed, zipfile.ZipFile(packed) as archive:
        archive.extractall(place)
    assert not packed.exists()
    monkeypatch.chdir(place)
    result = {}
    exec(compile((place / "train.py").read_text(encoding="utf-8"), "train.py", "exec"), result)
    return result


def test_the_script_as_downloaded_runs_and_keeps_the_best_weights(pictures, tmp_path, monkeypatch):
    roses = [image.key for image in pictures.images if image.label == 1]
    made = datasets.relabel(pictures, roses[:3], "rose/wild?")
    too_fast = PhaseConfig(4, 1, 5.0, "sgd", "fine-tuning")
    config = replace(TWO_PHASES, data=DataConfig(made.id, validation=0.5), phases=(TWO_PHASES.phases[0], too_fast))
    result = _run(config, tmp_path, monkeypatch)
    assert result["classes"] == ["daisy", "rose", "rose_wild_"]
    kept = keras.models.load_model("model.keras")
    plain = keras.metrics.CategoricalCrossentropy()
    for images, labels in (result["validation"][number] for number in range(len(result["validation"]))):
        plain.update_state(labels, kept(images, training=False))  # else pictures are varied
    assert float(plain.result()) == pytest.approx(result["best"].best, abs=1e-3), "not smoothed"
    counts = parameter_counts(config, classes=3, phase=1)
    model = result["model"]
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    everything = sum(int(np.prod(weight.shape)) for weight in (*model.trainable_weights, *result["base"].weights))
    assert trainable == counts.trainable
    assert everything - sum(int(np.prod(w.shape)) for w in result["base"].trainable_weights) == (
        counts.trainable + counts.frozen
    )


@pytest.mark.parametrize("name", BACKBONES)
def test_the_script_of_every_backbone_is_python_and_short(name):
    row = BACKBONES[name]
    config = RunConfig(DataConfig("d"), BackboneConfig(name, "imagenet", row.default_size))
    script = keras_code(config, [10, 20, 30], ["a", "b", "c"])
    compile(script, "script", "exec")
    own = row.library != "keras.applications"  # then the script begins with the function that builds the network
    assert len(script.splitlines()) <= (122 if own else 70)
    assert f"{'' if own else 'keras.applications.'}{row.application}(" in script


def test_a_mistake_on_purpose_is_in_the_script_or_in_what_it_learns_from(pictures):
    base = replace(
        TWO_PHASES, data=DataConfig(pictures.id, 0.5), backbone=BackboneConfig("mobilenet_0.25", "mine.h5", 128)
    )
    sound = keras_code(base, [3, 3], ["daisy", "rose"])
    assert "preprocess_input" in sound and "keeps the statistics" in sound
    wrong = keras_code(replace(base, mistake="scaling"), [3, 3], ["daisy", "rose"])
    assert "preprocess_input" not in wrong and "Rescaling(1 / 255)" in wrong
    assert "keeps the statistics" not in keras_code(replace(base, mistake="batchnorm"), [3, 3], ["daisy", "rose"])

    def packed(**changes):
        with (
            script_zip(replace(base, backbone=TWO_PHASES.backbone, **changes)) as path,
            zipfile.ZipFile(path) as archive,
        ):
            files = [name.split("/") for name in archive.namelist() if name.endswith(".jpg")]
        return {
            part: {file: label for where, label, file in files if where == part} for part in ("training", "validation")
        }

    plain, labels, leak = packed(), packed(mistake="labels"), packed(mistake="leak")
    assert labels["validation"] == leak["validation"] == plain["validation"]
    assert labels["training"].keys() == plain["training"].keys() and labels["training"] != plain["training"]
    assert leak["training"] == plain["training"] | plain["validation"]


def test_sigmoid_local_weights_and_precision_reach_the_script():
    config = RunConfig(
        DataConfig("d"),
        BackboneConfig("vgg16", "/weights/mine.h5", 150),
        HeadConfig("flatten", 256, 0.5, "sigmoid"),
        precision="mixed_bfloat16",
    )
    script = keras_code(config, [10, 10], ["a", "b"])
    assert "weights='mine.h5'" in script, "which lies beside it"
    assert re.search(r"Dense\(\s*1, activation=\"sigmoid\"", script)
    assert 'loss="binary_crossentropy"' in script
    assert 'set_dtype_policy("mixed_bfloat16")' in script
    varied = keras_code(replace(config, augmentation="light"), [10, 10], ["a", "b"])
    assert 'RandomZoom(0.12, dtype="float32")' in varied, "pixels as they are do not fit into bfloat16"
    smoothed = keras_code(replace(config, label_smoothing=0.2), [10, 10], ["a", "b"])
    assert "loss=keras.losses.BinaryCrossentropy(label_smoothing=0.2)" in smoothed
    assert "to_categorical" not in smoothed


@pytest.mark.parametrize("weights", ["imagenet", "random"])
def test_the_script_builds_a_network_that_keras_does_not_have(weights, pictures, tmp_path, monkeypatch):
    row = BACKBONES["efficientnet_lite0"]
    try:
        packages.convert(row.package)
    except UserError as error:
        pytest.skip(f"PACKAGE ABSENT: {error}")
    config = replace(
        TWO_PHASES,
        data=DataConfig(pictures.id, validation=0.5),
        backbone=BackboneConfig(row.name, weights, 96),
        phases=TWO_PHASES.phases[:1],
    )
    base = _run(config, tmp_path, monkeypatch)["base"]
    assert "tl_core" not in (tmp_path / "train.py").read_text(encoding="utf-8")
    assert base.count_params() == row.parameters
    if weights == "imagenet":
        loaded = network.load_base(row, "imagenet", 96)
        frozen = base.get_layer("block3a_dwconv").kernel
        np.testing.assert_array_equal(np.asarray(frozen), np.asarray(loaded.get_layer("block3a_dwconv").kernel))


def test_the_script_loads_bundled_weights_from_their_file(monkeypatch):
    row = BACKBONES["mobilenetv2_0.5"]
    monkeypatch.chdir(row.bundled_file("bundled").parent)
    config = RunConfig(DataConfig("d"), BackboneConfig(row.name, "bundled", 96))
    script = keras_code(config, [10, 10], ["a", "b"])
    lines = script.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("base = "))
    result = {}
    exec("import keras\n" + "\n".join(lines[begin : begin + 3]), result)
    loaded = network.load_base(row, "bundled", 96)
    for one, other in zip(result["base"].weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_a_class_without_training_pictures_does_not_change_the_weight_of_the_others():
    script = keras_code(replace(TWO_PHASES, class_weights=True), [30, 0, 10], ["a", "b", "c"])
    assert "class_weight={0: 0.666667, 2: 2.0}" in script


def test_the_layers_of_the_script_vary_pictures_as_far_as_the_app_does():
    pixels = np.stack([smooth(150, 150)] * 200)
    for strength in ("light", "strong"):
        layers = [layer for layer in _augmentation(replace(TWO_PHASES, augmentation=strength)) if "keras" in layer]
        names = {"keras": keras, "x": keras.Input((150, 150, 3))}
        before = names["x"]
        exec("\n".join(layers), names)
        keras.utils.set_random_seed(0)
        theirs = np.asarray(keras.Model(before, names["x"])(pixels, training=True))
        augment = augmentation.augmenter(strength, 150)
        ours = np.stack([augment(pixels[:1], tf.constant((number, 3))).numpy()[0] for number in range(len(pixels))])
        for figure in (_brightness, _contrast, _difference):
            said = [figure(views, pixels) for views in (ours, theirs)]
            assert said[0] == pytest.approx(said[1], rel=0.12), (strength, figure.__name__)


def _brightness(views, pixels):
    return views.mean((1, 2, 3)).std()


def _contrast(views, pixels):
    return views.std((1, 2)).std()


def _difference(views, pixels):
    """How far a view is from its picture, or from the picture's mirror image: how many are mirrored is chance."""
    plain, mirrored = (np.abs(views - seen).mean((1, 2, 3)) for seen in (pixels, pixels[:, :, ::-1]))
    return np.minimum(plain, mirrored).mean()
