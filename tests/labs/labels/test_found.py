"""What is said of suspects, heads and flips, from trials and artifacts written by hand."""

import csv
import io
from dataclasses import replace

import pytest

from tl_core.base.events import Artifact, Trial
from tl_core.images.data.split import DataConfig
from tl_core.labs.labels import found
from tl_core.labs.labels.config import LabelsConfig

CONFIG = LabelsConfig(DataConfig("0123456789abcdef"), guess=60)
PICTURES = [[f"{number:064x}", f"{'ab'[number % 2]}/{number}.png", number % 2] for number in range(20)]
PARTS = Artifact(name="parts", payload={"searched": 80, "judge": "test", "classes": ["a", "b"], "pictures": PICTURES})
RIGHT = [label for _id, _key, label in PICTURES]


def wrong(*places: int) -> list[int]:
    """Predictions that are right but for these pictures."""
    return [1 - label if place in places else label for place, label in enumerate(RIGHT)]


def searched(*rows: tuple[float, float]) -> list[Trial]:
    """For each seed what was found at 5 % and at 10 %."""
    return [
        Trial(arm="search", place=found.place(at), seed=seed, metrics={"looked_at": at, "found": value})
        for seed, row in enumerate(rows)
        for at, value in zip((0.05, 0.1), row, strict=True)
    ]


def heads(**arms: list[float]) -> list[Trial]:
    """The accuracy of each head by seed."""
    return [
        Trial(arm=arm, place="head", seed=seed, metrics={"val_accuracy": value, "flagged": 6 + seed})
        for arm, row in arms.items()
        for seed, value in enumerate(row)
    ]


def predicted(*pairs: tuple[list[int], list[int]]) -> list[Artifact]:
    """What heads on labels as given and cleaned say, by seed."""
    return [
        PARTS,
        *(
            Artifact(name="predictions", step=seed, payload={"given": given, "cleaned": cleaned})
            for seed, (given, cleaned) in enumerate(pairs)
        ),
    ]


def told(trials, artifacts, config=CONFIG) -> str:
    return " ".join(map(str, found.sentences(config, trials, artifacts)))


GAIN = heads(given=[0.70, 0.75, 0.70], cleaned=[0.90, 0.95, 0.90], right=[0.95, 0.95, 0.95])


def test_what_was_found_what_it_is_worth_and_what_there_was_to_gain_is_said_in_numbers():
    said = told([*searched((0.5, 0.8), (0.6, 0.9), (0.4, 0.7)), *GAIN], [PARTS])
    assert "Among the 10 % most doubtful labels lie 80.0 % of those that were made wrong" in said
    assert "(mean of 3 seeds, from 70 % to 90 %); looking at labels by chance would find 10 %" in said
    assert "Suspects left out, a head gets 91.7 % of the 20 test pictures right, and 71.7 %" in said
    assert "Better by 20.0 points" in said and "paired t-test over 3 seeds" in said
    assert "With no label wrong it is 95.0 %" in said
    relabelled = told(GAIN, [PARTS], replace(CONFIG, cleaning="relabel"))
    assert "Suspects given the probe's class, a head gets" in relabelled


def test_a_gain_within_the_noise_is_called_so_and_one_seed_is_judged_by_its_pictures():
    said = told(heads(given=[0.70, 0.75, 0.80], cleaned=[0.75, 0.70, 0.85]), [PARTS])
    assert "Within the noise" in said
    one = heads(given=[0.5], cleaned=[1.0])
    assert "McNemar's test on 20 examples" in told(one, predicted((wrong(*range(10)), RIGHT)))
    assert found.gain(one, predicted((wrong(*range(10)), RIGHT))).kind == "better"
    assert found.gain(one, predicted((wrong(0), RIGHT))).kind == "noise"


