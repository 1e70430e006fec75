"""What turned round between two reports, counted by hand."""

import numpy as np

from tl_core.classification.report import Prediction, Report
from tl_core.labs import flips


def report(*rows: tuple[str, int, int, float], classes: tuple[str, ...] = ("a", "b", "c")) -> Report:
    """A report of predictions: key, true class, predicted one, confidence."""
    said = tuple(Prediction(f"id {key}", key, true, predicted, sure, 0.1) for key, true, predicted, sure in rows)
    return Report("validation", "0" * 16, classes, 0.5, 1.0, 0.5, (), (), said, 0.0)


SAME = ("5", 2, 2, 0.9)
BEFORE = report(("1", 0, 0, 0.9), ("2", 0, 1, 0.9), ("3", 1, 0, 0.9), ("4", 1, 2, 0.9), SAME, ("6", 0, 0, 0.9))
AFTER = report(("1", 0, 1, 0.8), ("2", 0, 0, 0.6), ("3", 1, 1, 0.7), ("4", 1, 0, 0.9), SAME, ("7", 0, 0, 0.9))


def test_each_kind_of_flip_is_counted_on_what_validated_both():
    found = flips.turned(BEFORE, AFTER)
    assert found.before.tolist() == [True, False, False, False, True]
    assert found.after.tolist() == [False, True, True, False, True]
    assert [item.key for item in found.mended] == ["3", "2"], "the surest first"
    assert [item.key for item in found.broken] == ["1"]
    assert (found.otherwise, found.flips, found.relabelled) == (1, 4, 0)


def test_classes_are_compared_by_their_names_and_relabelled_examples_are_left_out():
    renumbered = report(("1", 1, 1, 0.9), ("2", 1, 1, 0.9), ("3", 1, 1, 0.9), classes=("b", "a"))
    found = flips.turned(BEFORE, renumbered)
    assert (len(found.before), found.relabelled) == (2, 1)
    assert ([item.key for item in found.mended], found.broken, found.otherwise) == (["2"], (), 0)
    assert "1 more have another label" in " ".join(map(str, flips.sentences(found, [])))
    assert flips.turned(BEFORE, report(("9", 0, 0, 0.9))) is None


def test_flips_stand_beside_those_of_another_seed():
    found, noise = flips.turned(BEFORE, AFTER), flips.turned(BEFORE, BEFORE)
    said = " ".join(map(str, flips.sentences(found, [noise, found])))
    assert "5 examples validated both runs (6 this one). Predictions that have turned round: 4" in said
    assert "right now: 2; right before and wrong now: 1" in said
    assert "These are 80.0 % of the predictions; another seed alone turns 40.0 % round (2 pairs" in said
    assert "Within the noise" in said
    many = flips.Turned(np.zeros(20, bool), np.ones(20, bool), AFTER.predictions * 4, (), 0, 0, 20)
    said = " ".join(map(str, flips.sentences(many, [])))
    assert "Better by 100.0 points" in said and "not known here" in said
