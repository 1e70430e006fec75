"""Seed noise: quantiles of the tables, tests worked out by hand, and how often chance alone is called a difference."""

import math

import numpy as np
import pytest

from tl_core.labs import noise


@pytest.mark.parametrize(
    ("freedom", "share", "expected"),
    [(1, 0.975, 12.706), (2, 0.975, 4.303), (3, 0.975, 3.182), (4, 0.975, 2.776), (9, 0.95, 1.833), (10, 0.99, 2.764)],
)
def test_quantiles_are_those_of_the_tables(freedom, share, expected):
    assert noise.quantile_t(share, freedom) == pytest.approx(expected, abs=6e-4)


def test_with_many_degrees_of_freedom_the_quantile_is_the_normal_one():
    assert noise.quantile_t(0.975, 5000) == pytest.approx(1.96, abs=1e-3)


def test_an_interval_by_hand():
    found = noise.interval([0.70, 0.72, 0.74])
    half = 4.3027 * 0.02 / math.sqrt(3)
    assert (found.mean, found.low, found.high) == pytest.approx((0.72, 0.72 - half, 0.72 + half), abs=1e-4)


def test_one_seed_has_no_spread_that_anybody_knows():
    assert noise.interval([0.7]) is None and noise.interval([]) is None


def test_equal_accuracies_are_as_wide_as_one_example():
    found = noise.interval([0.5, 0.5, 0.5], resolution=1 / 20)
    assert found.high - found.mean == pytest.approx(4.3027 / 20 / math.sqrt(3), abs=1e-4)


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    draw = np.random.default_rng(0)
    held = [found.low < 3 < found.high for found in (noise.interval(draw.normal(3, 1, 4)) for _ in range(2000))]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_seeds_that_all_gain_are_better_and_seen_from_the_other_side_worse():
    scratch, frozen = [0.50, 0.55, 0.45, 0.52, 0.48], [0.61, 0.64, 0.57, 0.62, 0.60]
    found = noise.verdict(scratch, frozen, 1 / 200)
    assert (found.kind, found.count) == ("better", 5)
    assert found.difference.mean == pytest.approx(0.108)
    assert 0.08 < found.difference.low < found.difference.high < 0.14
    assert str(found.message).startswith("Better by 10.8 points (95 % interval +9.")
    assert "paired t-test over 5 seeds" in str(found.message)
    assert noise.verdict(frozen, scratch, 1 / 200).kind == "worse"


def test_pairs_tell_what_means_alone_would_not():
    """Splits differ by 10 points, the two kinds by 2: paired it is seen, unpaired it would not be."""
    draw = np.random.default_rng(0)
    hard = draw.normal(0.6, 0.1, 5)
    first, second = hard + draw.normal(0, 0.003, 5), hard + 0.02 + draw.normal(0, 0.003, 5)
    assert noise.verdict(first, second, 0.001).kind == "better"
    assert noise.verdict(first, second[::-1], 0.001).kind == "noise"


def test_chance_alone_is_rarely_called_a_difference():
    draw = np.random.default_rng(1)
    kinds = [noise.verdict(draw.normal(0.6, 0.03, 5), draw.normal(0.6, 0.03, 5), 0.005).kind for _ in range(1000)]
    assert 0.02 < 1 - kinds.count("noise") / 1000 < 0.08


def test_a_gain_of_one_example_that_repeats_itself_is_noise():
    assert noise.verdict([0.50] * 3, [0.52] * 3, 1 / 50).kind == "noise"
    assert noise.verdict([0.50] * 3, [0.90] * 3, 1 / 50).kind == "better"


@pytest.mark.parametrize(("first", "second"), [([0.5], [0.6]), ([0.5, 0.6], [0.6]), ([], [])])
def test_seeds_that_cannot_be_paired_are_an_error(first, second):
    with pytest.raises(ValueError):
        noise.verdict(first, second, 0.01)


def _examples(both: int, first: int, second: int, none: int) -> tuple[np.ndarray, np.ndarray]:
    """Who is right: both, only the first, only the second, none."""
    rows = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * none
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def test_mcnemar_by_hand():
    assert noise.mcnemar(*_examples(50, 1, 9, 5)) == pytest.approx(2 * (1 + 10) / 2**10)
    assert noise.mcnemar(*_examples(50, 0, 5, 5)) == pytest.approx(2 / 2**5)
    assert noise.mcnemar(*_examples(50, 4, 4, 5)) == 1.0
    assert noise.mcnemar(*_examples(9, 0, 0, 1)) == 1.0
    assert 0 < noise.mcnemar(*_examples(0, 3000, 3300, 0)) < 0.001  # numbers beyond what a float holds


def test_the_bootstrap_is_as_wide_as_the_formula():
    first, second = _examples(600, 40, 80, 280)
    found = noise.bootstrap(first, second)
    width = 1.96 * math.sqrt((0.12 - 0.04**2) / 1000)
    assert found.mean == pytest.approx(0.04)
    assert (found.low, found.high) == pytest.approx((0.04 - width, 0.04 + width), abs=0.002)
    assert found == noise.bootstrap(first, second) and found != noise.bootstrap(first, second, seed=1)


def test_a_verdict_on_the_same_examples():
    assert noise.verdict_of_examples(*_examples(600, 40, 80, 280)).kind == "better"
    assert noise.verdict_of_examples(*_examples(600, 80, 40, 280)).kind == "worse"
    found = noise.verdict_of_examples(*_examples(60, 4, 5, 31))
    assert found.kind == "noise" and "100 examples" in str(found.message)
    # four examples of four: the bootstrap has no doubt, McNemar's test has (p = 1/8)
    assert noise.verdict_of_examples(*_examples(0, 0, 4, 0)).kind == "noise"


def test_other_examples_cannot_be_compared():
    for first, second in ((np.ones(3, bool), np.ones(4, bool)), (np.ones(0, bool), np.ones(0, bool))):
        with pytest.raises(ValueError, match="same examples"):
            noise.mcnemar(first, second)