def test_flips_are_counted_by_hand_and_set_beside_those_of_another_seed():
    flips = found.flips(predicted((wrong(0), wrong(1)), (wrong(0), wrong()), (wrong(0), wrong(2))))
    assert flips.by_cleaning == pytest.approx((2 / 20, 1 / 20, 2 / 20))
    assert flips.by_seed == (0, 0, 0)
    [first, second, third] = flips.pictures
    assert (first.key, first.label, first.before, first.after, first.flipped, first.seeds) == (
        "a/0.png",
        "a",
        0,
        3,
        3,
        3,
    )
    assert [(flip.key, flip.before, flip.after, flip.flipped) for flip in (second, third)] == [
        ("a/2.png", 3, 2, 1),
        ("b/1.png", 3, 2, 1),
    ]


def test_flips_are_more_than_noise_only_if_another_seed_turns_fewer_round():
    steady = [(wrong(*range(8)), RIGHT)] * 4
    assert "turns 8.0 of 20 predictions round, more than another seed alone, which turns 0.0" in told(
        [], predicted(*steady)
    )
    restless = [(wrong(*range(seed, seed + 4)), wrong(seed)) for seed in (0, 4, 8, 12)]
    said = told([], predicted(*restless))
    assert (
        "turns 3.0 of 20 predictions round; another seed alone turns 8.0: the flips are no more than seed noise" in said
    )
    assert "round" not in told([], predicted(steady[0])), "one seed says nothing of noise"
    assert "80.0 % of those that were made wrong (one seed)" in told(searched((0.5, 0.8)), [PARTS])


def test_where_nothing_was_planted_it_says_how_many_are_flagged():
    said = told(heads(given=[0.7, 0.7]), [PARTS], replace(CONFIG, planted=0.0))
    assert "takes 6 of the 80 labels for wrong (mean of 2 seeds)" in said
    assert "made wrong" not in said and "With no label wrong" not in said


@pytest.mark.parametrize(
    ("guess", "words"), [(60, "20 points too low"), (100, "20 points too high"), (80, "right"), (0, None)]
)
def test_the_guess_is_scored(guess, words):
    score = found.scored(replace(CONFIG, guess=guess), searched((0.5, 0.8)))
    assert score is None if words is None else words in str(score)
    assert found.scored(CONFIG, []) is None


def test_suspects_come_from_the_log_and_what_cannot_be_is_left_out():
    row = {"picture": "f" * 64, "key": "a/1.png", "given": "a", "likely": "b", "confidence": 0.1, "other": 0.8}
    whole = Artifact(name="suspects", payload={"rows": [{**row, "planted": True}]})
    [suspect] = found.suspects([PARTS, whole])
    assert (suspect.key, suspect.given, suspect.likely, suspect.planted) == ("a/1.png", "a", "b", True)
    for rows in ([{**row, "planted": True, "confidence": 2}], [row], "rows", None):
        assert found.suspects([Artifact(name="suspects", payload={"rows": rows})]) == []
    outside = [["x", "k", 7], *PICTURES[1:]]
    assert found.parts([Artifact(name="parts", payload={**PARTS.payload, "pictures": outside})]) is None
    short = Artifact(name="predictions", payload={"given": [0], "cleaned": [1]})
    assert found.flips([PARTS, short]) is None
    assert told(GAIN, []) == ""


def test_the_curve_has_the_share_that_is_looked_at_and_the_table_every_trial():
    config = replace(CONFIG, looked_at=0.12)
    assert 0.12 in found.shares(config) and found.shares(CONFIG) == list(found.LOOKED_AT)
    assert (found.count(0.1, 80), found.count(0.1, 81), found.count(0.01, 3)) == (8, 9, 1)
    rows = list(csv.DictReader(io.StringIO(found.table([*searched((0.5, 0.8)), *GAIN]))))
    assert len(rows) == 2 + 9
    assert rows[1]["found"] == "0.8" and rows[1]["val_accuracy"] == ""
    assert rows[2]["measured"] == "given" and float(rows[2]["val_accuracy"]) == 0.7
