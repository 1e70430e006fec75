"""The split is seeded and stratified, respects what folders say, and never lets a picture be seen before the exam."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tl_core.base.errors import UserError
from tl_core.images.data.dataset import Dataset, ImageRecord, Part
from tl_core.images.data.split import Split, split
from tl_core.tasks.image_classification.config import DataConfig

Row = tuple[str, int, Part | None]  # picture, class, part


def dataset(rows: list[Row], classes: int | None = None) -> Dataset:
    images = tuple(ImageRecord(id, f"{n}.jpg", label, part, 64, 48) for n, (id, label, part) in enumerate(rows))
    count = classes or max(image.label for image in images) + 1
    return Dataset("0" * 16, Path("nowhere"), "x", tuple(f"class {label}" for label in range(count)), images)


def plain(*counts: int) -> Dataset:
    return dataset([(f"{label}-{n}", label, None) for label, count in enumerate(counts) for n in range(count)])


def parts(data: Dataset, found: Split) -> dict[int, str]:
    named = {}
    for name in ("train", "validation", "test"):
        indices = getattr(found, name)
        assert indices.dtype == np.int64 and list(indices) == sorted(set(indices.tolist()))
        for index in indices.tolist():
            assert index not in named
            named[index] = name
    return named


def tally(data: Dataset, named: dict[int, str]) -> Counter:
    return Counter((data.images[index].label, name) for index, name in named.items())


def test_fractions_hold_in_every_class():
    data = plain(100, 40, 10)
    found = tally(data, parts(data, split(data, DataConfig("x", validation=0.2, test=0.1))))
    for label, count in enumerate((100, 40, 10)):
        assert found[label, "validation"] == count * 0.2 and found[label, "test"] == count * 0.1
        assert found[label, "train"] == round(count * 0.7)


def test_the_seed_decides_and_nothing_else():
    data = plain(50, 50)
    first, same, other = (split(data, DataConfig("x", seed=seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(getattr(first, name), getattr(same, name)) for name in ("train", "validation", "test"))
    assert not np.array_equal(first.validation, other.validation)
    assert not np.array_equal(first.validation % 50, split(plain(50, 50), DataConfig("y", seed=4)).validation % 50)


def test_classes_are_not_dealt_alike():
    data = plain(50, 50)
    found = split(data, DataConfig("x"))
    assert set(found.validation[found.validation < 50]) != {i - 50 for i in found.validation[found.validation >= 50]}


def test_ready_made_parts_are_kept_and_missing_ones_are_taken_from_training():
    rows: list[Row] = [(f"{label}-{n}", label, "train") for label in (0, 1) for n in range(20)]
    rows += [(f"v{label}-{n}", label, "validation") for label in (0, 1) for n in range(5)]
    data = dataset(rows)
    named = parts(data, split(data, DataConfig("x", validation=0.5, test=0.2)))
    assert all(named[i] == "validation" for i, row in enumerate(rows) if row[2] == "validation")
    assert Counter(named.values()) == {"validation": 10, "test": 8, "train": 32}
    ready = dataset([*rows, ("t0", 0, "test"), ("t1", 1, "test")])
    assert Counter(parts(ready, split(ready, DataConfig("x", test=0.9))).values()) == {
        "train": 40, "validation": 10, "test": 2
    }  # fmt: skip


def test_zero_fractions_leave_parts_empty():
    data = plain(5, 5)
    found = split(data, DataConfig("x", validation=0, test=0))
    assert len(found.train) == 10 and len(found.validation) == len(found.test) == 0


def test_copies_of_held_out_pictures_are_left_out_of_training():
    rows: list[Row] = [(f"{label}-{n}", label, "train") for label in (0, 1) for n in range(10)]
    rows += [("0-0", 0, "validation"), ("1-5", 1, "validation"), ("0-1", 1, "validation")]
    data = dataset(rows)
    named = parts(data, split(data, DataConfig("x", test=0)))
    assert [i for i in range(len(rows)) if i not in named] == [0, 1, 15]


def test_each_class_keeps_one_training_and_one_validation_picture():
    data = plain(3, 200)
    found = tally(data, parts(data, split(data, DataConfig("x", validation=0.1, test=0.1))))
    assert [found[0, name] for name in ("train", "validation", "test")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (plain(5), "at least two classes"),
        (dataset([("a", 1, None), ("b", 1, None)], 3), "at least two classes"),
        (dataset([], 2), "at least two classes"),
        (plain(50, 2), "class 1 has too few different pictures"),
        (dataset([*(("same", 0, None) for _ in range(9)), *((f"{n}", 1, None) for n in range(9))]), "class 0"),
        (dataset([*((f"{n}", 0, None) for n in range(9)), ("t", 1, "test"), ("v", 1, "test")]), "class 1"),
    ],
)
def test_too_little_is_a_clear_error(data: Dataset, named: str):
    with pytest.raises(UserError, match=named):
        split(data, DataConfig("x"))


@pytest.mark.parametrize("seed", range(40))
def test_properties_on_random_datasets(seed: int):
    """Each picture at most once; copies together or left out; parts as asked for; nothing held out seen in training."""
    draw = random.Random(seed)
    classes = draw.randint(2, 6)
    rows: list[Row] = []
    ready: list[Part | None] = draw.choice(
        [[None], [None], ["train", "validation"], ["train", "test"], ["train", "validation", "test"], [None, "test"]]
    )
    for label in range(classes):
        for n in range(draw.randint(12, 80)):
            part = ready[0] if len(ready) == 1 or n < 8 else draw.choice(ready)
            rows.append((f"{label}-{n}", label, part))
    for _ in range(draw.randint(0, 30)):  # copies, also in other classes and parts
        id, label, _part = draw.choice(rows)
        rows.append((id, label if draw.random() < 0.6 else draw.randrange(classes), draw.choice(ready)))
    draw.shuffle(rows)
    data = dataset(rows)
    config = DataConfig("x", draw.choice([0.1, 0.2, 0.3]), draw.choice([0.0, 0.1, 0.2]), seed=seed)
    named = parts(data, split(data, config))

    for index, (_, _, part) in enumerate(rows):
        if part in ("validation", "test"):
            assert named[index] == part
    held = {rows[index][0] for index, name in named.items() if name != "train"}
    trained = {rows[index][0] for index, name in named.items() if name == "train"}
    assert not held & trained
    given = {id for id, _, part in rows if part in ("validation", "test")}
    for index, (id, _, part) in enumerate(rows):
        if index not in named:  # left out: the copy of a picture that its folder holds out
            assert part in (None, "train") and id in given
    by_id: dict[str, set[str]] = {}
    for index, (id, _, part) in enumerate(rows):
        if index in named and part in (None, "train"):
            by_id.setdefault(id, set()).add(named[index])
    assert all(len(found) == 1 for found in by_id.values())
    found = tally(data, named)
    for label in range(classes):
        free = sum(1 for id, other, part in rows if other == label and part in (None, "train") and id not in given)
        assert found[label, "train"] >= 1
        for part, share in (("validation", config.validation), ("test", config.test)):
            if part not in ready:
                wanted = max(1, round(share * free)) if share else 0
                assert wanted - 1 <= found[label, part] <= wanted + 12  # whole groups of copies are dealt


def test_a_few_of_each_class_are_nested_seeded_and_leave_the_exam_as_it_is():
    data = plain(60, 40, 8)
    whole = split(data, DataConfig("x", test=0.1))
    ten, five = (split(data, DataConfig("x", test=0.1, per_class=count)) for count in (10, 5))
    assert set(five.train) < set(ten.train) < set(whole.train)
    found = tally(data, parts(data, ten))
    assert [found[label, "train"] for label in range(3)] == [10, 10, 5], "a class that has fewer keeps what it has"
    for few in (ten, five):
        assert np.array_equal(few.validation, whole.validation) and np.array_equal(few.test, whole.test)
    again = split(data, DataConfig("x", test=0.1, per_class=10))
    assert np.array_equal(again.train, ten.train)


def test_another_seed_keeps_other_examples_of_a_ready_made_part():
    ready = dataset([(f"{n}", n % 2, "train" if n < 80 else "validation") for n in range(100)])
    first, other = (split(ready, DataConfig("x", test=0, seed=seed, per_class=10)) for seed in (0, 1))
    assert len(first.train) == len(other.train) == 20
    assert not np.array_equal(first.train, other.train)
