"""The recipes: they are valid, and the article's two demos have the article's exact settings."""

import pytest

from tl_core.config import BackboneConfig, HeadConfig, PhaseConfig, validate
from tl_core.presets import PRESETS
from tl_core.vision.backbones import backbone, boundary, parameter_counts


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
    assert preset.template.backbone == BackboneConfig("mobilenet_0.25", "imagenet", 224)


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


def test_two_phases_thaw_the_last_block_at_a_lower_rate():
    config = PRESETS["two_phases"].template
    row = backbone(config.backbone.name)
    first, second = config.phases
    assert boundary(row, first.frozen_blocks) == len(row.blocks)
    assert boundary(row, second.frozen_blocks) == len(row.blocks) - 1
    assert second.learning_rate <= first.learning_rate / 10


def test_from_scratch_freezes_nothing_and_knows_nothing():
    config = PRESETS["scratch"].template
    assert config.backbone.weights == "random"
    assert parameter_counts(config, classes=3).frozen < 0.1 * backbone(config.backbone.name).parameters
