"""The report says what came in, what did not and why, and what a teacher would warn of."""

import time
from pathlib import Path

import pytest

from tests.images.data.drawing import jpeg
from tests.images.data.test_split import dataset as made
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data.ingest import ingest
from tl_core.images.data.report import ClassCount, Sizes, dataset_report

pytestmark = pytest.mark.usefixtures("tl_home")


def warnings(data: datasets.Dataset) -> str:
    return " | ".join(str(warning) for warning in dataset_report(data).warnings)


def test_counts_parts_sizes_and_refusals():
    entries = [(f"train/roses/{n}.jpg", jpeg(n)) for n in range(12)]
    entries += [(f"train/tulips/{n}.jpg", jpeg(100 + n, (100, 60))) for n in range(10)]
    entries += [("val/roses/a.jpg", jpeg(200)), ("val/tulips/b.jpg", jpeg(201, (30, 90)))]
    entries += [("train/roses/bad1.jpg", b""), ("train/roses/bad2.jpg", b""), ("val/roses/bad3.jpg", b"<html>")]
    report = dataset_report(ingest(entries, name="x"))
    assert report.images == 24 and report.parts
    assert report.classes == (ClassCount("roses", 13, 12, 1, 0, 0), ClassCount("tulips", 11, 10, 1, 0, 0))
    assert report.sizes == Sizes((30, 48, 100), (40, 40, 90))
    assert str(report.refused[0].reason) == "The file is empty."
    assert [item.count for item in report.refused] == [2, 1]
    assert {key for key, _ in report.rejected} == {"train/roses/bad1.jpg", "train/roses/bad2.jpg", "val/roses/bad3.jpg"}
    assert report.imbalance == pytest.approx(13 / 11)
    assert report.copies == () and report.warnings == () and report.notices == ()


def test_copies_and_where_they_matter():
    entries = [(f"train/{name}/{n}.jpg", jpeg(k * 50 + n)) for k, name in enumerate("ab") for n in range(10)]
    entries += [("train/a/copy.jpg", jpeg(0)), ("train/a/copy2.jpg", jpeg(0))]
    entries += [("test/b/seen.jpg", jpeg(50)), ("train/b/wrong.jpg", jpeg(1))]
    report = dataset_report(ingest(entries, name="x"))
    found = {frozenset(group.keys): (group.across_parts, group.across_classes) for group in report.copies}
    assert found == {
        frozenset({"train/a/0.jpg", "train/a/copy.jpg", "train/a/copy2.jpg"}): (False, False),
        frozenset({"train/b/0.jpg", "test/b/seen.jpg"}): (True, False),
        frozenset({"train/a/1.jpg", "train/b/wrong.jpg"}): (False, True),
    }
    assert len(report.copies[0].keys) == 3 and report.spare_copies == 4
    text = warnings(datasets.available() and datasets.load(datasets.available()[0].id))
    assert "more than one part" in text and "more than one class" in text


def test_warnings_of_uneven_small_single_and_emptied_classes():
    many = [(f"a/{n}.jpg", jpeg(n)) for n in range(30)]
    data = ingest([*many, *((f"b/{n}.jpg", jpeg(100 + n)) for n in range(4))], name="x")
    assert dataset_report(data).imbalance == 7.5
    assert "a has 7.5 times as many pictures as b" in warnings(data) and "Fewer than 10 pictures: b." in warnings(data)
    fewer = datasets.remove(data, [f"b/{n}.jpg" for n in range(4)])
    assert "one class" in warnings(fewer) and "No picture is left in: b." in warnings(fewer)
    nothing = datasets.remove(fewer, [f"a/{n}.jpg" for n in range(30)])
    assert dataset_report(nothing).sizes is None and "no pictures left" in warnings(nothing)


def test_empty_class_folders_are_named(tmp_path: Path):
    entries = [*((f"a/{n}.jpg", jpeg(n)) for n in range(2)), ("b/1.jpg", jpeg(9)), ("c/1.jpg", b"")]
    assert "class folders: c." in str(dataset_report(ingest(entries, name="x")).notices[0])


def test_twenty_thousand_pictures_take_less_than_half_a_second(monkeypatch: pytest.MonkeyPatch):
    rows = [(f"{n % 19_000}", n % 10, ("train", "validation", None)[n % 3]) for n in range(20_000)]
    data = made(rows)
    manifest = datasets.Manifest(data.classes, (), (), ())
    monkeypatch.setattr(datasets, "read_manifest", lambda id: manifest)
    began = time.process_time()
    report = dataset_report(data)
    assert time.process_time() - began < 0.5
    assert report.images == 20_000 and report.spare_copies == 1000


def test_a_deleted_dataset():
    data = ingest([("a/1.jpg", jpeg(1)), ("b/2.jpg", jpeg(2))], name="x")
    datasets.delete(data.id)
    with pytest.raises(UserError, match="not here"):
        dataset_report(data)
