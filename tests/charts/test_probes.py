"""The chart of probes: plain data in, a plain dictionary out."""

import json

from tl_core.charts import probes
from tl_core.charts.probes import Line

PLACES = ("stem", "middle", "top")
LINES = (Line("pretrained", PLACES, [[0.4, 0.6], [0.8, 0.9], [0.7]]), Line("random", PLACES[:1], [[0.3, 0.5]]))


def drawn(*lines, **about) -> dict:
    return probes.figure(lines, PLACES, about.get("chance"), about.get("guess"), str)


def test_a_line_of_means_on_a_band_from_the_worst_to_the_best_seed():
    traces = {trace["uid"]: trace for trace in drawn(*LINES, chance=0.34)["data"]}
    assert traces["pretrained"]["y"] == [0.5, 0.85, 0.7]
    assert traces["pretrained band"]["x"] == ["stem", "middle", "top", "top", "middle", "stem"]
    assert traces["pretrained band"]["y"] == [0.6, 0.9, 0.7, 0.7, 0.8, 0.4]
    assert traces["random"]["line"]["dash"] == "dash", "told apart without colours too"
    assert traces["random"]["line"]["color"] != traces["pretrained"]["line"]["color"]
    assert traces["chance"]["y"] == [0.34, 0.34]


def test_the_axis_has_room_for_every_block_from_the_beginning_and_the_guess_is_marked():
    figure = drawn(Line("pretrained", (), ()), guess="middle")
    assert figure["data"] == []
    assert figure["layout"]["xaxis"]["categoryarray"] == list(PLACES)
    assert figure["layout"]["shapes"][0]["x0"] == 1
    assert "shapes" not in drawn(*LINES)["layout"]
    json.dumps(drawn(*LINES, chance=0.3, guess="top"), allow_nan=False)


def test_the_description_has_every_point():
    said = str(probes.description(LINES))
    assert "stem 50.0 %, middle 85.0 %, top 70.0 %" in said
    assert "Random weights: stem 40.0 %." in said
