"""The confusion matrix and the sentences of a report, from predictions written by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from tl_core.charts import confusion
from tl_core.classification.report import report
from tl_core.images.data.dataset import Dataset, ImageRecord


def made(pairs, classes=("roses", "tulips", "daisy")):
    """A report of pictures given as (true, predicted); the network is 80 % sure each time."""
    images = tuple(ImageRecord(f"{n:064x}", f"{n}.jpg", true, None, 8, 8) for n, (true, _) in enumerate(pairs))
    probabilities = np.full((len(pairs), len(classes)), 0.2 / (len(classes) - 1), np.float32)
    for row, (_, predicted) in enumerate(pairs):
        probabilities[row, predicted] = 0.8
    dataset = Dataset("d", Path("."), "d", tuple(classes), images)
    return report("validation", dataset.id, dataset.classes, dataset.images[: len(pairs)], probabilities)


MIXED = made([(0, 0)] * 6 + [(0, 1)] * 4 + [(1, 1)] * 9 + [(1, 2)] + [(2, 2)] * 5)


def plain(text):
    return text


def test_every_cell_with_pictures_can_be_chosen_and_says_its_count():
    traces = confusion.figure(MIXED, plain)["data"]
    told = {
        tuple(cell): text for trace in traces[1:] for cell, text in zip(trace["customdata"], trace["text"], strict=True)
    }
    assert told == {(0, 0): "6", (0, 1): "4", (1, 1): "9", (1, 2): "1", (2, 2): "5"}
    assert set(told) == set(confusion.cells(MIXED))


def test_right_and_wrong_have_opposite_signs_and_rows_are_shares():
    shares = np.array(confusion.figure(MIXED, plain)["data"][0]["z"])
    assert (np.diag(shares) > 0).all()
    assert (shares - np.diag(np.diag(shares)) <= 0).all()
    assert np.abs(shares).sum(1) == pytest.approx(1)


def test_the_first_class_stands_at_the_top():
    layout = confusion.figure(MIXED, plain)["layout"]
    assert layout["yaxis"]["range"] == [2.5, -0.5]
    assert layout["yaxis"]["categoryarray"][0] == "roses"


def test_equal_and_endless_names_stay_apart():
    long = "a very long name of a class that differs at its end only "
    figure = confusion.figure(made([(0, 0), (1, 1)], (long + "1", long + "2")), plain)
    names = figure["data"][0]["x"]
    assert len(set(names)) == 2
    assert all(len(name) < 25 for name in names)


def test_a_hundred_classes_are_drawn_without_numbers():
    report = made([(n, n) for n in range(100)], [f"class {n}" for n in range(100)])
    figure = confusion.figure(report, plain)
    assert figure["data"][1]["mode"] == "markers"
    assert figure["layout"]["height"] <= 900
    json.dumps(figure, allow_nan=False)


def test_a_class_without_pictures_leaves_an_empty_row():
    figure = confusion.figure(made([(0, 0), (1, 1)]), plain)
    assert figure["data"][0]["z"][2] == [0, 0, 0]
    json.dumps(figure, allow_nan=False)


@pytest.mark.parametrize(
    ("sentence", "pairs", "words"),
    [
        (confusion.reading, [(0, 0), (1, 1)], "Everything lies on the diagonal"),
        (confusion.reading, [(0, 1), (0, 1), (0, 0), (1, 0)], "2 of 3 pictures of roses are taken for tulips"),
        (confusion.description, [(0, 1), (0, 0)], "3 classes: 1 of 2 pictures lie on the diagonal"),
        (confusion.classes_reading, [(0, 0), (1, 0), (1, 1), (1, 1)], "roses is found best (100.0 %"),
        (confusion.classes_reading, [(0, 0), (1, 0), (1, 1), (1, 1)], "tulips is missed most (66.7 %)"),
        (confusion.classes_reading, [(0, 0), (1, 1)], "equally well: 100.0 %"),
        (confusion.mistakes_reading, [(0, 0)], "no mistakes on these 1 pictures"),
        (
            confusion.mistakes_reading,
            [(0, 1), (0, 0)],
            "1 of 2 pictures are wrong. When it is wrong, the network is 80.0 %",
        ),
    ],
)
def test_the_sentences_say_what_the_report_holds(sentence, pairs, words):
    assert words in str(sentence(made(pairs)))


def test_the_list_of_cells_begins_with_the_most_frequent_mistake():
    assert confusion.cells(MIXED) == [(0, 1), (1, 2), (0, 0), (1, 1), (2, 2)]
