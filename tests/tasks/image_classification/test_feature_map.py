"""The map of the features: a fine-tuned run's and a frozen one's, as the engine keeps them and a notebook asks them."""

import os
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from tests.tasks.image_classification import toys
from tl_core.base.errors import Stopped, UserError
from tl_core.classification import layout, report
from tl_core.engine.models import Models
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs import store
from tl_core.tasks.image_classification import before_after, feature_map, network, paths, predict
from tl_core.tasks.image_classification.calls import LayOut
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, PhaseConfig, RunConfig
from tl_core.training import checkpoint


@dataclass(frozen=True)
class Trained:
    """Runs that have learned two kinds of stripes, in an engine in this process."""

    tuned: store.Run
    frozen: store.Run
    pictures: Dataset
    held: Models

    def lay_out(self, run, how="pca", **desk):
        predict.lay_out(LayOut(run.id, how), self.held.desk(**desk))
        return feature_map.load(run.folder, how)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(folder))
        pictures = toys.dataset({"level": 12, "upright": 12})
        file = toys.pretrained(folder / "small.weights.h5")
        runs = []
        for frozen in (4, -1):
            config = toys.config(pictures, PhaseConfig(frozen, 1, 1e-3), weights=file)
            runs.append(store.create(config, owner="me"))
            toys.run(config, pictures, runs[-1].folder)
        yield Trained(*runs, pictures, Models())


def averaged(maps, files) -> np.ndarray:
    """Straight from Keras: the last feature maps of these pictures, averaged."""
    rows = [np.asarray(maps(decoding.decode(file.read_bytes())[None].astype(np.float32))) for file in files]
    return np.concatenate(rows).mean((1, 2))


def test_a_look_that_nobody_waits_for_leaves_nothing(trained):
    with pytest.raises(Stopped):
        trained.lay_out(trained.tuned, is_gone=lambda: True)
    assert not (trained.tuned.folder / paths.FEATURES).exists()


def test_a_fine_tuned_run_has_the_features_of_the_pretrained_weights_and_its_own(trained):
    said = []
    found = trained.lay_out(trained.tuned, say=lambda sentence: said.append(str(sentence)))
    assert said[-1] == "Looking at the pictures: 24 of 24", "12 of 24 validate, and two networks look"
    validation = split(trained.pictures, trained.tuned.config.data).validation
    images = [trained.pictures.images[index] for index in sorted(validation)]
    assert found.pictures == tuple(image.id for image in images) and found.names[0] == images[0].key
    true = np.array([image.label for image in images])
    np.testing.assert_array_equal(found.true, true)
    told = {item.key: item.predicted for item in report.load(trained.tuned.folder, "validation").predictions}
    assert [told[name] for name in found.names] == found.predicted.tolist()
    assert (found.total, found.width, found.pretrained) == (12, 256, True)

    config, row = trained.tuned.config, backbone("mobilenet_0.25")
    files = [trained.pictures.path(image) for image in images]
    scaled = network.preprocessing(row, 128)
    model = keras.models.load_model(paths.model_path(trained.tuned.folder), compile=False)
    own = averaged(keras.Model(model.input, model.get_layer("head_pool").input), files)
    base = network.load_base(row, config.backbone.weights, 128)
    pretrained = averaged(lambda pixels: base(scaled(pixels)), files)
    assert np.abs(own - pretrained).max() > 1e-3, "training has moved them"
    for block, stays in zip(found.moved, (True,) * 4 + (False,) * (len(row.blocks) - 4), strict=True):
        assert (block.weights == 0) == stays and block.statistics == 0, "pretrained statistics stay as they are"
    after = {layer.name: layer.get_weights() for layer in model.layers}
    mine, first = [], {row.blocks[-2].cut: False}
    for layer in base.layers:  # of the last block
        if first.get(row.blocks[-2].cut):
            trained = [weight.name for weight in layer.weights if "moving" not in weight.name]
            mine += [
                (was, now)
                for was, now, weight in zip(layer.get_weights(), after[layer.name], layer.weights, strict=True)
                if weight.name in trained
            ]
        first[layer.name] = True
    was, now = (np.concatenate([pair[side].ravel() for pair in mine]) for side in (0, 1))
    expected = np.linalg.norm(now - was) / np.linalg.norm(was)
    assert found.moved[-1].weights == pytest.approx(expected, rel=1e-4) and expected > 0
    assert found.kept is None, "a file of weights has no head of its source task"
    for laid, features in ((found.before, pretrained), (found.after, own)):
        turned, shares = layout.components(features)
        np.testing.assert_allclose(np.abs(laid.points), np.abs(turned[:, :2]), rtol=0.02, atol=0.02)
        assert laid.shown == pytest.approx(shares[:2].sum(), rel=1e-2)
        assert laid.same.sum() == pytest.approx(layout.same_class(features, true).sum(), abs=1)


