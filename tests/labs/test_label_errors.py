"""Wrong labels: planted ones are found, thresholds are those of the paper, and nothing is flagged without a reason."""

import numpy as np
import pytest

from tests.labs.drawn import clouds
from tl_core.labs import label_errors

PROBABILITIES = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.4, 0.6], [0.55, 0.45]])
LABELS = np.array([0, 0, 0, 1, 1, 1])


def test_confident_learning_by_hand():
    """Thresholds: (0.9 + 0.7 + 0.2) / 3 = 0.6 and (0.9 + 0.6 + 0.45) / 3 = 0.65."""
    found = label_errors.suspects(PROBABILITIES, LABELS)
    assert found.flagged.tolist() == [False, False, True, False, False, False]  # 0.55 is not enough for a 0
    assert found.joint.tolist() == [[2, 1], [0, 1]]
    assert found.likely.tolist() == [1, 1, 1, 0, 0, 0]


def test_an_example_above_two_thresholds_counts_for_the_more_probable_class():
    probabilities = np.array([[0.45, 0.55, 0.0], [0.3, 0.3, 0.4], [0.2, 0.3, 0.5], [0.35, 0.25, 0.4]])
    found = label_errors.suspects(probabilities, np.array([0, 1, 2, 0]))
    assert found.joint.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found.flagged.tolist() == [True, False, False, False]


def test_the_rankings_by_hand():
    confidence = label_errors.suspects(PROBABILITIES, LABELS)
    margin = label_errors.suspects(PROBABILITIES, LABELS, "normalized_margin")
    assert confidence.score.tolist() == [0.9, 0.7, 0.2, 0.9, 0.6, 0.45]
    assert margin.score == pytest.approx([0.8, 0.4, -0.6, 0.8, 0.2, -0.1])
    assert confidence.order.tolist() == margin.order.tolist() == [2, 5, 4, 1, 0, 3]


def test_the_rankings_differ_where_the_rest_is_spread():
    probabilities = np.array([[0.4, 0.2, 0.2, 0.2], [0.45, 0.55, 0.0, 0.0]])
    labels = np.array([0, 0])
    assert label_errors.suspects(probabilities, labels).order.tolist() == [0, 1]
    assert label_errors.suspects(probabilities, labels, "normalized_margin").order.tolist() == [1, 0]


def test_planting_makes_as_many_wrong_as_asked_for_and_no_others():
    labels = np.arange(200) % 4
    planted = label_errors.plant(labels, 0.05, 4, 0)
    assert len(planted.where) == 10
    assert np.array_equal(np.flatnonzero(planted.labels != labels), planted.where)
    assert planted.labels.min() >= 0 and planted.labels.max() < 4
    assert np.array_equal(planted.where, label_errors.plant(labels, 0.05, 4, 0).where)
    assert not np.array_equal(planted.where, label_errors.plant(labels, 0.05, 4, 1).where)
    every = label_errors.plant(labels, 1.0, 4, 0).labels
    assert {(a, b) for a, b in zip(labels, every, strict=True)} == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }


def test_the_score_counts_the_planted_among_the_first():
    order = np.arange(20)[::-1]
    assert label_errors.found(order, np.array([19, 18, 3, 2])) == 0.5
    assert label_errors.found(order, np.array([0])) == 0.0
    assert label_errors.found(order, np.array([0]), share=1.0) == 1.0


@pytest.mark.parametrize("ranking", ["self_confidence", "normalized_margin"])
@pytest.mark.parametrize("seed", range(3))
def test_planted_labels_are_found_where_classes_can_be_told_apart(ranking, seed):
    features, labels = clouds(300, 20, 5, 6.0, seed)
    planted = label_errors.plant(labels, 0.05, 5, seed)
    said = label_errors.out_of_fold(features, planted.labels, 5, seed)
    suspects = label_errors.suspects(said, planted.labels, ranking)
    assert label_errors.found(suspects.order, planted.where) >= 0.85
    assert (suspects.likely[planted.where] == labels[planted.where]).mean() >= 0.8
    assert suspects.flagged[planted.where].mean() >= 0.7 and suspects.flagged.mean() < 0.12


def test_where_features_say_nothing_the_planted_are_not_found():
    features, labels = clouds(400, 10, 4, 0.0)
    planted = label_errors.plant(labels, 0.05, 4, 0)
    said = label_errors.out_of_fold(features, planted.labels, 4)
    assert label_errors.found(label_errors.suspects(said, planted.labels).order, planted.where) < 0.35


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(ValueError):
        label_errors.suspects(PROBABILITIES, LABELS[:3])
    with pytest.raises(ValueError):
        label_errors.plant(LABELS, 1.5, 2, 0)
    with pytest.raises(ValueError):
        label_errors.plant(LABELS, 0.5, 1, 0)
    with pytest.raises(ValueError, match="planted"):
        label_errors.found(np.arange(4), np.array([], int))
