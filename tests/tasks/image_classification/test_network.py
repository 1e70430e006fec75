"""Preprocessing, freezing, heads and the assembled model, on small real networks."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tl_core.base.errors import UserError
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import HeadConfig

SMALL = backbone("mobilenet_0.25")
HEAD = HeadConfig(units=8)


@pytest.fixture(scope="module")
def built() -> tuple[keras.Model, list[np.ndarray]]:
    """A random network whose BatchNorm statistics fit its activations, so that gradients reach the first layer; and
    its weights.
    """
    keras.utils.set_random_seed(0)
    model = network.load_base(SMALL, "random", 128)
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0
    model(np.random.default_rng(0).normal(size=(8, 128, 128, 3)), training=True)
    for layer in normalizations:
        layer.momentum = 0.99
    return model, model.get_weights()


@pytest.fixture
def base(built) -> keras.Model:
    """That network as it was built, whatever the test before made of it."""
    model, weights = built
    model.set_weights(weights)
    for layer in (model, *model.layers):
        layer.trainable = True
    return model


@pytest.fixture
def policy():
    """Set a dtype policy for one test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=shape).astype("uint8")


def values(weight: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(weight).copy()


def statistics(model: keras.Model) -> dict[str, np.ndarray]:
    return {weight.path: values(weight) for weight in model.weights if "moving" in weight.path}


def fit_one_epoch(model: keras.Model, activations: np.ndarray) -> None:
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    model.fit(activations, np.arange(len(activations)) % 2, batch_size=4, epochs=1, verbose=0)


@pytest.mark.parametrize("name", BACKBONES)
def test_pixels_are_scaled_as_keras_applications_scales_them(name):
    row = backbone(name)
    pixels = images(2, 64, 64, 3)
    module = {
        "VGG16": "vgg16",
        "VGG19": "vgg19",
        "ResNet50": "resnet50",
        "InceptionV3": "inception_v3",
        "Xception": "xception",
        "DenseNet121": "densenet",
        "MobileNet": "mobilenet",
        "MobileNetV2": "mobilenet_v2",
    }.get(row.application)
    if row.scaling == "lite":  # as Google's own preprocessing has it
        expected = (pixels.astype("float32") - 127.0) / 128.0
    elif module:
        expected = getattr(keras.applications, module).preprocess_input(pixels.astype("float32"))
    else:  # these scale inside the network: take what comes out of their last scaling layer
        whole = getattr(keras.applications, row.application)(
            weights=None, include_top=False, input_shape=(64, 64, 3), include_preprocessing=True
        )
        scaled = next(layer for layer in whole.layers if isinstance(layer, keras.layers.Normalization))
        expected = np.asarray(keras.Model(whole.input, scaled.output)(pixels))
    np.testing.assert_allclose(network.preprocessing(row, 64)(pixels), expected, atol=1e-4)


def test_any_size_and_any_number_type_come_in_and_the_middle_is_kept():
    model = network.preprocessing(SMALL, 128)
    for shape in ((1, 128, 128, 3), (3, 50, 200, 3), (2, 301, 97, 3)):
        pixels = images(*shape)
        assert model(pixels).shape == (shape[0], 128, 128, 3)
        np.testing.assert_array_equal(model(pixels), model(pixels.astype("float32")))
    wide = np.zeros((1, 128, 384, 3), "uint8")
    wide[:, :, 128:256] = 255  # only the centre square is white
    assert np.asarray(model(wide)).min() == 1.0


def test_preprocessing_stays_float32_under_mixed_precision(policy):
    pixels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1).repeat(3, axis=-1)
    exact = np.asarray(network.preprocessing(backbone("vgg16"), 16)(pixels))
    policy("mixed_bfloat16")
    mixed = network.preprocessing(backbone("vgg16"), 16)(pixels)
    assert mixed.dtype == "float32"
    np.testing.assert_array_equal(mixed, exact)


def test_a_plain_call_of_the_whole_model_runs_in_inference_mode(base):
    head = network.build_head(HEAD, 2, base.output.shape[1:])
    whole = network.assemble(network.preprocessing(SMALL, 128), base, head, 2)
    before = statistics(whole)
    pixels = images(4, 90, 130, 3)
    np.testing.assert_allclose(whole(pixels), whole.predict(pixels, verbose=0), atol=1e-6)
    for path, value in statistics(whole).items():
        np.testing.assert_array_equal(value, before[path])