def test_a_frozen_backbone_has_one_map(trained):
    found = trained.lay_out(trained.frozen)
    assert found.before is None and found.after.points.shape == (12, 2)
    assert not any(block.weights for block in found.moved)


def test_what_was_found_is_kept_as_long_as_the_weights_are_the_same(trained):
    said = []
    first = trained.lay_out(trained.tuned)
    assert feature_map.load(trained.tuned.folder, "tsne") is None
    laid = trained.lay_out(trained.tuned, "tsne", say=lambda sentence: said.append(str(sentence)))
    assert said == ["t-SNE looks for a place for every picture…"], "the pictures are not looked at again"
    assert laid.after.shown is None and laid.before.points.shape == (12, 2)
    np.testing.assert_array_equal(laid.after.same, first.after.same)
    again = trained.lay_out(trained.tuned, "tsne", say=lambda sentence: pytest.fail("computed again"))
    np.testing.assert_array_equal(again.before.points, laid.before.points)

    file = trained.tuned.folder / paths.FEATURES
    whole = file.read_bytes()
    file.write_bytes(whole[:500])
    assert feature_map.load(trained.tuned.folder, "pca") is None
    file.write_bytes(whole)
    best = checkpoint.best_path(trained.tuned.folder)
    os.utime(best, ns=(0, 0))
    assert feature_map.load(trained.tuned.folder, "pca") is None, "trained further since"


def test_the_lines_in_the_docstring_run(trained, capsys):
    lines = [line.strip() for line in feature_map.__doc__.split("\n") if line.startswith("    ")]
    assert len(lines) < 10
    exec("\n".join(lines).replace("RUN", trained.frozen.id), {})
    assert capsys.readouterr().out.strip().endswith("False"), "its backbone was frozen: nothing was forgotten"


def test_of_many_pictures_some_are_drawn_and_too_few_are_refused(trained, monkeypatch):
    config = trained.tuned.config
    monkeypatch.setattr(feature_map, "MOST", 7)
    indices, total = feature_map.chosen(config, trained.pictures)
    assert (len(set(indices.tolist())), total) == (7, 12)
    assert set(indices) < set(split(trained.pictures, config.data).validation)
    few = toys.config(trained.pictures, data=DataConfig(trained.pictures.id, 0.0, 0.0))
    with pytest.raises(UserError, match="at least 4 validation pictures"):
        feature_map.chosen(few, trained.pictures)


def test_the_head_of_the_source_task_answers_as_the_whole_classifier_does():
    row = backbone("efficientnet_lite0")
    if weights.find(row, "imagenet", 224, top=True) is None:
        pytest.skip("NO PACKAGE: ImageNet's weights are not installed")
    base = network.load_base(row, "imagenet", 224)
    config = RunConfig(DataConfig("none"), BackboneConfig("efficientnet_lite0", "imagenet", 224))
    [(kernel, bias)] = before_after.source_head(base, row, config)
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    features = np.asarray(base(network.preprocessing(row, 224)(pixels))).mean((1, 2))
    scores = np.exp(features @ kernel + bias)
    whole = np.asarray(network.load_with_top(row)(pixels))
    np.testing.assert_allclose(scores / scores.sum(), whole, atol=1e-4)
    for other in ("bundled", "random"):
        assert not before_after.source_head(
            base, row, replace(config, backbone=replace(config.backbone, weights=other))
        )
