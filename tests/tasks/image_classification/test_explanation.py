"""Why: maps of networks of which it is known what they look at."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tl_core.images.pretrained.backbones import backbone
from tl_core.tasks.image_classification import explanation, network
from tl_core.tasks.image_classification.channels import ChannelReader
from tl_core.tasks.image_classification.config import HeadConfig
from tl_core.tasks.image_classification.explanation import Explainer

GREY, RED = 0, 1
SIDE = 64


def red_detector(scale: float = 60.0) -> keras.Model:
    """Says "red" where a place is redder than it is green: one channel of 8 x 8 maps, averaged."""
    pixels = keras.Input((SIDE, SIDE, 3))
    redness = keras.layers.Conv2D(2, 8, strides=8, activation="relu", name="redness")
    x = keras.layers.GlobalAveragePooling2D()(redness(keras.layers.Rescaling(1 / 255)(pixels)))
    verdict = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(pixels, verdict(x))
    kernel = np.zeros((8, 8, 3, 2), np.float32)
    kernel[..., 0, 0], kernel[..., 1, 0] = 1 / 64, -1 / 64
    redness.set_weights([kernel, np.zeros(2)])
    verdict.set_weights([np.array([[-scale, scale], [0, 0]]), np.array([1.0, -1.0])])
    return model


def explainer(model: keras.Model) -> Explainer:
    return Explainer(model, model.input, lambda pixels: model(pixels, training=False))


@pytest.fixture(scope="module")
def red() -> Explainer:
    return explainer(red_detector())


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Grey, and a red square at the bottom left."""
    pixels = np.random.default_rng(0).uniform(110, 140, (SIDE, SIDE, 1)).repeat(3, -1).astype(np.float32)
    pixels[40:56, 8:24] = (220, 20, 20)
    return pixels


def test_channels_are_what_the_blocks_end_with_and_those_that_vary_most_come_first(picture: np.ndarray):
    model = red_detector()
    reader = ChannelReader(model, model.input, {"first": "redness"})
    found = reader.read(picture, "first")
    maps = np.asarray(keras.Model(model.input, model.get_layer("redness").output)(picture[None]))[0]
    assert (found.block, found.total, found.flat) == ("first", 2, 1), "the second channel sees nothing"
    assert [channel.number for channel in found.shown] == [0, 1]
    np.testing.assert_allclose(found.shown[0].values, maps[..., 0], atol=1e-5)
    assert np.argwhere(maps[..., 0] > 0.5).tolist() == [[5, 1], [5, 2], [6, 1], [6, 2]], "where it is red"


@pytest.mark.parametrize("method", ["grad_cam", "occlusion"])
def test_the_map_marks_the_place_that_decides(red: Explainer, picture: np.ndarray, method: str):
    found = red.map(picture, RED, method)
    assert found.shape == (8, 8)
    inside = np.zeros((8, 8), bool)
    inside[5:7, 1:3] = True
    assert found[inside].min() > found[~inside].max()
    assert found[:3, 4:].max() < 1e-6, "far from it nothing speaks for red"


def test_nothing_that_is_red_speaks_for_grey(red: Explainer, picture: np.ndarray):
    assert red.map(picture, GREY, "grad_cam").max() <= 0
    assert red.map(picture, GREY, "occlusion").min() < -0.1, "covering the red square makes it likelier"
    np.testing.assert_allclose(red.map(picture, GREY, "occlusion"), -red.map(picture, RED, "occlusion"), atol=1e-5)


def test_a_certain_network_still_has_a_map(picture: np.ndarray):
    """Its probability is 1 in float32, whose gradient is nothing; its score's is not."""
    certain = explainer(red_detector(scale=6000.0))
    assert certain.probabilities([picture], RED)[0] == 1
    assert certain.map(picture, RED, "grad_cam").max() == 1


def test_a_map_that_marks_what_counts_passes_and_another_one_does_not(red: Explainer, picture: np.ndarray):
    good = red.check(picture, RED, "grad_cam", red.map(picture, RED, "grad_cam"))
    assert good.shares[0] == 0 and good.marked[0] == good.random[0] > 0.9
    assert good.marked[1] < 0.5 < good.random[1], "a tenth is enough where it is the right one"
    wrong = np.zeros((8, 8), np.float32)
    wrong[:4] = 1.0
    bad = red.check(picture, RED, "grad_cam", wrong)
    assert bad.marked[3] > bad.random[3], "half the picture without the red square"


def test_shuffled_weights_give_another_map_and_are_put_back(picture: np.ndarray):
    model = red_detector()
    before = model.get_weights()
    red = explainer(model)
    found = red.map(picture, RED, "grad_cam")
    correlations = [red.check(picture, RED, "grad_cam", found, seed).correlation for seed in range(10)]
    assert np.mean(correlations) < 0.5 and len(set(correlations)) > 5
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(red.map(picture, RED, "grad_cam"), found)


def test_what_a_map_says_most_of_is_covered_first(picture: np.ndarray):
    values = np.arange(64, dtype=np.float32).reshape(8, 8)
    without = explanation.covered(picture, values, 0.25)
    changed = (without != picture).any(-1)
    assert changed.sum() == SIDE * SIDE / 4
    assert changed[-8:].all() and not changed[: SIDE // 2].any()
    assert explanation.correlation(values, values) == pytest.approx(1)
    assert explanation.correlation(values, np.ones((8, 8))) == 0


def test_a_network_with_a_sigmoid_and_one_with_imagenets_classifier_are_explained(tmp_path: Path):
    row = backbone("mobilenet_0.25")
    base = network.load_base(row, "random", 128)
    head = network.build_head(HeadConfig("flatten", 8, output="sigmoid"), 2, base.output_shape[1:])
    scaled = network.preprocessing(row, 128)
    two = network.assemble(scaled, base, head, 2)
    whole = network._application(row, include_top=True, input_shape=(128, 128, 3))
    many = keras.Model(scaled.input, network._apply(whole, scaled.output))
    for model, classes in ((two, 2), (many, 1000)):
        resized = next(layer.output for layer in model.layers if None not in layer.output.shape[1:])
        behind = keras.Model(resized, model.output)
        asked = Explainer(model, resized, lambda pixels, behind=behind: behind(pixels, training=False))
        pixels = np.random.default_rng(1).uniform(0, 255, (128, 128, 3)).astype(np.float32)
        maps = [asked.map(pixels, label, "grad_cam") for label in (0, 1)]
        assert maps[0].shape == (4, 4) and np.abs(maps[0]).max() == 1
        assert not np.array_equal(*maps)
        scores = asked._scores(tf.cast(asked._features(tf.constant(pixels[None])), tf.float32)).numpy()
        assert scores.shape == (1, classes)
        np.testing.assert_allclose(tf.nn.softmax(scores), behind(pixels[None], training=False), atol=1e-4)