@pytest.mark.parametrize("frozen", [0, 3, 5])
def test_pretrained_batch_norm_never_moves_while_its_block_is_trained(base, frozen):
    trunk, upper = network.split_base(base, SMALL, frozen)
    head = network.build_head(HEAD, 2, base.output.shape[1:])
    part = network.TrainedPart(upper, head, pretrained=True)
    weights = {weight.path: values(weight) for weight in base.weights}
    activations = np.asarray(trunk(network.preprocessing(SMALL, 128)(images(8, 128, 128, 3)), training=False))
    fit_one_epoch(part, activations)
    trained = {weight.path for weight in upper.trainable_weights}
    for weight in base.weights:
        changed = not np.array_equal(values(weight), weights[weight.path])
        assert changed == (weight.path in trained), weight.path
    assert any(path.endswith("gamma") for path in trained) == (frozen < 5)


def test_batch_norm_above_the_boundary_trains_from_scratch_and_below_it_stays(base):
    trunk, upper = network.split_base(base, SMALL, 3)
    head = network.build_head(HEAD, 2, base.output.shape[1:])
    part = network.TrainedPart(upper, head, pretrained=False)
    before = statistics(base)
    fit_one_epoch(part, np.asarray(trunk(np.random.default_rng(0).normal(size=(8, 128, 128, 3)), training=False)))
    above = statistics(upper)
    for path, value in statistics(base).items():
        assert np.array_equal(value, before[path]) == (path not in above), path
    assert above


def test_a_lower_boundary_afterwards_unfreezes_and_a_higher_one_freezes(base):
    for frozen in (5, 2, 4, 0):
        _, upper = network.split_base(base, SMALL, frozen)
        head = network.build_head(HEAD, 3, base.output.shape[1:])
        whole = network.assemble(network.preprocessing(SMALL, 128), base, head, 3)
        assert len(whole.trainable_weights) == len(upper.trainable_weights) + 4


@pytest.mark.parametrize(
    ("head", "classes", "parameters"),
    [
        (HeadConfig(pooling="average", units=256), 5, 525_829),
        (HeadConfig(pooling="average", units=0), 5, 2048 * 5 + 5),
        (HeadConfig(pooling="flatten", units=4, dropout=0.5, output="sigmoid"), 2, 2048 * 4 * 4 + 4 + 5),
    ],
)
def test_heads(head, classes, parameters):
    model = network.build_head(head, classes, (2, 2, 2048))
    assert model.count_params() == parameters
    probabilities = np.asarray(model(np.random.default_rng(0).normal(size=(3, 2, 2, 2048))))
    assert probabilities.shape == (3, 1 if head.output == "sigmoid" else classes)
    assert probabilities.min() > 0 and probabilities.max() < 1
    assert [layer.name for layer in model.layers if "dropout" in layer.name] == ["head_dropout"] * bool(head.dropout)


def test_the_seed_decides_the_head():
    first, same, other = (network.build_head(HEAD, 2, (2, 2, 4), seed=seed) for seed in (1, 1, 2))
    for a, b, c in zip(first.weights, same.weights, other.weights, strict=True):
        np.testing.assert_array_equal(values(a), values(b))
        if "kernel" in a.path:
            assert not np.array_equal(values(a), values(c))


def test_a_sigmoid_needs_two_classes():
    with pytest.raises(UserError, match="3"):
        network.build_head(HeadConfig(output="sigmoid"), 3, (2, 2, 4))


def test_probabilities_are_float32_under_mixed_precision(policy):
    policy("mixed_bfloat16")
    base = network.load_base(SMALL, "random", 128)
    head = network.build_head(HEAD, 2, base.output.shape[1:])
    whole = network.assemble(network.preprocessing(SMALL, 128), base, head, 2)
    assert base.output.dtype == "bfloat16"
    answer = whole(images(2, 128, 128, 3))
    assert answer.dtype == "float32"
    np.testing.assert_allclose(np.sum(answer, axis=-1), 1, atol=1e-6)


