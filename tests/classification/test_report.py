"""The report: its figures against ones worked out by hand, and its file."""

import math
from pathlib import Path

import numpy as np
import pytest

from tl_core.classification import report
from tl_core.images.data.dataset import Dataset, ImageRecord

# True classes and probabilities of seven pictures; class 2 is never predicted, class 3 has no pictures.
TRUE = [0, 0, 0, 1, 1, 2, 2]
PROBABILITIES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],
        [0.6, 0.2, 0.1, 0.1],
        [0.2, 0.5, 0.2, 0.1],
        [0.1, 0.8, 0.05, 0.05],
        [0.05, 0.85, 0.05, 0.05],
        [0.9, 0.05, 0.0, 0.05],
        [0.3, 0.4, 0.25, 0.05],
    ],
    np.float32,
)


@pytest.fixture
def made() -> report.Report:
    images = tuple(
        ImageRecord(f"{n:064x}", f"{label}/{n}.jpg", label, None, 10, 10) for n, label in enumerate([3, *TRUE])
    )
    dataset = Dataset("0" * 16, Path("/nowhere"), "made", ("a", "b", "c", "d"), images)
    return report.report("test", dataset.id, dataset.classes, dataset.images[1:8], PROBABILITIES)


def test_overall_figures(made):
    assert made.accuracy == pytest.approx(4 / 7)
    logs = [0.7, 0.6, 0.2, 0.8, 0.85, 1e-7, 0.25]
    assert made.loss == pytest.approx(-sum(map(math.log, logs)) / 7, rel=1e-6)
    assert made.macro_f1 == pytest.approx((2 / 3 + 2 * 2 / (2 + 4) + 0) / 3)  # class d, without pictures, is left out
    assert made.metrics == {"loss": made.loss, "accuracy": made.accuracy, "macro_f1": made.macro_f1}


def test_figures_of_each_class(made):
    figures = [(s.name, s.examples, s.predicted, s.correct, s.precision, s.recall) for s in made.scores]
    assert figures == [
        ("a", 3, 3, 2, 2 / 3, 2 / 3),
        ("b", 2, 4, 2, 1 / 2, 1.0),
        ("c", 2, 0, 0, None, 0.0),
        ("d", 0, 0, 0, None, None),
    ]
    assert [score.f1 for score in made.scores] == pytest.approx([2 / 3, 2 / 3, 0, 0])


def test_confusion_counts_true_classes_in_rows(made):
    assert made.confusion == ((2, 1, 0, 0), (0, 2, 0, 0), (1, 1, 0, 0), (0, 0, 0, 0))
    assert [item.key for item in made.cell(2, 0)] == ["2/6.jpg"]
    assert [item.key for item in made.cell(0, 0)] == ["0/1.jpg", "0/2.jpg"]  # the surest first
    assert made.cell(1, 0) == []


def test_the_worst_mistakes_come_first(made):
    assert [(item.key, item.true, item.predicted) for item in made.mistakes] == [
        ("2/6.jpg", 2, 0),
        ("0/3.jpg", 0, 1),
        ("2/7.jpg", 2, 1),
    ]
    assert (made.mistakes[0].true_probability, made.mistakes[0].confidence) == (0.0, 0.9)


def test_a_report_is_read_as_it_was_written(made, tmp_path):
    assert report.load(tmp_path, "test") is None
    report.save(made, tmp_path)
    assert report.load(tmp_path, "test") == made
    assert report.load(tmp_path, "validation") is None
    assert [path.name for path in tmp_path.iterdir()] == ["report-test.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"part": "test"}'])
def test_a_damaged_report_is_none(text, tmp_path):
    report.path(tmp_path, "test").write_text(text)
    assert report.load(tmp_path, "test") is None


def test_cross_entropy_is_that_of_keras():
    import keras

    expected = keras.losses.SparseCategoricalCrossentropy()(np.array(TRUE), PROBABILITIES)
    right = PROBABILITIES[np.arange(7), TRUE]
    assert report.cross_entropy(right) == pytest.approx(float(expected), rel=1e-5)


def test_a_report_of_an_earlier_version_is_read(made, tmp_path):
    report.save(made, tmp_path)
    path = report.path(tmp_path, "test")
    old = path.read_text().replace('"examples":', '"pictures":').replace('"example":', '"picture":')
    path.write_text(old)
    assert "pictures" in old and report.load(tmp_path, "test") == made
