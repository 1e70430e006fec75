"""Ranks and what comes of them, against figures worked out by hand."""

import numpy as np
import pytest

from tl_core.labs import ranks


def test_equal_values_share_the_mean_of_their_ranks():
    assert ranks.average(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [4, 1, 4, 2, 4]


def test_one_swap_of_neighbours_among_four():
    """Spearman: 1 - 6 * 2 / (4 * 15); Kendall: (5 - 1) / 6."""
    first, second = np.array([1, 2, 3, 4]), np.array([10, 20, 40, 30])
    assert ranks.spearman(first, second) == pytest.approx(0.8)
    assert ranks.kendall(first, second) == pytest.approx(4 / 6)


def test_ties_are_allowed_for():
    """Of six pairs one is tied in the second: 5 / sqrt(6 * 5)."""
    first, second = np.array([1, 2, 3, 4]), np.array([1, 2, 2, 3])
    assert ranks.kendall(first, second) == pytest.approx(5 / np.sqrt(30))
    assert ranks.spearman(first, second) == pytest.approx(4.5 / np.sqrt(5 * 4.5))


def test_the_same_order_is_one_and_the_opposite_minus_one():
    values = np.array([0.3, 0.1, 0.9, 0.5])
    for correlation in (ranks.spearman, ranks.kendall):
        assert correlation(values, values**3) == pytest.approx(1)
        assert correlation(values, -values) == pytest.approx(-1)


def test_without_an_order_there_is_no_correlation():
    for correlation in (ranks.spearman, ranks.kendall):
        assert correlation(np.ones(3), np.arange(3)) is None
        assert correlation(np.ones(1), np.ones(1)) is None
        with pytest.raises(ValueError, match="compared"):
            correlation(np.ones(2), np.ones(3))
