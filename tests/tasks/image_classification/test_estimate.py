"""The time estimate: sensible without history, and corrected by what a machine really did."""

from dataclasses import replace

import pytest

from tl_core.base.events import Epoch, Phase, Progress, Started
from tl_core.images.shifts import SHIFTS
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.estimate import (
    BEGIN,
    Calibration,
    Pace,
    calibrated,
    estimate,
    samples,
)

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


def test_three_batches_say_what_the_run_takes():
    """By hand: 2.5 to begin, 1 to build and 1.6 to save, 3 to compile, 90 pictures below, 2 epochs, one last look."""
    pace = Pace(compile_below=1.0, compile=2.0, below=0.1, learning=0.01, looking=0.005, row=2048)
    config = replace(VGG, phases=(PhaseConfig(-1, 2),))
    told = estimate(config, 60, 30, calibration=Calibration(1.0, (pace,)))
    epoch = 60 * 0.01 + 30 * 0.005
    assert told.epoch == pytest.approx(epoch, abs=0.05)
    assert told.seconds == pytest.approx(2.5 + 1 + 1.6 + 3 + 90 * 0.1 + 2 * epoch + 30 * 0.005, abs=0.1)
    assert told.cached == 90 * 2048 and not told.rough and "three batches" in str(told.source)
    again = estimate(replace(config, cache=False), 60, 30, calibration=Calibration(1.0, (pace,)))
    assert again.cached == 0 and again.epoch == pytest.approx(told.epoch + 90 * 0.1)


def test_changed_pictures_pass_the_whole_network_once_for_each_change():
    pace = Pace(1.0, 2.0, below=0.1, learning=0.01, looking=0.005, row=2048)
    plain, shifted = (
        estimate(replace(VGG, shifts=shifts), 60, 30, calibration=Calibration(1.0, (pace,))).seconds
        for shifts in (False, True)
    )
    assert shifted - plain == pytest.approx(len(SHIFTS) * 30 * (0.1 + 0.005))


def test_what_changes_no_batch_is_measured_only_once():
    config = replace(VGG, phases=(PhaseConfig(-1, 30, 1e-3),))
    other = replace(VGG, phases=(PhaseConfig(-1, 5, 1e-2),), seed=3, shifts=True, early_stopping=4)
    assert calibrated(config) == calibrated(other) != calibrated(replace(config, batch_size=64))
