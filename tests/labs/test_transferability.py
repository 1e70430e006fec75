"""Scores before training: the evidence against the density that it stands for, and rankings that are known."""

import math

import numpy as np
import pytest

from tests.labs.drawn import clouds
from tl_core.labs import ranks, transferability


def _density(features: np.ndarray, target: np.ndarray, alpha: float, beta: float) -> float:
    """The logarithm of the normal density, written out."""
    covariance = np.eye(len(target)) / beta + features @ features.T / alpha
    size = np.linalg.slogdet(covariance)[1]
    return -0.5 * (len(target) * math.log(2 * math.pi) + size + target @ np.linalg.solve(covariance, target))


@pytest.mark.parametrize("shape", [(30, 8), (20, 40)], ids=["more examples", "more features"])
def test_the_evidence_is_the_density_of_the_labels_where_it_is_greatest(shape):
    draw = np.random.default_rng(0)
    features = draw.normal(size=shape) / np.arange(1, shape[1] + 1)  # a few directions carry most, as in networks
    target = (features[:, 0] + 0.2 * draw.normal(size=shape[0]) > 0).astype(float)
    eigenvalues, squares = transferability._spectrum(features, target[:, None])
    found, alpha, beta = transferability.evidence(eigenvalues, squares[:, 0], float(target @ target), shape[0])
    assert found == pytest.approx(_density(features, target, alpha, beta), rel=1e-6)
    for nudge in (0.9, 1.1):
        assert _density(features, target, alpha * nudge, beta) < found
        assert _density(features, target, alpha, beta * nudge) < found


def test_logme_is_the_mean_over_classes_and_examples():
    features, labels = clouds(60, 7, 3, 2.0)
    expected = []
    for label in range(3):
        target = (labels == label).astype(float)
        eigenvalues, squares = transferability._spectrum(features.astype(float), target[:, None])
        _, alpha, beta = transferability.evidence(eigenvalues, squares[:, 0], target.sum(), 60)
        expected.append(_density(features.astype(float), target, alpha, beta) / 60)
    assert transferability.logme(features, labels, 3) == pytest.approx(np.mean(expected), rel=1e-5)
    assert transferability.logme(features, labels, 4) == transferability.logme(
        features, labels, 3
    )  # one has no examples


def test_both_scores_rise_with_the_distance_of_the_classes():
    distances = [0.0, 1.0, 2.0, 4.0, 8.0]
    drawn = [clouds(200, 30, 4, distance) for distance in distances]
    evidences = [transferability.logme(features, labels, 4) for features, labels in drawn]
    ratios = [transferability.separation(features, labels) for features, labels in drawn]
    assert ranks.spearman(np.array(evidences), np.array(distances)) == 1
    assert ranks.kendall(np.array(ratios), np.array(distances)) == 1


def test_a_rotation_changes_neither_and_a_scale_not_the_score():
    features, labels = clouds(80, 10, 3, 2.0)
    turned = features @ np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))[0]
    assert transferability.logme(turned, labels, 3) == pytest.approx(
        transferability.logme(features, labels, 3), rel=1e-4
    )
    assert transferability.logme(5 * features, labels, 3) == pytest.approx(
        transferability.logme(features, labels, 3), rel=1e-4
    )
    assert transferability.separation(3 * turned, labels) == pytest.approx(
        transferability.separation(features, labels), rel=1e-4
    )


def test_separation_by_hand():
    """Means at 0 and 4 around 2, two examples each at 1 from their mean: 4 * 4 / 4 * 1."""
    features = np.array([[-1.0], [1.0], [3.0], [5.0]], np.float32)
    assert transferability.separation(features, np.array([0, 0, 1, 1])) == 4.0
    assert transferability.separation(features, np.array([0, 1, 0, 1])) == pytest.approx(4 / 16)
    assert transferability.separation(np.array([[0.0], [0.0], [1.0]]), np.array([2, 2, 5])) == math.inf


def test_what_says_nothing_is_an_error():
    labels = np.array([0, 1])
    for features in (np.zeros((2, 3)), np.ones((3, 3)), np.ones(2)):
        with pytest.raises(ValueError):
            transferability.logme(features, labels, 2)
    with pytest.raises(ValueError, match="one class"):
        transferability.separation(np.ones((2, 3)), np.array([1, 1]))
