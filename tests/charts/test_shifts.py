"""The chart of ways on several kinds of pictures: a seed is a dot, a mean a bar; the guess spans the changed ones."""

import pytest

from tl_core.base.metrics import METRICS
from tl_core.charts import shifts
from tl_core.charts.bands import Guessed
from tl_core.charts.shifts import Kind

PLACES = ("As they are", "Grey")
KINDS = (Kind("<b>Frozen", "#0072B2", [[0.8, 0.9], [0.5, 0.7]]), Kind("All", "#E69F00", [[], []]))


def test_every_seed_is_a_dot_and_every_mean_a_bar_in_its_own_lane():
    figure = shifts.figure(KINDS, PLACES, METRICS["accuracy"], str, Guessed(0.6, "guess"))
    dots, means, none, nothing = figure["data"]
    assert dots["y"] == [0.8, 0.9, 0.5, 0.7] and len(set(dots["x"])) == 2
    assert means["y"] == pytest.approx([0.85, 0.6]) and set(means["x"]) == set(dots["x"])
    assert means["name"] == "&lt;b&gt;Frozen, mean of 2 seeds"
    assert none["y"] == [] and nothing["y"] == [None, None] and not set(nothing["x"]) & set(means["x"])
    assert figure["layout"]["xaxis"]["ticktext"] == list(PLACES)
    [line] = figure["layout"]["shapes"]
    assert (line["x0"], line["x1"], line["y0"]) == (0.5, 1.5, 0.6)


def test_the_description_has_every_mean():
    said = str(shifts.description(KINDS, PLACES, METRICS["accuracy"]))
    assert "Frozen: As they are 85.0 %, Grey 60.0 %." in said and "All has no result yet" in said
