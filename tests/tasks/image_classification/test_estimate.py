"""The time estimate: sensible without history, and corrected by what a machine really did."""

from dataclasses import replace

import pytest

from tl_core.base.events import Epoch, Phase, Progress, Started
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.estimate import BEGIN, estimate, samples

VGG = RunConfig(
    DataConfig("d"), BackboneConfig("vgg16", "random", 150), phases=(PhaseConfig(frozen_blocks=-1, epochs=30),)
)


def test_the_articles_demo_is_dominated_by_its_one_pass_over_the_images():
    seconds = estimate(VGG, 2000, 1000).seconds
    assert 3000 / 71 < seconds < 3000 / 71 + BEGIN + 30


def test_unfreezing_costs_and_the_cache_saves():
    frozen = estimate(VGG, 2000, 1000).seconds
    tuned = estimate(replace(VGG, phases=(PhaseConfig(4, 30),)), 2000, 1000).seconds
    scratch = estimate(replace(VGG, phases=(PhaseConfig(0, 30),)), 2000, 1000).seconds
    uncached = estimate(replace(VGG, cache=False), 2000, 1000).seconds
    assert frozen < tuned < scratch
    assert uncached > 10 * frozen


def test_a_wide_head_costs_its_optimizer_steps():
    """Flatten makes a head of millions of parameters: measured, 3,000 steps of 8.2 million took 165 s."""
    lite = replace(VGG, backbone=BackboneConfig("efficientnet_lite0", "imagenet", 150), batch_size=20)
    small = estimate(lite, 2000, 1000).seconds
    wide = estimate(replace(lite, head=HeadConfig("flatten", 256)), 2000, 1000).seconds
    assert wide - small == pytest.approx(165, rel=0.15)


def test_earlier_runs_of_this_machine_correct_the_figure_and_others_do_not():
    log = [
        Started(host="here"),
        Phase(phase="features", total=3000, unit="images"),
        Progress(phase="features", done=3000, total=3000, rate=710.0),
        Phase(phase="head", frozen_blocks=5, unit="epochs"),
        Epoch(epoch=1, rate=50_000.0),
    ]
    known = samples(VGG, log, "here")
    assert [sample.rate for sample in known] == [710.0, 50_000.0]
    assert samples(VGG, log, "elsewhere") == []
    rough, measured = estimate(VGG, 2000, 1000), estimate(VGG, 2000, 1000, known)
    assert measured.seconds == pytest.approx(BEGIN + 3000 / 710 + 30 * 3000 / 50_000, rel=0.5)
    assert measured.seconds < rough.seconds
    assert "rough" in str(rough.source)
    assert "this computer" in str(measured.source)
