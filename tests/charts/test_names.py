"""Names that people give stay words in a chart's text: Plotly would take some of them for markup."""

import json

import pytest

from tests.charts import test_confusion, test_curves, test_language
from tl_core.charts import confusion, curves, language, probabilities
from tl_core.charts.curves import NamedHistory

HOSTILE = '<a href="http://evil.example">x</a>'
SHOWN = '&lt;a href="http://evil.example"&gt;x&lt;/a&gt;'


def plain(text):
    return text


def told():
    return [NamedHistory(HOSTILE, test_curves.Told([test_curves.epoch(1, 0.5, 0.7, best=True)]))]


def tuned():
    return [NamedHistory(HOSTILE, test_language.rounds((30, 40)))]


@pytest.mark.parametrize(
    "figure",
    [
        lambda: curves.several(told(), "loss", plain),
        lambda: curves.several(told(), "accuracy", plain, training=False),
        lambda: language.several(tuned(), "loss", plain),
        lambda: language.several(tuned(), "loss", plain, training=False),
        lambda: confusion.figure(test_confusion.made([(0, 1), (0, 0)], classes=(HOSTILE, "b", "c")), plain),
        lambda: probabilities.figure([(HOSTILE, 0.9), ("b", 0.1)], plain),
    ],
)
def test_a_name_is_no_markup_in_a_chart(figure):
    text = json.dumps(figure(), ensure_ascii=False).replace('\\"', '"')
    assert HOSTILE not in text and HOSTILE[:16] not in text
    assert SHOWN[:18] in text
