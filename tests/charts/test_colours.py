"""A run's colour: stable, and its own as long as the palette suffices."""

import itertools

from tl_core.charts.colours import colours
from tl_core.charts.style import PALETTE

RUNS = [f"20260101-00000{number}-abcdef" for number in range(9)]


def test_the_colour_comes_from_the_run_whatever_stands_beside_it_first():
    alone = {run: colours([run])[run] for run in RUNS}
    assert alone == {run: colours([run])[run] for run in reversed(RUNS)}
    assert len(set(alone.values())) > 1


def test_no_two_runs_share_a_colour_while_the_palette_suffices():
    for chosen in itertools.combinations(RUNS, len(PALETTE)):
        assert len(set(colours(chosen).values())) == len(PALETTE)


def test_the_order_of_the_selection_does_not_matter():
    assert colours(RUNS[:5]) == colours(RUNS[:5][::-1])


def test_a_colour_that_was_seen_is_kept_when_others_come_and_go():
    seen = colours(RUNS[2:6])
    later = colours(RUNS, seen)
    assert {run: later[run] for run in RUNS[2:6]} == seen
    assert colours(RUNS[2:4], seen) == {run: seen[run] for run in RUNS[2:4]}


def test_with_more_runs_than_colours_each_colour_is_used_about_equally_often():
    used = list(colours(RUNS).values())
    assert max(used.count(colour) for colour in PALETTE) == 2