def test_a_sigmoid_model_answers_with_two_probabilities(base):
    head = network.build_head(HeadConfig(units=0, output="sigmoid"), 2, base.output.shape[1:])
    prepared = network.preprocessing(SMALL, 128)
    whole = network.assemble(prepared, base, head, 2)
    pixels = images(2, 100, 100, 3)
    of_one = np.asarray(head(base(prepared(pixels))))
    np.testing.assert_allclose(whole(pixels), np.concatenate([1 - of_one, of_one], axis=1), atol=1e-6)


SAVED = ("vgg16", "mobilenet_0.25", "xception", "efficientnetv2b0", "convnexttiny")
OPENED = """
import json, sys
import keras, numpy
said = {}
for name in sys.argv[1:]:
    model, pixels = keras.models.load_model(f"{name}.keras"), numpy.load(f"{name}.npy")
    said[name] = {
        "called": numpy.asarray(model(pixels)).tolist(),
        "predicted": model.predict(pixels, verbose=0).tolist(),
        "trainable": len(model.trainable_weights),
    }
assert "tl_core" not in sys.modules
json.dump(said, open("said.json", "w"))
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict, dict]]:
    """What each saved network says here, and in one fresh process for all that has Keras alone."""
    folder, here = tmp_path_factory.mktemp("saved"), {}
    for name in SAVED:
        row = backbone(name)
        size = min(row.sizes)
        base = network.load_base(row, "random", size)
        network.split_base(base, row, len(row.blocks) - 1)
        head = network.build_head(HEAD, 3, base.output.shape[1:])
        whole = network.assemble(network.preprocessing(row, size), base, head, 3)
        for block in row.blocks:
            assert whole.get_layer(block.cut) is base.get_layer(block.cut)
        assert len({weight.path for weight in whole.weights}) == len(whole.weights)
        pixels = images(2, 120, 77, 3)
        whole.save(folder / f"{name}.keras")
        np.save(folder / f"{name}.npy", pixels)
        here[name] = {"probabilities": np.asarray(whole(pixels)), "trainable": len(whole.trainable_weights)}
    command = [sys.executable, "-P", "-c", OPENED, *SAVED]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    there = json.loads((folder / "said.json").read_text())
    return {name: (here[name], there[name]) for name in SAVED}


@pytest.mark.timeout(900)  # the first one waits for all
@pytest.mark.parametrize("name", SAVED)
def test_the_saved_model_is_flat_and_opens_with_keras_alone(name, opened):
    here, there = opened[name]
    assert np.abs(here["probabilities"] - there["called"]).max() < 1e-5
    assert np.abs(here["probabilities"] - there["predicted"]).max() < 1e-5
    assert here["trainable"] == there["trainable"]


def test_names_do_not_depend_on_what_was_built_before():
    first, second = (network.load_base(backbone("xception"), "random", 96) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]


def test_an_image_size_that_is_not_offered_is_refused():
    with pytest.raises(UserError, match="130"):
        network.load_base(SMALL, "random", 130)


# Weights ----------------------------------------------------------------------------------------------------


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "keras"
    (folder / "models").mkdir(parents=True)
    monkeypatch.setenv("KERAS_HOME", str(folder))
    monkeypatch.setenv("TL_WEIGHTS_URL", "http://127.0.0.1:9/")  # nobody listens: a download would fail
    return folder / "models"


def test_the_real_imagenet_weights_are_loaded_from_keras_cache(shared, keras_home):
    import h5py

    file = shared / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    (keras_home / file.name).symlink_to(file)
    said = []
    base = network.load_base(SMALL, "imagenet", 224, emit=said.append)
    with h5py.File(file) as saved:
        for layer in base.layers:
            if layer.weights:
                group = saved[layer.name]
                names = [name.decode() for name in group.attrs["weight_names"]]
                kinds = {name.split("/")[-1].split(":")[0]: np.asarray(group[name]) for name in names}
                for weight in layer.weights:
                    kind = weight.path.split("/")[-1]
                    kind = "depthwise_kernel" if kind == "kernel" and "conv_dw" in layer.name else kind
                    np.testing.assert_array_equal(
                        values(weight), kinds[kind].reshape(weight.shape), err_msg=weight.path
                    )
    assert "Keras' cache" in str(said[0].message) and file.name in str(said[0].message)


def test_real_weights_tell_flowers_apart_and_random_ones_do_not(shared, keras_home):
    """Nearest class mean on pooled features: 20 photos a class to learn from, 20 to ask."""
    import io
    import zipfile

    from PIL import Image

    file = shared / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    (keras_home / file.name).symlink_to(file)
    with zipfile.ZipFile(shared / "data" / "flowers.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        classes = sorted({name.split("/")[-2] for name in names})
        photos = [
            np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB").resize((224, 224)))
            for one in classes
            for name in [name for name in names if name.split("/")[-2] == one][:40]
        ]
    prepared = network.preprocessing(SMALL, 224)(np.stack(photos))

    def accuracy(weights: str) -> float:
        keras.utils.set_random_seed(0)
        features = network.load_base(SMALL, weights, 224).predict(prepared, verbose=0).mean(axis=(1, 2))
        features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
        grouped = features.reshape(len(classes), 40, -1)
        means = grouped[:, :20].mean(axis=1)
        distances = ((grouped[:, 20:, None] - means[None, None]) ** 2).sum(axis=-1)
        return float((distances.argmin(axis=-1) == np.arange(len(classes))[:, None]).mean())

    assert accuracy("imagenet") > 0.65
    assert accuracy("random") < 0.45


def test_weights_that_cannot_be_had_are_never_replaced_by_random_ones(keras_home, monkeypatch):
    from tl_core.base import download

    monkeypatch.setattr(download, "PAUSE", 0.01)
    with pytest.raises(UserError, match=r"mobilenet_2_5_224_tf_no_top.h5.*python -m tl_core fetch mobilenet_0.25"):
        network.load_base(SMALL, "imagenet", 224)


def test_a_local_file_is_loaded_in_each_of_the_three_forms(base, tmp_path):
    base.save_weights(tmp_path / "base.weights.h5")
    head = network.build_head(HEAD, 2, base.output.shape[1:])
    network.assemble(network.preprocessing(SMALL, 128), base, head, 2).save(tmp_path / "run.keras")
    base.save(tmp_path / "whole.keras")
    for name in ("base.weights.h5", "run.keras", "whole.keras"):
        said = []
        again = network.load_base(SMALL, str(tmp_path / name), 160, emit=said.append)
        for one, other in zip(base.weights, again.weights, strict=True):
            np.testing.assert_array_equal(values(one), values(other))
        assert name in str(said[0].message)


def test_a_file_that_does_not_fit_says_what_was_expected(base, tmp_path):
    base.save_weights(tmp_path / "quarter.weights.h5")
    base.save(tmp_path / "quarter.keras")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "quarter.weights.h5").read_bytes()[:5000])
    (tmp_path / "page.keras").write_text("<html>")
    for name in ("quarter.weights.h5", "quarter.keras", "cut.h5", "page.keras"):
        with pytest.raises(UserError) as error:
            network.load_base(backbone("mobilenet_0.5"), str(tmp_path / name), 128)
        assert all(part in str(error.value.what) for part in (name, "MobileNet 0.5", "829536"))


@pytest.mark.parametrize(("name", "said"), [("absent.h5", "absent.h5"), ("notes.txt", "notes.txt")])
def test_a_path_that_is_no_weights_file_is_named(tmp_path, name, said):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=said):
        network.load_base(SMALL, str(tmp_path / name), 128)


def test_a_file_that_lacks_a_layer_is_refused(base, tmp_path):
    import h5py

    path = tmp_path / "base.weights.h5"
    base.save_weights(path)
    with h5py.File(path, "r+") as file:
        group = next(name for name in file["layers"] if "batch" in name)
        del file["layers"][group]
    with pytest.raises(UserError, match=r"base.weights.h5"):
        network.load_base(SMALL, str(path), 128)


def test_the_imagenet_classifier_takes_raw_pixels(keras_home, monkeypatch):
    """The official file with top is not here, so a random one in the same format stands in its place."""
    direct = keras.applications.MobileNet(alpha=0.25, weights=None)
    direct.save(keras_home / SMALL.weights_file(224, top=True).name)
    model = network.load_with_top(SMALL)
    pixels = images(2, 224, 224, 3)
    expected = direct(keras.applications.mobilenet.preprocess_input(pixels.astype("float32")))
    np.testing.assert_allclose(model(pixels), expected, atol=1e-6)
    assert model(images(1, 80, 300, 3)).shape == (1, 1000)
