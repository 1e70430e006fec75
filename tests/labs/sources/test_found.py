"""What is said of the sources, from trials written by hand."""

import csv
import io

import pytest

from tl_core.base.errors import UserError
from tl_core.base.events import Trial
from tl_core.images.data.split import DataConfig
from tl_core.labs.probes import Division
from tl_core.labs.sources import found
from tl_core.labs.sources.config import SourcesConfig, read, shapes

CONFIG = SourcesConfig(DataConfig("0123456789abcdef"), guess=2)
DIVIDED = Division(training=300, validation=200, chance=0.2)
LITE, SMALL = "random efficientnet_lite0", "random mobilenetv2_0.5"
REACHED = {
    "imagenet": (0.90, 0.92, 0.91),
    "bundled": (0.70, 0.71, 0.69),
    "patterns": (0.40, 0.42, 0.41),
    LITE: (0.45, 0.46, 0.44),
    SMALL: (0.50, 0.52, 0.51),
}
RANKED = {"imagenet": 0.3, "bundled": 0.2, "patterns": -0.1, LITE: 0.0, SMALL: 0.1}


def trials(reached: dict = REACHED, ranked: dict = RANKED) -> list[Trial]:
    """Rankings first, then probes, as they come."""
    made = [
        Trial(arm=arm, place=found.RANKING, seed=seed, metrics={"logme": score, "separation": -score})
        for arm, score in ranked.items()
        for seed in range(3)
    ]
    return made + [
        Trial(arm=arm, place=found.PROBE, seed=seed, metrics={"val_accuracy": value, "l2": 0.1})
        for arm, values in reached.items()
        for seed, value in enumerate(values)
    ]


def told(made: list[Trial]) -> str:
    return " ".join(map(str, found.sentences(made, DIVIDED)))


def test_the_best_source_its_gain_and_what_harms_are_said_in_numbers():
    said = told(trials())
    assert "ImageNet (EfficientNet-Lite0) gains most here: 91.0 % of 200 validation pictures right" in said
    assert "+46.0 points against the same network with random weights (seeds: 3)" in said
    assert "paired t-test over 3 seeds" in said
    assert "Patterns only (MobileNetV2 0.5) does harm: 10.0 points less than random weights" in said
    assert "This project's own" not in said.split("LogME")[0]


def test_a_gain_within_the_noise_is_called_so():
    said = told(trials(REACHED | {"patterns": (0.45, 0.60, 0.50)}))
    assert "Patterns only (MobileNetV2 0.5) cannot be told from random weights: the difference of +0.7 points" in said
    assert "does harm" not in said


def test_a_best_source_within_the_noise_is_told_once_and_one_below_random_has_its_sign():
    weak = {arm: values for arm, values in REACHED.items() if arm in ("patterns", SMALL)}
    assert "−10.0 points against the same network with random weights" in told(trials(weak))
    said = told(trials(weak | {"patterns": (0.45, 0.60, 0.50)}))
    assert "Within the noise" in said and "cannot be told" not in said


def test_the_source_that_gains_most_is_named_even_where_another_network_reaches_more():
    assert found.best(found.rows(trials(REACHED | {LITE: (0.85, 0.86, 0.87)}))).source == "bundled"


def test_rankings_are_compared_with_what_was_measured():
    made = trials()
    assert [arm for arm, _ in found.order(made, "logme")] == ["imagenet", "bundled", SMALL, LITE, "patterns"]
    assert found.held(made, "logme") == pytest.approx(1)
    assert found.held(made, "separation") == pytest.approx(-1)
    said = told(made)
    assert "LogME put ImageNet (EfficientNet-Lite0) first, and it reaches most. Over 5 networks" in said
    assert "class separation put Patterns only (MobileNetV2 0.5) first, but ImageNet" in said
    assert "by −1.00 (Kendall's tau" in said


def test_one_seed_says_nothing_of_noise_and_before_the_first_gain_nothing_is_said():
    one = [trial for trial in trials() if trial.seed == 0]
    assert "gains most here" in told(one) and "does harm" not in told(one) and "t-test" not in told(one)
    assert told([trial for trial in trials() if trial.place == found.RANKING]) == ""
    assert told([trial for trial in trials() if trial.arm == "imagenet"]) == "", "nothing to gain over"
    assert found.held(trials()[:3], "logme") is None


def test_the_guess_is_scored():
    said = str(found.scored(CONFIG, trials()))
    assert said == "The guess was This project's own (MobileNetV2 0.5): it gains 27.0 points less than the best."
    right = trials(REACHED | {"bundled": (0.99, 0.99, 0.99)})
    assert str(found.scored(CONFIG, right)) == "The guess was This project's own (MobileNetV2 0.5): right."
    assert found.scored(SourcesConfig(CONFIG.data), trials()) is None


def test_trials_that_cannot_be_are_left_out():
    made = [
        *trials(),
        Trial(arm="elsewhere", place=found.PROBE, seed=0, metrics={"val_accuracy": 1.0}),
        Trial(arm="<b>", place=found.RANKING, seed=0, metrics={"logme": 9.0}),
        Trial(arm="imagenet", place=found.RANKING, seed=0, metrics={"logme": float("inf")}),
    ]
    assert told(made) == told(trials())
    assert found.rows([Trial(arm="imagenet", place=found.PROBE, metrics={"val_accuracy": 7.0})]) == []


def test_the_table_has_a_line_a_trial():
    rows = list(csv.DictReader(io.StringIO(found.table(trials()))))
    assert len(rows) == 30
    last = {"network": SMALL, "measured": "probe", "seed": "2", "logme": "", "separation": ""}
    assert rows[-1] == last | {"val_accuracy": "0.51", "accuracy": "", "l2": "0.1"}


@pytest.mark.parametrize("change", [{"seeds": 0}, {"pictures": 1}, {"guess": 9}, {"kind": "cut"}, {"more": 1}])
def test_settings_that_cannot_be_are_refused(change: dict):
    whole = CONFIG.to_json()
    assert read(whole) == CONFIG
    with pytest.raises(UserError):
        read(whole | change)
    with pytest.raises(UserError, match="validation pictures"):
        read(whole | {"data": {**whole["data"], "validation": 0.0}})


def test_each_shape_is_drawn_once():
    assert shapes() == (("efficientnet_lite0", 128), ("mobilenetv2_0.5", 96))
