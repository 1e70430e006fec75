"""The bar chart of what a network says, and its sentences."""

import plotly.graph_objects as go
import pytest

from tl_core.charts import probabilities

LABELS = (("tulip", 0.7), ("rose", 0.2), ("daisy", 0.1))


def test_the_figure_is_one_that_plotly_accepts_with_the_likeliest_on_top():
    figure = probabilities.figure(LABELS, lambda text: text.upper())
    drawn = go.Figure(figure)
    assert list(drawn.data[0].x) == [0.7, 0.2, 0.1]
    assert list(drawn.layout.yaxis.ticktext) == ["tulip", "rose", "daisy"]
    assert drawn.layout.yaxis.autorange == "reversed"
    assert drawn.layout.xaxis.title.text == "PROBABILITY"
    assert list(drawn.data[0].text) == ["70.0 %", "20.0 %", "10.0 %"]


def test_two_classes_of_the_same_name_keep_a_bar_each():
    figure = probabilities.figure([("crane", 0.6), ("crane", 0.3)], str)
    assert len(set(figure["data"][0]["y"])) == 2


def test_a_long_name_is_cut_beside_its_bar_but_whole_on_hovering():
    name = "a very long class name that nobody can read at a glance"
    figure = probabilities.figure([(name, 1.0)], str)
    assert len(figure["layout"]["yaxis"]["ticktext"][0]) == probabilities.LONG
    assert figure["data"][0]["customdata"] == [name]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ((("tulip", 0.97), ("rose", 0.02)), "sure: tulip with 97.0 %"),
        ((("tulip", 0.45), ("rose", 0.40)), "torn between tulip (45.0 %) and rose (40.0 %)"),
        ((("tulip", 0.998), ("rose", 0.002)), "as good as certain: tulip with 99.8 %."),
        (LABELS, "takes it for tulip with 70.0 %; rose has 20.0 %"),
        ((("tulip", 1.0),), "one class only: tulip"),
    ],
)
def test_the_sentence_says_how_sure_the_network_is(labels, words):
    assert words in str(probabilities.reading(labels))


def test_who_cannot_see_the_chart_hears_all_bars():
    assert str(probabilities.description(LABELS)) == (
        "Bar chart of probabilities: tulip 70.0 %, rose 20.0 %, daisy 10.0 %."
    )
