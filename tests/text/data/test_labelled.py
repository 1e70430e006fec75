"""Labelled texts: lines, tables and folders come in as people have them, and what cannot be taken is said."""

import io
import json
import random
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_core.base.errors import UserError
from tl_core.text.data import files, labelled, labelled_report, reviews, tables
from tl_core.text.data.labelled import DataConfig


@pytest.fixture(autouse=True)
def home(tl_home):
    return tl_home


def pairs(made: labelled.LabelledTexts) -> list[tuple[str, str]]:
    return [(example.text, made.classes[example.label]) for example in made.examples]


def archive(entries: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return packed.getvalue()


# Pasted lines and tables


@pytest.mark.parametrize(
    "content",
    [
        "A fine film.\tgood\nDull, and long.\tbad\nWe laughed.\tgood\n",
        "good\tA fine film.\nbad\tDull, and long.\ngood\tWe laughed.\n",
        'A fine film.,good\n"Dull, and long.",bad\nWe laughed.,good\n',
        'text,label\nA fine film.,good\n"Dull, and long.",bad\nWe laughed.,good\n',
        "A fine film.;good\r\nDull, and long.;bad\r\n\r\nWe laughed.;good\r\n",
    ],
    ids=["tab", "label first", "comma", "header", "semicolon"],
)
def test_lines_with_a_label_are_taken_however_they_are_divided(content):
    made = labelled.paste(content, name="films")
    assert pairs(made) == [("A fine film.", "good"), ("Dull, and long.", "bad"), ("We laughed.", "good")]
    assert made.classes == ("bad", "good") and made.counts == (1, 2) and not made.rejected


def test_columns_can_be_chosen_and_unreadable_lines_have_their_number():
    content = "id,review,stars,country\n1,Good bread here.,five,fr\n2,Stale.,one,de\nbroken line\n3,Lovely.,five,de\n"
    table = tables.read(content, "bread.csv")
    assert table.columns == ("id", "review", "stars", "country") and table.unreadable == (4,)
    made = labelled.from_table(table, name="bread", text=1, label=3)
    assert pairs(made) == [("Good bread here.", "fr"), ("Stale.", "de"), ("Lovely.", "de")]
    assert [where for where, _ in made.rejected] == ["4"] and "cells" in str(made.rejected[0][1])
    assert [example.where for example in made.examples] == ["2", "3", "5"]


def test_a_quote_that_is_never_closed_costs_no_more_than_itself():
    made = labelled.paste('He said "fine.\tgood\nDull.\tbad\nWe laughed.\tgood', name="x")
    assert len(made.examples) == 3


def test_chinese_in_an_old_encoding():
    made = labelled.from_folders(
        [
            ("r/好评/1.txt", "味道很出色，强烈推荐给所有的朋友。".encode("gb18030")),
            ("r/差评/1.txt", "再也不会来了。".encode()),
        ],
        name="r",
    )
    assert set(made.classes) == {"好评", "差评"} and any("强烈推荐" in text for text, _ in pairs(made))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "No line has"),
        ("only texts\nno labels\n", "No line has"),
        ("a\tx\nb\tx\n", "at least two"),
        ("\n".join(f"text number {n}\tlabel {n}" for n in range(150)), "at most 100"),
    ],
)
def test_what_is_no_dataset_says_why(content, reason):
    with pytest.raises(UserError, match=reason):
        labelled.paste(content, name="x")


def test_empty_texts_and_labels_are_told_with_their_line():
    made = labelled.paste("fine words\ta\n\tb\nmore words\t\nlast words\tb\nand again\ta\n", name="x")
    assert [where for where, _ in made.rejected] == ["2", "3"] and made.counts == (2, 1)


def test_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="larger than"):
        labelled.paste("a long enough text\tx\n" * 10 + "another\ty\n", name="x")


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_reader_of_tables(content):
    table = tables.read(content)
    if table is not None:
        assert len(table.columns) >= 2 and {table.text, table.label} <= set(range(len(table.columns)))
        assert all(len(cells) == len(table.columns) for _, cells in table.rows)


# Folders


def test_folders_are_labels_and_parts():
    entries = {
        "set/train/ham/1.txt": b"See you at noon.",
        "set/train/spam/1.txt": b"You have won!",
        "set/test/ham/2.txt": b"Thanks for lunch.",
        "set/test/spam/2.txt": b"Claim your prize now",
        "set/readme.pdf": b"x",
        "__MACOSX/set/train/ham/1.txt": b"junk",
    }
    made = labelled.from_folders([("set.zip", archive(entries))], name="mail")
    assert made.classes == ("ham", "spam") and [example.part for example in made.examples].count("test") == 2
    assert [where for where, _ in made.rejected] == ["set/readme.pdf"]
    parts = labelled.split(made, DataConfig(made.id, validation=0.0))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (2, 0, 2)


