"""The chart of a search for wrong labels: plain data in, a plain dictionary out."""

import json

from tl_core.charts import search

SEEDS = ({0.1: 0.8, 1.0: 1.0}, {0.1: 0.6, 1.0: 1.0}, {})


def test_the_mean_of_the_seeds_rises_from_nothing_beside_chance():
    traces = {trace["uid"]: trace for trace in search.figure(SEEDS, 0.1, None, str)["data"]}
    assert (traces["0-mean"]["x"], traces["0-mean"]["y"]) == ([0.0, 0.1, 1.0], [0.0, 0.7, 1.0])
    assert (traces["0-low"]["y"][1], traces["0-high"]["y"][1]) == (0.6, 0.8)
    assert traces["chance"]["x"] == traces["chance"]["y"] == [0, 1]
    assert "guess" not in traces


def test_suspects_and_guess_are_marked_before_anything_is_measured():
    figure = search.figure([{}, {}], 0.1, 0.3, str)
    assert figure["layout"]["shapes"][0]["x0"] == 0.1
    guess = next(trace for trace in figure["data"] if trace["uid"] == "guess")
    assert (guess["x"], guess["y"]) == ([0.1], [0.3])
    json.dumps(figure, allow_nan=False)


def test_the_description_has_every_point():
    assert "mean of 2 seeds: 70 % after 10 %, 100 % after 100 %" in str(search.description(SEEDS))
    assert "Nothing has been measured" in str(search.description([{}]))
