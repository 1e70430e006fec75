"""Augmented views: always the same ones for the same picture and seed, and near enough to the picture."""

import numpy as np
import pytest
import tensorflow as tf

from tl_core.images import augmentation, decoding
from tl_core.images.pretrained.backbones import backbone
from tl_core.tasks.image_classification import network

SIDE = 128
IDS = ["a" * 64, "b" * 64, "c" * 64]


def smooth(height: int = 150, width: int = 180) -> np.ndarray:
    """A picture without symmetry and without edges."""
    y, x = np.mgrid[:height, :width]
    channels = [128 + 100 * np.sin(x / 25), 128 + 100 * np.cos(y / 31), 30 + 0.8 * x]
    return np.stack(channels, -1).astype("float32")


def view(strength: str, seed: tuple[int, int], pixels: np.ndarray) -> np.ndarray:
    return augmentation.augmenter(strength, SIDE)(tf.constant(pixels[None]), tf.constant(seed)).numpy()[0]


def central(pixels: np.ndarray) -> np.ndarray:
    """The central square at the network's size, as the preprocessing cuts it."""
    scaled = network.preprocessing(backbone("mobilenet_0.25"), SIDE)
    return scaled(pixels[None]).numpy()[0] * 127.5 + 127.5


def test_seeds_depend_on_picture_seed_and_view_alone():
    drawn = augmentation.seeds(IDS, 0, 1)
    assert drawn.shape == (3, 2)
    assert drawn.dtype == np.int32
    assert np.array_equal(augmentation.seeds(IDS[::-1], 0, 1)[::-1], drawn)
    several = {tuple(row) for seed in (0, 1) for number in (1, 2) for row in augmentation.seeds(IDS, seed, number)}
    assert len(several) == 12


@pytest.mark.parametrize("strength", augmentation.STRENGTHS)
def test_a_view_is_a_function_of_its_seed(strength):
    pixels = smooth()
    assert np.array_equal(view(strength, (1, 2), pixels), view(strength, (1, 2), pixels))
    assert not np.array_equal(view(strength, (1, 2), pixels), view(strength, (1, 3), pixels))


@pytest.mark.parametrize("strength", augmentation.STRENGTHS)
def test_views_have_the_networks_size_and_the_range_of_pixels(strength):
    for seed in range(10):
        for shape in ((150, 180), (320, 96), (100, 100)):
            made = view(strength, (seed, 7), smooth(*shape))
            assert made.shape == (SIDE, SIDE, 3)
            assert made.min() >= 0
            assert made.max() <= 255
            assert made.std() > 5


def test_without_strength_a_view_is_the_plain_picture_or_its_mirror_image(monkeypatch):
    monkeypatch.setitem(augmentation.STRENGTHS, "none", (0.0, 0.0, 0.0, 0.0, 0.0))
    pixels, plain = smooth(), central(smooth())
    mirrored = []
    for seed in range(20):
        made = view("none", (seed, 0), pixels)
        same, other = (np.abs(made - expected)[2:-2, 2:-2].max() for expected in (plain, plain[:, ::-1]))
        assert min(same, other) < 3 < max(same, other)
        mirrored.append(other < same)
    assert 4 <= sum(mirrored) <= 16


def test_light_views_stay_near_the_picture_and_strong_ones_go_further():
    pixels, plain = smooth(), central(smooth())

    def distance(strength: str) -> float:
        made = [view(strength, (seed, 5), pixels) for seed in range(20)]
        return float(np.mean([min(np.abs(v - plain).mean(), np.abs(v - plain[:, ::-1]).mean()) for v in made]))

    assert 1 < distance("light") < distance("strong") < 60


def test_the_network_sees_a_view_scaled_as_it_sees_the_picture():
    scaled = network.preprocessing(backbone("mobilenet_0.25"), SIDE)
    prepared = decoding.resizer(scaled, augmentation.augmenter("light", SIDE))
    pixels = smooth().round().astype("uint8")
    seed = np.array([3, 4], np.int32)
    expected = view("light", (3, 4), pixels.astype("float32")) / 127.5 - 1
    assert prepared(tf.constant(pixels), tf.constant(seed)).numpy() == pytest.approx(expected, abs=1e-4)
