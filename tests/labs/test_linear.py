"""The linear probe: against the optimality conditions of its own loss, and on data whose best classifier is known."""

import numpy as np
import pytest

from tests.labs.drawn import clouds
from tl_core.labs import lbfgs, linear
from tl_core.labs.folds import stratified


def test_the_weights_are_where_the_gradient_vanishes():
    features, labels = clouds(300, 12, 3, 2.0)
    features = features * np.linspace(0.1, 50, 12, dtype=np.float32) + 7
    trained = linear.fit(features, labels, 3, l2=0.05)
    standardized = (features - features.mean(0)) / features.std(0)
    error = trained.probabilities(features) - np.eye(3)[labels]
    assert np.allclose(standardized.T @ error / 300 + 0.05 * trained.weights, 0, atol=1e-4)
    assert np.allclose(error.mean(0), 0, atol=1e-4)  # the biases are free


def test_two_classes_in_one_dimension_find_the_slope_of_the_best_classifier():
    """Unit clouds at -1 and 1: the log-odds are 2 x."""
    draw = np.random.default_rng(1)
    labels = np.arange(20_000) % 2
    features = (2 * labels - 1 + draw.normal(size=20_000)).astype(np.float32)[:, None]
    trained = linear.fit(features, labels, 2, l2=1e-6)
    at = trained.probabilities(np.array([[-1.0], [0.0], [0.5]], np.float32))
    assert np.log(at[:, 1] / at[:, 0]) == pytest.approx([-2, 0, 1], abs=0.1)


def test_what_is_far_apart_is_told_apart_and_the_rows_sum_to_one():
    features, labels = clouds(200, 20, 4, 12.0)
    trained = linear.fit(features[:100], labels[:100], 4, l2=0.01)
    said = trained.probabilities(features[100:])
    assert (said.dtype, said.shape) == (np.float32, (100, 4))
    assert np.allclose(said.sum(1), 1, atol=1e-5)
    assert trained.accuracy(features[100:], labels[100:]) == 1.0


def test_scale_and_offset_of_a_feature_change_nothing():
    features, labels = clouds(120, 8, 3, 1.5)
    moved = features * np.array([1, 10, 100, 0.1, 0.01, 5, 3, 2], np.float32) + 4
    one, two = linear.fit(features, labels, 3, l2=0.1), linear.fit(moved, labels, 3, l2=0.1)
    assert np.allclose(one.probabilities(features), two.probabilities(moved), atol=2e-3)


def test_a_constant_feature_and_an_absent_class_do_no_harm():
    features, labels = clouds(60, 6, 2, 8.0)
    features[:, 5] = 3.0
    trained = linear.fit(features, labels, 3, l2=0.1)
    said = trained.probabilities(features)
    assert np.isfinite(said).all() and said[:, 2].max() < 0.05
    assert np.allclose(trained.weights[5], 0, atol=1e-6)


def test_the_same_examples_give_the_same_classifier():
    features, labels = clouds(90, 30, 3, 2.0)
    one, two = (linear.fit(features, labels, 3, seed=4) for _ in range(2))
    assert one.l2 == two.l2 and np.array_equal(one.weights, two.weights) and np.array_equal(one.bias, two.bias)


def test_cross_validation_prefers_simplicity_where_there_is_nothing_to_learn():
    features, labels = clouds(200, 50, 4, 0.0)
    found = linear.cross_validate(features, labels, 4)
    assert found.l2 == max(linear.L2)
    assert found.losses[0] == pytest.approx(np.log(4), abs=0.05)
    assert found.losses[-1] > 1.5 * found.losses[0]
    many, theirs = clouds(2000, 10, 2, 4.0)
    assert linear.cross_validate(many, theirs, 2).l2 < 0.1


def test_what_cross_validation_says_of_an_example_was_not_learned_from_it():
    """Labels drawn at random are remembered by a classifier that saw them, and not by one that did not."""
    features, _ = clouds(80, 200, 2, 0.0)
    labels = np.random.default_rng(3).permutation(np.arange(80) % 2)
    found = linear.cross_validate(features, labels, 2, strengths=(0.001,))
    assert linear.fit(features, labels, 2, l2=0.001).accuracy(features, labels) == 1.0
    assert (found.probabilities.argmax(1) == labels).mean() < 0.7


def test_the_probabilities_of_a_fold_are_those_of_a_fit_on_the_others():
    features, labels = clouds(60, 5, 3, 2.0)
    found = linear.cross_validate(features, labels, 3, strengths=(0.1,), folds=4, seed=9)
    held = stratified(labels, 4, 9) == 2
    alone = linear.fit(features[~held], labels[~held], 3, l2=0.1)
    assert np.array_equal(found.probabilities[held], alone.probabilities(features[held]))


def test_one_example_a_class_is_learned_without_holding_out():
    features, labels = clouds(3, 10, 3, 20.0)
    trained = linear.fit(features, labels, 3)
    assert trained.l2 == linear.ALONE and trained.accuracy(features, labels) == 1.0
    with pytest.raises(ValueError, match="folds"):
        linear.cross_validate(features, labels, 3)


@pytest.mark.parametrize(
    ("features", "labels", "classes", "l2"),
    [
        (np.zeros((3, 2)), np.array([0, 1]), 2, 0.1),
        (np.zeros(3), np.array([0, 1, 0]), 2, 0.1),
        (np.zeros((0, 2)), np.array([], int), 2, 0.1),
        (np.zeros((2, 2)), np.array([0, 2]), 2, 0.1),
        (np.zeros((2, 2)), np.array([0, -1]), 2, 0.1),
        (np.zeros((2, 2)), np.array([0, 0]), 1, 0.1),
        (np.full((2, 2), np.nan), np.array([0, 1]), 2, 0.1),
        (np.zeros((2, 2)), np.array([0, 1]), 2, 0.0),
    ],
)
def test_what_cannot_be_learned_is_an_error(features, labels, classes, l2):
    with pytest.raises(ValueError):
        linear.fit(features, labels, classes, l2)


def test_folds_are_stratified_and_their_sizes_differ_by_one():
    labels = np.array([0] * 7 + [1] * 12 + [3] * 3)
    dealt = stratified(labels, 5, 0)
    assert np.ptp(np.bincount(dealt, minlength=5)) <= 1
    for label in (0, 1, 3):
        assert np.ptp(np.bincount(dealt[labels == label], minlength=5)) <= 1
    assert np.array_equal(dealt, stratified(labels, 5, 0)) and not np.array_equal(dealt, stratified(labels, 5, 1))
    for folds in (1, 23):
        with pytest.raises(ValueError):
            stratified(labels, folds, 0)


def test_the_minimum_of_a_crooked_valley():
    """Rosenbrock's function, and a quadratic one whose curvatures differ ten-thousandfold."""

    def rosenbrock(x):
        value = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        bent = x[1] - x[0] ** 2
        return float(value), np.array([-2 * (1 - x[0]) - 400 * x[0] * bent, 200 * bent])

    assert lbfgs.minimum(rosenbrock, np.array([-1.2, 1.0])) == pytest.approx([1, 1], abs=1e-4)
    steep = np.logspace(-2, 2, 20)
    found = lbfgs.minimum(lambda x: (float(steep @ (x - 3) ** 2) / 2, steep * (x - 3)), np.zeros(20))
    assert found == pytest.approx(np.full(20, 3.0), abs=2e-3)
