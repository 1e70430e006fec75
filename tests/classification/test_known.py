"""Known or not: distances against the formula written out, and data whose best score is known."""

import math

import numpy as np
import pytest

from tests.labs.drawn import clouds
from tl_core.classification import known
from tl_core.labs import linear


def test_distances_are_those_of_the_formula():
    features, labels = clouds(200, 4, 2, 3.0)
    features = features @ np.array([[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 3, 1], [0, 0, 0, 0.5]], np.float32)
    means = np.array([features[labels == label].mean(0) for label in (0, 1)])
    covariance, shrinkage = known.ledoit_wolf((features - means[labels]).astype(np.float64))
    found = known.fit(features, labels)
    assert found.shrinkage == pytest.approx(shrinkage)
    for column, mean in enumerate(means):
        off = features - mean
        expected = (off @ np.linalg.inv(covariance) * off).sum(1)
        assert found.distances(features)[:, column] == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert np.array_equal(found.score(features), -np.sqrt(found.distances(features).min(1)))


def test_the_shrinkage_is_that_of_the_definition():
    """The chance in each entry of the covariance, summed example by example."""
    rows = np.random.default_rng(0).normal(size=(30, 6)) * [1, 1, 1, 1, 2, 3]
    sample = rows.T @ rows / 30
    target = np.trace(sample) / 6 * np.eye(6)
    chance = sum(((np.outer(row, row) - sample) ** 2).sum() for row in rows) / 30**2
    covariance, share = known.ledoit_wolf(rows)
    assert share == pytest.approx(chance / ((sample - target) ** 2).sum())
    assert covariance == pytest.approx((1 - share) * sample + share * target)


def test_many_examples_need_no_shrinkage_and_round_clouds_are_taken_as_round():
    draw = np.random.default_rng(0)
    assert known.ledoit_wolf(draw.normal(size=(20_000, 5)) * [1, 2, 3, 4, 5])[1] < 0.01
    assert known.ledoit_wolf(draw.normal(size=(50, 100)))[1] > 0.8


def test_fewer_examples_than_features_are_enough():
    features, labels = clouds(40, 200, 4, 12.0)
    found = known.fit(features, labels)
    fresh, theirs = clouds(40, 200, 4, 12.0, seed=1)
    assert np.isfinite(found.distances(fresh)).all()
    assert (found.labels[found.distances(fresh).argmin(1)] == theirs).mean() == 1.0


def test_only_classes_that_occur_have_a_mean():
    features, labels = clouds(40, 6, 2, 5.0)
    assert known.fit(features, labels * 3).labels.tolist() == [0, 3]


def test_a_cloud_elsewhere_is_unknown():
    """It lies far out on the side of one class: softmax is sure, the distance is not deceived."""
    features, labels = clouds(600, 10, 3, 8.0)
    elsewhere = np.random.default_rng(9).normal(size=(100, 10)).astype(np.float32)
    elsewhere[:, 0] += 30
    trained, means = linear.fit(features[:300], labels[:300], 3, l2=0.01), known.fit(features[:300], labels[:300])
    limit = known.threshold(means.score(features[300:450]))
    found = known.detection(means.score(features[450:]), means.score(elsewhere), limit)
    assert found.auroc == 1.0 and found.false_positives == 0.0 and found.true_positives > 0.85
    softmax = [known.maximum_softmax(trained.probabilities(part)) for part in (features[450:], elsewhere)]
    assert known.detection(*softmax, 0.9).auroc < 0.5
    between = features[:300].mean(0) + 0.3 * elsewhere[:, ::-1]  # between the classes softmax is not sure
    between[:, -1] -= 9
    unsure = known.maximum_softmax(trained.probabilities(between.astype(np.float32)))
    assert known.detection(softmax[0], unsure, 0.9).auroc > 0.9


def test_more_of_the_same_cannot_be_told_apart():
    features, labels = clouds(900, 8, 3, 4.0)
    means = known.fit(features[:300], labels[:300])
    assert known.detection(means.score(features[300:600]), means.score(features[600:]), -3.0).auroc == pytest.approx(
        0.5, abs=0.06
    )


@pytest.mark.parametrize(("rate", "expected"), [(0.95, 6.0), (1.0, 1.0), (0.5, 51.0), (0.01, 100.0), (0.001, 100.0)])
def test_the_threshold_keeps_the_share_asked_for(rate, expected):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    limit = known.threshold(scores, rate)
    assert limit == expected and (scores >= limit).mean() >= rate


def test_detection_by_hand():
    found = known.detection(np.array([3.0, 4.0, 1.0]), np.array([2.0, 0.0]), 2.5)
    assert (found.auroc, found.threshold) == (pytest.approx(5 / 6), 2.5)
    assert (found.true_positives, found.false_positives) == (pytest.approx(2 / 3), 0.0)


def test_the_area_under_the_curve_counts_pairs():
    assert known.auroc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1
    assert known.auroc(np.array([1.0, 3.0]), np.array([2.0, 3.0, 0.0])) == pytest.approx((1 + 2.5) / 6)
    assert known.auroc(np.ones(4), np.ones(3)) == 0.5
    with pytest.raises(ValueError, match="kinds"):
        known.auroc(np.array([]), np.ones(3))


def test_the_interval_of_an_area_is_wide_with_few_pictures_and_holds_the_truth():
    draw = np.random.default_rng(0)
    found = [known.detection(draw.normal(1, 1, 30), draw.normal(0, 1, 30), 0.0) for _ in range(40)]
    assert all(one.low < one.auroc < one.high for one in found)
    held = sum(one.low <= 0.760 <= one.high for one in found)  # normal clouds a standard deviation apart
    assert held >= 32, "38 of 40 are expected"
    many = known.detection(draw.normal(1, 1, 3000), draw.normal(0, 1, 3000), 0.0)
    assert many.high - many.low < 0.05 < found[0].high - found[0].low
    sure = known.detection(np.array([2.0, 3.0]), np.array([1.0]), 0.0)
    assert (sure.auroc, sure.low, sure.high) == (1, 1, 1)


def test_what_makes_no_sense_is_an_error():
    with pytest.raises(ValueError):
        known.fit(np.ones((3, 2)), np.array([0, 1]))
    with pytest.raises(ValueError, match="same"):
        known.fit(np.ones((4, 2)), np.array([0, 0, 1, 1]))
    for scores, rate in ((np.array([]), 0.9), (np.ones(3), 0.0), (np.ones(3), math.nan)):
        with pytest.raises(ValueError):
            known.threshold(scores, rate)