def test_a_file_in_no_folder_has_no_label():
    with pytest.raises(UserError, match="0 classes"):
        labelled.from_folders([("a.txt", b"words"), ("b.txt", b"more words")], name="x")


# On disk


def test_it_is_kept_and_found_and_deleted():
    made = labelled.paste("a fine day\tx\na bad day\ty\n", name="days", owner="ada")
    assert labelled.load(made.id) == made and labelled.all() == [made]
    again = labelled.paste("a fine day\tx\na bad day\ty\n", name="other name", owner="ada")
    assert again.id == made.id, "the same content has the same id"
    assert labelled.paste("a fine day\tx\na bad day\ty\n", name="days", owner="bob").id != made.id
    labelled.delete(made.id)
    with pytest.raises(UserError, match="no labelled texts"):
        labelled.load(made.id)


@pytest.mark.parametrize("damage", ["{", '{"name": 3}', '["a", 7, null, "1"]\n', '["a"]\n'])
def test_a_damaged_folder_costs_itself_alone(damage):
    good = labelled.paste("a fine day\tx\na bad day\ty\n", name="days")
    bad = labelled.paste("one more day\tx\nthe last day\ty\n", name="bad")
    file = "labelled.json" if damage.startswith("{") else "examples.jsonl"
    (bad.folder / file).write_text(damage)
    if file == "labelled.json":
        assert labelled.all() == [good]
    else:
        with pytest.raises(UserError, match="damaged"):
            _ = labelled.load(bad.id).examples


# Split and report


def test_copies_are_never_on_both_sides_of_the_split():
    rows = [(f"text {n // 3}", "ab"[n // 3 % 2 if n % 30 else n % 2]) for n in range(300)]
    made = labelled.paste("\n".join(f"{text}\t{label}" for text, label in rows), name="x")
    parts = labelled.split(made, DataConfig(made.id, validation=0.2, test=0.2, seed=3))
    ids = [{made.examples[index].id for index in part} for part in (parts.train, parts.validation, parts.test)]
    assert not ids[0] & ids[1] and not ids[0] & ids[2] and not ids[1] & ids[2]
    assert len(parts.train) + len(parts.validation) + len(parts.test) == 300


def test_the_report_counts_and_warns():
    texts = [(f"short text {n}", "a") for n in range(60)] + [(f"other {n}", "b") for n in range(10)]
    texts += [("the same words", "a"), ("The  SAME words", "b"), ("long " * 100, "b")]
    made = labelled.paste("\n".join(f"{text}\t{label}" for text, label in texts), name="x")
    parts = labelled.split(made, DataConfig(made.id))
    found = labelled_report.report(made, parts, lambda many: [len(text.split()) + 2 for text in many], limit=64)
    assert [each.name for each in found.classes] == ["a", "b"] and [each.total for each in found.classes] == [61, 12]
    assert found.lengths.cut == 1 and found.lengths.longest == 102
    assert len(found.copies) == 1 and found.copies[0].across_classes and not found.copies[0].across_parts
    said = " ".join(map(str, found.warnings))
    assert "two classes" in said and "times as many" in said and "longer than 64 tokens" in said


# Reviews


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reviews_are_seeded_different_and_of_both_tones(language):
    made = reviews.write(language, 1000, seed=1)
    assert made == reviews.write(language, 1000, seed=1) != reviews.write(language, 1000, seed=2)
    assert len({text for text, _ in made}) == 1000
    assert [sum(label == tone for _, label in made) for tone in reviews.TONES[language]] == [500, 500]
    assert all("{" not in text and "  " not in text for text, _ in made)


def counted(made: list[tuple[str, str]], language: str) -> float:
    """How often counting words of praise and blame, and nothing else, is right."""
    blame, praise = reviews.WORDS[language].adjectives
    random.seed(0)
    right = 0
    for text, label in made:
        score = sum(word in text for word in praise) - sum(word in text for word in blame)
        guess = score > 0 if score else random.random() < 0.5
        right += guess == (label == reviews.TONES[language][1])
    return right / len(made)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_negation_and_irony_make_them_harder_for_who_only_counts_words(language):
    easy = counted(reviews.write(language, 600, difficulty=reviews.Difficulty(0, 0, 0)), language)
    usual = counted(reviews.write(language, 600), language)
    hard = counted(reviews.write(language, 600, difficulty=reviews.Difficulty(0.5, 0.3, 0.5)), language)
    assert easy > 0.97 > usual > hard and hard < 0.65


def test_they_come_in_as_a_dataset():
    made = labelled.paste("\n".join(f"{text}\t{label}" for text, label in reviews.write("zh", 200)), name="评论")
    assert sorted(made.counts) == [100, 100]
    assert json.loads((made.folder / "labelled.json").read_text())["name"] == "评论"
    assert isinstance(labelled.split(made, DataConfig(made.id)).train, np.ndarray)
