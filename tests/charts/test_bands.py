"""Bands over seeds: traces that keep their number and order, means, the guess, and what is said of them."""

import pytest

from tl_core.base.events import Epoch
from tl_core.charts import bands
from tl_core.charts.bands import Band, Guessed
from tl_core.charts.style import PALETTE
from tl_core.runs.history import History

FROZEN = Band("Frozen", PALETTE[0], [{1: 0.5, 2: 0.8}, {1: 0.7, 2: 0.6}, {1: 0.6}])
SCRATCH = Band("<b>From scratch</b>", PALETTE[1], [{1: 0.2}, {}, {}])


def traces(*kinds, **settings):
    return bands.bands(kinds, "accuracy", str, **settings)["data"]


def test_the_mean_is_over_the_seeds_that_have_come_so_far_and_the_band_spans_them():
    found = {trace["uid"]: trace for trace in traces(FROZEN)}
    assert found["0-mean"]["x"] == [1, 2] and found["0-mean"]["y"] == pytest.approx([0.6, 0.7])
    assert (found["0-low"]["y"], found["0-high"]["y"]) == ([0.5, 0.6], [0.7, 0.8])
    assert found["0-high"]["fill"] == "tonexty" and found["0-high"]["fillcolor"] == "rgba(0, 114, 178, 0.15)"
    assert found["0-1"]["y"] == [0.7, 0.6]


def test_traces_keep_their_number_and_order_while_runs_grow():
    empty = [Band(kind.name, kind.colour, [{} for _ in kind.seeds]) for kind in (FROZEN, SCRATCH)]
    before, after = traces(*empty), traces(FROZEN, SCRATCH)
    assert [trace["uid"] for trace in before] == [trace["uid"] for trace in after]
    assert len({trace["uid"] for trace in after}) == len(after)


def test_only_means_are_in_the_legend_and_names_are_no_markup():
    shown = [trace for trace in traces(FROZEN, SCRATCH) if trace.get("showlegend", True)]
    assert [trace["name"] for trace in shown] == [
        "Frozen, mean of 3 seeds",
        "&lt;b&gt;From scratch&lt;/b&gt;",
    ]


def test_the_guess_is_a_line_across_also_on_a_logarithmic_axis():
    layout = bands.bands([FROZEN], "accuracy", str, guessed=Guessed(0.9, "Your guess: <i>"))["layout"]
    assert (layout["shapes"][0]["y0"], layout["annotations"][0]["y"]) == (0.9, 0.9)
    assert layout["annotations"][0]["text"] == "Your guess: &lt;i&gt;"
    kind = Band("LoRA", PALETTE[0], [{25: 100.0, 50: 80.0}])
    layout = bands.bands([kind], "perplexity", str, "step", Guessed(10.0, "guess"))["layout"]
    assert (layout["shapes"][0]["y0"], layout["annotations"][0]["y"]) == (10.0, 1.0)
    assert layout["yaxis"]["range"][0] <= 1.0, "the guess is in the picture"
    assert layout["xaxis"]["title"]["text"] == "Step"


def test_over_sizes_every_number_has_a_tick_and_the_guess_stands_upright():
    kind = Band("Frozen", PALETTE[0], [{5: 0.5, 20: 0.8}, {5: 0.6}])
    layout = bands.over_sizes([kind], "accuracy", str, "Pictures a class", Guessed(100, "guess"))["layout"]
    assert (layout["xaxis"]["type"], layout["xaxis"]["ticktext"]) == ("log", ["5", "20"])
    assert layout["xaxis"]["range"][1] > 2.0, "the guess is in the picture"
    assert (layout["shapes"][0]["x0"], layout["annotations"][0]["x"]) == (100, 2.0)
    assert "shapes" not in bands.over_sizes([kind], "accuracy", str, "", Guessed(0, "none"))["layout"]


def test_what_is_said():
    assert "“Frozen” is ahead at 70.0 %" in str(bands.reading([FROZEN, SCRATCH], "accuracy"))
    assert "Nothing has been measured" in str(bands.reading([Band("a", PALETTE[0], [{}])], "accuracy"))
    lower = [Band("a", PALETTE[0], [{1: 30.0}]), Band("b", PALETTE[1], [{1: 20.0}])]
    assert "“b” is ahead at 20.0" in str(bands.reading(lower, "perplexity"))
    told = str(bands.description([FROZEN, Band("b", PALETTE[1], [])], "accuracy"))
    assert "Frozen ends at 70.0 %" in told and "b has no result yet" in told


def test_points_are_those_of_the_validation_part():
    history = History(None, total=2)
    history.take(Epoch(epoch=1, step=10, metrics={"accuracy": 0.9, "val_accuracy": 0.5, "val_loss": 0.0}))
    history.take(Epoch(epoch=2, step=20, metrics={"accuracy": 0.9}))
    assert bands.points(history, "accuracy", "epoch") == {1: 0.5}
    assert bands.points(history, "perplexity", "step") == {10: 1.0}
