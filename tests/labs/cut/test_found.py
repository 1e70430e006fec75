"""What is said of the probes, from trials written by hand."""

import csv
import io

import pytest

from tl_core.base.events import Artifact, Trial
from tl_core.images.data.split import DataConfig
from tl_core.labs import probes
from tl_core.labs.cut import found
from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification.config import BackboneConfig

CONFIG = CutConfig(DataConfig("0123456789abcdef"), BackboneConfig("vgg16", "imagenet", 96), guess=5)
DIVIDED = probes.Division(training=300, validation=200, chance=0.25)


def trials(pretrained: list[list[float]], random: list[list[float]] = ()) -> list[Trial]:
    """A list of accuracies by seed for each block."""
    return [
        Trial(arm=arm, place=CONFIG.places[number], seed=seed, metrics={"val_accuracy": value, "l2": 0.1})
        for arm, rows in (("pretrained", pretrained), ("random", random))
        for number, row in enumerate(rows)
        for seed, value in enumerate(row)
    ]


RISING = [[0.50, 0.52, 0.51], [0.70, 0.71, 0.69], [0.90, 0.91, 0.90], [0.91, 0.90, 0.92], [0.80, 0.82, 0.81]]
FLAT = [[0.40, 0.42, 0.41], [0.30, 0.31, 0.29]]


def told(made: list[Trial]) -> str:
    return " ".join(map(str, found.sentences(CONFIG, made, DIVIDED)))


def test_the_best_place_the_earliest_as_good_the_fall_and_the_worth_are_said_in_numbers():
    said = told(trials(RISING, FLAT))
    assert "best behind block4: it gets 91.0 %" in said
    assert "most frequent class gets 25.0 %" in said
    assert "Already behind block3 it reaches 90.3 %, which 3 seeds cannot tell from the best" in said
    assert "Behind the last block it is worse by 10.0 points" in said
    assert "behind block1 and reaches 41.0 %: what the network learned before is worth 50.0 points" in said


def test_a_fall_within_the_noise_is_not_called_one_and_an_unfinished_curve_has_no_last_block():
    assert "worse by" not in told(trials([*RISING[:4], [0.90, 0.85, 0.93]]))
    assert "worse by" not in told(trials([*RISING[:3], [0.8, 0.81, 0.8]]))


def test_what_pretraining_is_worth_is_no_figure_within_the_noise():
    said = told(trials(RISING, [[0.90, 0.91, 0.88]]))
    assert "behind block1 and reaches 89.7 %, which 3 seeds cannot tell from the pretrained best" in said
    assert "worth" not in said


def test_one_seed_says_nothing_of_noise():
    said = told(trials([row[:1] for row in RISING]))
    assert "best behind block4" in said
    assert "Already" not in said
    assert "worse" not in said


def test_before_the_first_probe_nothing_is_said():
    assert found.sentences(CONFIG, [], DIVIDED) == []
    assert found.best([]) is None
    assert found.scored(CONFIG, []) is None


def test_the_guess_is_scored():
    assert str(found.scored(CONFIG, trials(RISING))) == "The guess was block5: 10.0 points below the best."
    right = [row[::-1] for row in reversed(RISING)]
    right[4] = [0.99, 0.99, 0.99]
    assert str(found.scored(CONFIG, trials(right))) == "The guess was block5: right."
    assert found.scored(CutConfig(CONFIG.data, CONFIG.backbone), trials(RISING)) is None


def test_trials_that_cannot_be_are_left_out_and_of_equal_ones_the_later_counts():
    made = [
        *trials([[0.5]]),
        Trial(arm="pretrained", place="elsewhere", seed=0, metrics={"val_accuracy": 1.0}),
        Trial(arm="pretrained", place="block2", seed=0, metrics={"val_accuracy": 7.0}),
        Trial(arm="pretrained", place="block3", seed=0, metrics={}),
        *trials([[0.6]]),
    ]
    [point] = found.curve(CONFIG, made, "pretrained")
    assert (point.place, point.frozen, dict(point.accuracies)) == ("block1", 1, {0: 0.6})


def test_the_table_has_a_line_a_trial_with_its_boundary():
    rows = list(csv.DictReader(io.StringIO(found.table(CONFIG, trials(RISING, FLAT)))))
    assert len(rows) == 15 + 6
    assert rows[-1] == {
        "network": "random",
        "block": "block2",
        "frozen_blocks": "2",
        "seed": "2",
        "val_accuracy": "0.29",
        "accuracy": "",
        "l2": "0.1",
    }


@pytest.mark.parametrize(
    "payload", [{}, {"training": 5}, {"training": 5, "validation": 0, "chance": 0.5}, {"chance": "x"}]
)
def test_a_division_that_cannot_be_is_none(payload):
    assert probes.division([Artifact(name=probes.DIVISION, payload=payload)]) is None
    good = Artifact(name=probes.DIVISION, payload={"training": 300, "validation": 200, "chance": 0.25})
    assert probes.division([Artifact(name="other"), good]) == DIVIDED
