"""What pretraining is worth, from curves whose answer is known: accuracy rises by 10 points with each doubling."""

import math

import numpy as np
import pytest

from tl_core.labs import worth

BUDGETS = (2, 4, 8, 16, 32, 64)


def curve(start: float, spread: float = 0.002, seed: int = 0, seeds: int = 5) -> dict[int, list[float]]:
    """`start` with two examples a class and 10 points more with each doubling, 95 % at most."""
    draw = np.random.default_rng(seed)
    return {
        budget: [min(start + 0.1 * math.log2(budget / 2), 0.95) + draw.normal(0, spread) for _ in range(seeds)]
        for budget in BUDGETS
    }


def test_two_doublings_ahead_is_four_times_the_examples():
    frozen, scratch = curve(0.5), curve(0.3, seed=1)
    found = worth.worth(frozen, scratch, 8, 0.001)
    assert found.kind == "about"
    assert found.needed == pytest.approx(32, rel=0.05)
    assert found.worth == pytest.approx(24, abs=2)
    assert found.low < found.needed < found.high < 34
    assert f"worth about {found.worth} examples a class: with 8 frozen features reach 69.8 %" in str(found.message)


def test_between_two_budgets_it_is_read_off_in_the_logarithm():
    assert worth.reaching([10, 20, 40], np.array([0.4, 0.5, 0.7]), 0.6) == pytest.approx(20 * math.sqrt(2))
    assert worth.reaching([10, 20, 40], np.array([0.4, 0.5, 0.7]), 0.5) == 20
    assert worth.reaching([10, 20, 40], np.array([0.4, 0.5, 0.7]), 0.3) == 10
    assert worth.reaching([10, 20, 40], np.array([0.4, 0.5, 0.7]), 0.71) == math.inf
    assert worth.reaching([10, 20, 40], np.array([0.4, 0.4, 0.4]), 0.4) == 10


def test_a_curve_that_falls_is_pooled():
    assert worth.isotonic(np.array([0.1, 0.5, 0.3, 0.7])).tolist() == pytest.approx([0.1, 0.4, 0.4, 0.7])
    assert worth.isotonic(np.array([0.9, 0.6, 0.3])).tolist() == pytest.approx([0.6, 0.6, 0.6])


def test_one_lucky_budget_does_not_count_as_reached():
    """From scratch gets to the goal once by chance, with 20 examples, but not with 40."""
    assert worth.reaching([10, 20, 40, 80], np.array([0.3, 0.62, 0.4, 0.7]), 0.6) > 40


def test_what_scratch_does_not_reach_is_worth_more_than_was_measured():
    frozen, scratch = curve(0.8), curve(0.2)
    found = worth.worth(frozen, scratch, 4, 0.001)
    assert (found.kind, found.worth, found.needed) == ("more", 60, None)
    assert "worth more than 60 examples a class" in str(found.message) and "with 64, the most" in str(found.message)


def test_seeds_that_differ_as_much_say_nothing():
    frozen, scratch = curve(0.42, 0.08), curve(0.4, 0.08, seed=1)
    found = worth.worth(frozen, scratch, 8, 0.001)
    assert (found.kind, found.worth) == ("noise", None)
    assert "can't be said" in str(found.message)


def test_a_source_that_harms_is_called_that():
    found = worth.worth(curve(0.2), curve(0.4), 8, 0.001)
    assert (found.kind, found.worth) == ("harm", None)
    assert "negative transfer" in str(found.message)


def test_an_upper_end_beyond_what_was_measured_is_told():
    """The goal is just below what scratch reaches with most examples: in some draws of seeds it does not get there."""
    frozen, scratch = curve(0.5, 0.03), curve(0.3, 0.03, seed=1)
    frozen[16] = [float(np.mean(scratch[64])) - 0.001] * 5
    found = worth.worth(frozen, scratch, 16, 0.001)
    assert (found.kind, found.high) == ("about", None) and 32 < found.low < found.needed < 64
    assert "to more than 64)" in str(found.message)


def test_the_headline_is_what_can_be_said_of_most_examples():
    found = worth.headline(curve(0.5), curve(0.3, seed=1), 0.001)
    assert found.kind == "about" and found.examples == 8  # with 16 and more scratch does not get there
    assert worth.headline(curve(0.8), curve(0.2), 0.001).examples == 2  # the greatest lower bound
    same = curve(0.4)
    assert worth.headline(same, same, 0.01).kind == "noise"
    assert worth.headline(curve(0.2), curve(0.4), 0.001).kind == "harm"


def test_the_headline_is_near_the_truth_for_most_seeds():
    """Noise of two points, five seeds: m is 4 n."""
    near = 0
    for seed in range(10):
        found = worth.headline(curve(0.5, 0.02, seed), curve(0.3, 0.02, 100 + seed), 0.001)
        near += found.kind == "about" and abs(math.log2(found.needed / (4 * found.examples))) < 0.5
    assert near >= 9


def test_curves_that_have_nothing_in_common_are_an_error():
    with pytest.raises(ValueError, match="common"):
        worth.headline({2: [0.1, 0.2]}, {4: [0.1, 0.2]}, 0.01)
    with pytest.raises(ValueError, match="seed"):
        worth.worth({2: [0.1]}, {2: [0.3]}, 2, 0.01)
