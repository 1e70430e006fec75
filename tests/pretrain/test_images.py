"""Pretraining with a tiny recipe: it learns, goes on where it stopped, and ends with weights and a card."""

import dataclasses
import io
import shutil
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from tests.tasks.image_classification.toys import jpeg
from tl_core import __main__ as command_line
from tl_core.images.pretrained import weights
from tl_core.pretrain import card, images, source_tasks
from tl_core.pretrain.images import Recipe

TINY = Recipe(alpha=0.35, image_size=48, epochs=2, batch_size=8, ema=0.5, warmup_epochs=0.5)
CONTRAST = dataclasses.replace(TINY, contrast=0.5)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Two archives of striped pictures: one of two classes and 72 px, one of three classes and 24 px."""
    folder = tmp_path_factory.mktemp("sources")
    for name, classes, side in (("big_72px", 2, 72), ("small_24px", 3, 24)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
            file.writestr("kind0/about.txt", "not a picture")
            for label in range(classes):
                for number in range(30):
                    picture = Image.open(io.BytesIO(jpeg(label, number))).resize((side, side * 5 // 6))
                    buffer = io.BytesIO()
                    picture.save(buffer, "JPEG")
                    file.writestr(f"kind{label}/{number}.jpg", buffer.getvalue())
    return folder


@pytest.fixture(scope="module")
def sources(archives, tmp_path_factory):
    cache = tmp_path_factory.mktemp("decoded")
    return [source_tasks.photographs(archive, cache) for archive in sorted(archives.glob("*.zip"))]


@pytest.fixture
def small_network(monkeypatch):
    """One convolution in the place of MobileNetV2, which takes long to trace."""

    def tiny(input_shape, alpha, include_top, weights):
        x = inputs = keras.Input(input_shape)
        for layer in (keras.layers.Conv2D(8, 5, strides=4), keras.layers.BatchNormalization(), keras.layers.ReLU()):
            x = layer(x)
        return keras.Model(inputs, x, name="tiny")

    monkeypatch.setattr(keras.applications, "MobileNetV2", tiny)


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.weights]


def test_photographs_are_decoded_once_and_held_out_by_name(archives, sources, tmp_path):
    big, small = sources
    assert (big.images.shape, small.images.shape) == ((60, 72, 72, 3), (90, 24, 24, 3))  # never enlarged
    assert big.classes == ("kind0", "kind1")
    assert np.bincount(small.labels).tolist() == [30, 30, 30]
    assert 0 < small.held_out.sum() < 15
    assert np.array_equal(small.held_out[:60], big.held_out)  # the same names
    stored = source_tasks.photographs(archives / "big_72px.zip", tmp_path)
    np.save(next(tmp_path.glob("*.npy")), np.zeros_like(stored.images))
    assert not source_tasks.photographs(archives / "big_72px.zip", tmp_path).images.any()  # read, not decoded


def test_patterns_are_many_kinds_and_always_the_same(tmp_path):
    first = source_tasks.patterns(tmp_path / "a", per_class=3, side=24)
    again = source_tasks.patterns(tmp_path / "b", per_class=3, side=24)
    other = source_tasks.patterns(tmp_path / "b", per_class=3, side=24, seed=1)
    assert len(first.classes) >= 20
    assert first.images.shape == (3 * len(first.classes), 24, 24, 3)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    assert np.bincount(first.labels).tolist() == [3] * len(first.classes)


def test_every_batch_mixes_the_sources_and_never_holds_a_held_out_picture(sources):
    counts = images._shares(TINY, sources)
    assert sum(counts) == TINY.batch_size and all(counts)
    assert sum(images._shares(CONTRAST, sources)) == TINY.batch_size // 2  # each of them is seen twice
    order = images._order(sources[1], counts[1], 18, TINY, epoch=0)
    assert order.shape == (18, counts[1])
    assert not sources[1].held_out[order].any()
    assert np.array_equal(order, images._order(sources[1], counts[1], 18, TINY, epoch=0))
    assert not np.array_equal(order, images._order(sources[1], counts[1], 18, TINY, epoch=1))


def test_resolution_grows():
    sizes = [Recipe().size_at(epoch) for epoch in range(Recipe().epochs)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1], len(set(sizes))) == (64, 96, 3)


def test_augmented_pictures_stay_pictures():
    import tensorflow as tf

    pictures = np.random.default_rng(0).integers(0, 256, (6, 20, 20, 3), dtype=np.uint8)
    views, same, others = (
        images._augmented(tf.constant(pictures), tf.constant(16), 0.35, tf.constant(seed)).numpy()
        for seed in ([0, 1], [0, 1], [0, 2])
    )
    assert np.array_equal(views, same) and not np.array_equal(views, others)
    assert views.shape == (6, 16, 16, 3)
    assert views.min() >= 0 and views.max() <= 255
    assert views.std() > 20


def test_contrast_finds_the_other_view_of_a_picture():
    import tensorflow as tf

    pictures = np.eye(4, dtype=np.float32)
    found, lost, alike = (
        float(images._contrast(tf.constant(np.concatenate(views)), 0.15))
        for views in ([pictures, 5 * pictures], [pictures, pictures[::-1]], [pictures * 0 + 1, pictures * 0 + 1])
    )
    assert found < 0.02 < 3 < lost  # lengths do not count
    assert alike == pytest.approx(np.log(7), rel=1e-4)  # one of seven others, at random


@pytest.mark.parametrize("recipe", [TINY, CONTRAST], ids=["labels", "contrast"])
def test_an_interrupted_pretraining_ends_as_an_uninterrupted_one(recipe, sources, tmp_path, small_network):
    whole, parts = [], []
    interrupted = tmp_path / "parts"
    interrupted.mkdir()

    def report(record: dict) -> None:
        whole.append(record)
        if record["epoch"] == 1:
            shutil.copy(tmp_path / "whole" / "checkpoint.npz", interrupted)

    images.train(recipe, sources, tmp_path / "whole", report)
    assert images.averaged(recipe, sources, interrupted)[1] == 1
    images.train(recipe, sources, interrupted, parts.append)
    assert [record["epoch"] for record in whole] == [1, 2]
    assert [record["epoch"] for record in parts] == [2]
    assert parts[0]["loss"] == pytest.approx(whole[1]["loss"], rel=1e-5)
    assert {"big_72px", "small_24px", "seconds", "size"} <= whole[0].keys()
    ones, others = (images.averaged(recipe, sources, tmp_path / name)[0] for name in ("whole", "parts"))
    for one, other in zip(weights_of(ones), weights_of(others), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(ValueError, match="another recipe"):
        images.train(dataclasses.replace(recipe, seed=1), sources, tmp_path / "whole")


def test_the_command_trains_and_ends_with_weights_and_a_card(archives, tmp_path, capsys, small_network):
    options = ["--alpha", "0.35", "--image-size", "48", "--epochs", "1", "--batch-size", "30", "--warmup-epochs", "0"]
    folder = ["--sources", str(archives), "--output", str(tmp_path)]
    assert command_line.main(["pretrain", "image", *folder, *options]) == 0
    path = tmp_path / "mobilenetv2_0.35_48.weights.h5"
    made = weights.card(path)
    assert made["sha256"] in capsys.readouterr().out
    assert made["epochs_trained"] == 1
    assert "--alpha 0.35" in made["command"] and "--seed" not in made["command"]
    assert [item["pictures"] for item in made["data"]] == [60, 90]
    assert made["data"][0]["terms"].startswith("unknown")
    assert "not finished" not in path.with_name("mobilenetv2_0.35_48.md").read_text()

    before = weights.card(path)["sha256"]
    path.unlink()
    assert command_line.main(["pretrain", "image", *folder, "--export-only"]) == 0
    assert weights.card(path)["sha256"] == before  # the same weights give the same bytes


def test_a_few_epochs_learn_something(sources, tmp_path, small_network):
    log = []
    recipe = dataclasses.replace(TINY, epochs=6, learning_rate=0.02)
    images.train(recipe, sources[1:], tmp_path, log.append)
    assert log[-1]["loss"] < log[0]["loss"] - 0.1


def test_a_second_round_begins_with_the_weights_of_the_first(sources, tmp_path, small_network):
    backbone, _ = images.build(TINY, sources)
    path = tmp_path / "first.weights.h5"
    card.write_half(backbone, path)
    still = dataclasses.replace(TINY, epochs=1, learning_rate=0.0, weight_decay=0.0)
    images.train(dataclasses.replace(still, seed=7), sources, tmp_path, start=path)
    second, _ = images.averaged(dataclasses.replace(still, seed=7), sources, tmp_path)
    for one, other in zip(backbone.trainable_weights, second.trainable_weights, strict=True):
        np.testing.assert_allclose(np.asarray(other), np.asarray(one), rtol=1e-3, atol=1e-6)


def test_half_precision_loads_with_keras_alone(tmp_path):
    shape = {"input_shape": (48, 48, 3), "alpha": 0.35, "include_top": False, "weights": None}
    exact, half = (keras.applications.MobileNetV2(**shape) for _ in range(2))
    path = tmp_path / "half.weights.h5"
    card.write_half(exact, path)
    half.load_weights(path)
    for one, other in zip(weights_of(exact), weights_of(half), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size < 0.8 * 4 * exact.count_params()


def test_what_an_unfinished_pretraining_has_reached_is_called_unfinished(sources, tmp_path, small_network):
    backbone, _ = images.build(TINY, sources)
    log = [{"epoch": 1, "size": 32, "loss": 2.0, "seconds": 3.0, "big_72px": 0.5}]
    recipe = dataclasses.asdict(TINY) | {"epochs": 30}
    path = tmp_path / "small.weights.h5"
    made = card.write(path, backbone, recipe, sources[:1], log, "command", "A note.")
    text = (tmp_path / "small.md").read_text()
    assert "1 epochs of 30 planned: **the pretraining was not finished**" in text
    assert "A note." in text and made["sha256"] in text and "Not measured yet" in text
    result = {"title": "flowers", "mean": 0.731, "deviation": 0.012, "goal": 0.72, "date": "today", "sha256": "ab" * 32}
    made["transfer"] = {"pictures": "some", "seeds": 5, "results": [result], "earlier": []}
    card.save(made, path)
    text = (tmp_path / "small.md").read_text()
    assert "| flowers | 73.1 ± 1.2 % | today | 72 % |" in text and "looked at before" not in text
    made["transfer"]["earlier"] = [result | {"mean": 0.7, "date": "yesterday"}]
    card.save(made, path)
    text = (tmp_path / "small.md").read_text()
    assert "a later look is not a first" in text and "- flowers: 70.0 ± 1.2 % (yesterday, weights abababab)" in text
    assert weights.card(path) == made


def test_weights_that_half_precision_cannot_hold_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer=lambda *a, **k: [[7e4]])])
    with pytest.raises(ValueError, match="half precision"):
        card.write_half(model, tmp_path / "large.weights.h5")
