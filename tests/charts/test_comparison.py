"""What the curves of several runs say."""

import pytest

from tests.charts.test_curves import Told, epoch
from tl_core.charts import comparison
from tl_core.charts.curves import NamedHistory


def named(name, *accuracies):
    return NamedHistory(name, Told([epoch(n, 0.5, value, best=True) for n, value in enumerate(accuracies, 1)]))


@pytest.mark.parametrize(
    ("histories", "words"),
    [
        ([named("a")], "None of these runs"),
        ([named("a"), named("b", 0.5)], "b reaches 50.0 % validation accuracy"),
        (
            [named("a", 0.2, 0.4), named("b", 0.9)],
            "b reaches the highest validation accuracy, 90.0 %; a stays at 40.0 %",
        ),
        ([named("a", 0.90), named("b", 0.91)], "about the same validation accuracy, 90.0 % to 91.0 %"),
    ],
)
def test_the_sentence_names_the_best_and_the_worst(histories, words):
    assert words in str(comparison.reading(histories, "accuracy"))


def test_the_epoch_whose_weights_are_kept_counts():
    history = Told([epoch(1, 0.5, 0.7, best=True), epoch(2, 0.5, 0.9, best=False)])
    assert comparison.kept(history, "accuracy") == 0.7


def test_the_description_names_every_run():
    text = str(comparison.description([named("first", 0.5), named("second", 0.8)], "loss", "accuracy"))
    assert "loss" in text
    assert "first, second" in text
