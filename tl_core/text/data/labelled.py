"""Labelled texts: brought in as lines with a label, as a table, or as folders of files; kept on disk under a hash.

labelled/<id>/labelled.json   name, owner, whether it is for all, classes, what could not be taken
labelled/<id>/examples.jsonl  one [text, label, part, where] a line: where it stood (a line's number, a file's name)
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np

from tl_core.base import paths, records
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import Message, message
from tl_core.base.records import Count
from tl_core.base.settings import setting
from tl_core.base.split import Part, Split, TooFew, divide, few, per_class, split_seed, test_share, validation_share
from tl_core.text.data import files as brought
from tl_core.text.data import tables
from tl_core.text.data.files import Rejected, decoded, unpacked
from tl_core.text.data.tables import Table

Row = tuple[str, str, Part | None, str]  # a text, its label, its part, and where it stood
MAX_CLASSES = 100
MAX_NAME = 80  # characters of a class' name
MAX_TEXT = 20_000  # characters of a text; what is longer is cut
PARTS: dict[str, Part] = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """One text and its class."""

    text: str
    label: Count  # index into the classes
    part: Part | None = None  # where folders name parts
    where: str = ""  # the number of its line, or a file's name

    @property
    def id(self) -> str:
        """Texts that differ in nothing but spaces and capitals are copies of each other."""
        return hashlib.sha256(" ".join(self.text.lower().split()).encode("utf-8", "replace")).hexdigest()[:32]

    @property
    def key(self) -> str:
        """Its place in the dataset."""
        return self.where


@dataclass(frozen=True)
class LabelledTexts:
    """A dataset of labelled texts on disk."""

    id: str
    name: str
    owner: str
    classes: tuple[str, ...]
    counts: tuple[Count, ...]  # examples of each class
    rejected: tuple[Rejected, ...]
    shared: bool = False  # for all: the app made it itself

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return _home() / self.id

    @property
    def private(self) -> bool:
        """Whether its texts are its owner's alone to read."""
        return not self.shared

    @property
    def examples(self) -> tuple[Example, ...]:
        """All examples in the order in which they came.

        Raises:
            UserError: the file is gone or damaged.
        """
        path = self.folder / "examples.jsonl"
        try:
            stat = path.stat()
            return _read(path, (stat.st_mtime_ns, stat.st_size), len(self.classes))
        except (OSError, ValueError) as error:
            raise UserError(
                message("The texts {name} are damaged: {reason}.", name=self.name, reason=str(error)),
                message("Delete them and bring them in again."),
            ) from error


@dataclass(frozen=True)
class DataConfig:
    """Which texts, and how they are split; parts that the folders name are respected."""

    dataset: str = setting(  # id
        key="labelled", label=message("Version of the texts"), term=message("texts"), group="data", private=True
    )
    validation: float = validation_share(  # fraction of each class
        message("The share of texts that only measures progress. Parts that the folders name are kept.")
    )
    test: float = test_share(0.0)  # fraction of each class
    seed: int = split_seed(message("Another number draws other texts for validation and test."))
    per_class: int = per_class(  # training texts of each class that are used; 0 is all
        message("So many texts of each class are learned from; the seed of the split draws which.")
    )


def from_table(
    table: Table,
    *,
    name: str,
    text: int | None = None,
    label: int | None = None,
    owner: str = "",
    shared: bool = False,
) -> LabelledTexts:
    """Take a table's rows.

    Args:
        text, label: the columns; as the table suggests where not said.

    Raises:
        UserError: there are fewer than two classes, or too many, or the disk does not take them.
    """
    text, label = (table.text if text is None else text), (table.label if label is None else label)
    rejected: list[Rejected] = [
        (_line(line), message("It has another number of cells than the other lines.")) for line in table.unreadable
    ]
    rows = ((cells[text], cells[label], None, _line(line)) for line, cells in table.rows)
    return _ingest(rows, rejected, name, owner, shared)


def paste(content: str, *, name: str, owner: str = "", shared: bool = False) -> LabelledTexts:
    """Take pasted lines: a text, a tab and its label (or a comma, or the other way round).

    Raises:
        UserError: they are no table of two columns; otherwise as `from_table`.
    """
    table = tables.read(content)
    if table is None:
        raise no_table()
    return from_table(table, name=name, owner=owner, shared=shared)


def no_table(reason: Message | None = None) -> UserError:
    """That there are no two columns; `reason` says where it is not even text."""
    return UserError(
        reason or message("No line has a text and a label."),
        message("Write one example a line: the text, a tab, and its label."),
    )


def from_folders(
    files: Sequence[tuple[str, bytes]], *, name: str, owner: str = "", shared: bool = False
) -> LabelledTexts:
    """Take text files whose folder is their label; a ZIP counts as the files in it.

    Args:
        files: (path, content); folders above the label may name a part (train, validation, test).

    Raises:
        UserError: as `from_table`.
    """
    rejected: list[Rejected] = []

    def rows() -> Iterable[Row]:
        for path, data in unpacked(files, rejected):
            content, reason = decoded(data)
            folders = PurePosixPath(path.replace("\\", "/")).parts[:-1]
            if reason is None and not folders:
                reason = message("It lies in no folder that could be its label.")
            if reason is not None or content is None:
                rejected.append((path, reason or message("It is empty.")))
                continue
            part = next((PARTS[folder.lower()] for folder in folders[:-1] if folder.lower() in PARTS), None)
            yield content, folders[-1], part, path

    return _ingest(rows(), rejected, name, owner, shared)


def from_rows(rows: Iterable[Row], *, name: str, owner: str = "", shared: bool = False) -> LabelledTexts:
    """Take texts that have been read from elsewhere.

    Raises:
        UserError: as `from_table`.
    """
    return _ingest(rows, [], name, owner, shared)


def load(dataset_id: str) -> LabelledTexts:
    """The dataset with this id.

    Raises:
        UserError: there is none.
    """
    try:
        if not re.fullmatch(r"[0-9a-f]{16}", dataset_id):
            raise FileNotFoundError(dataset_id)
        found = records.load(_home() / dataset_id / "labelled.json")
        made = records.build(LabelledTexts, {**found, "id": dataset_id})
        if len(made.classes) != len(made.counts):
            raise ValueError("classes and counts do not fit together")
        return made
    except (OSError, ValueError) as error:
        raise UserError(
            message("There are no labelled texts with the id {id}.", id=dataset_id),
            message("They may have been deleted; bring them in again."),
        ) from error


def all() -> list[LabelledTexts]:
    """All datasets of labelled texts, newest first; damaged ones are left out."""
    found = []
    places = _home().glob("[0-9a-f]*/labelled.json")
    for path in sorted(places, key=lambda path: path.stat().st_mtime, reverse=True):
        with contextlib.suppress(UserError):
            found.append(load(path.parent.name))
    return found


def delete(dataset_id: str) -> None:
    """Delete a dataset."""
    shutil.rmtree(load(dataset_id).folder, ignore_errors=True)


def split(dataset: LabelledTexts, config: DataConfig) -> Split:
    """Assign every text to one part, as `divide` says. Of the training texts some may be left out, as `few` says.

    Returns:
        Indices into `dataset.examples`.

    Raises:
        UserError: a class has too few different texts for the parts asked for.
    """
    try:
        parts = divide(dataset.examples, len(dataset.classes), config.validation, config.test, config.seed)
    except TooFew as error:
        raise UserError(
            message(
                "The class {name} has too few different texts ({n}) for this split.",
                name=dataset.classes[error.label],
                n=error.count,
            ),
            message("Add texts to it, remove the class, or set the test share to zero."),
        ) from error
    return few(parts, np.array([example.label for example in dataset.examples]), config.per_class, config.seed)


def _ingest(rows: Iterable[Row], rejected: list[Rejected], name: str, owner: str, shared: bool) -> LabelledTexts:
    """Check, sort the classes by name and write."""
    taken: list[Row] = []
    size = 0
    for text, label, part, where in rows:
        text, label = text.strip().replace("\0", ""), " ".join(label.split())[:MAX_NAME]
        reason: Message | None = None
        if not text:
            reason = message("The text is empty.")
        elif not label:
            reason = message("The label is empty.")
        size += len(text)
        if size > brought.MAX_BYTES:
            raise UserError(
                message("The texts are larger than {limit} MB.", limit=brought.MAX_BYTES // 1024**2),
                message("Bring in fewer of them; some hundred a class teach a lot."),
            )
        if reason is not None:
            rejected.append((where, reason))
        else:
            taken.append((text[:MAX_TEXT], label, part, where))
    classes = sorted({label for _, label, _, _ in taken})
    if len(classes) < 2:
        raise UserError(
            message("There are texts of {n} classes; at least two are needed.", n=len(classes)),
            message("Every text needs a label, and the labels must differ. Look at which column is which."),
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            message(
                "There are {n} different labels; at most {limit} can be told apart.", n=len(classes), limit=MAX_CLASSES
            ),
            message("Look at which column holds the labels: was it taken for the texts?"),
        )
    labels = {label: index for index, label in enumerate(classes)}
    examples = [Example(text, labels[label], part, where) for text, label, part, where in taken]
    with disk_full_explained():
        return _stored(examples, classes, rejected, name, owner, shared)


def _stored(
    examples: Sequence[Example],
    classes: Sequence[str],
    rejected: Sequence[Rejected],
    name: str,
    owner: str,
    shared: bool,
) -> LabelledTexts:
    """Write the folder aside and move it into place at once."""
    lines = [json.dumps([e.text, e.label, e.part, e.where], ensure_ascii=False) for e in examples]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    identity = hashlib.sha256(json.dumps([owner, list(classes)]).encode() + content).hexdigest()[:16]
    counts = [sum(example.label == label for example in examples) for label in range(len(classes))]
    facts = {
        "name": name[:MAX_NAME],
        "owner": owner,
        "shared": shared,
        "classes": list(classes),
        "counts": counts,
        "rejected": [(where, reason.to_json()) for where, reason in rejected],
    }
    building = _home() / f".ingest-{os.getpid()}-{time.time_ns()}"
    building.mkdir(parents=True)
    try:
        (building / "examples.jsonl").write_bytes(content)
        (building / "labelled.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
        shutil.rmtree(_home() / identity, ignore_errors=True)
        building.replace(_home() / identity)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return load(identity)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: tuple[int, int], classes: int) -> tuple[Example, ...]:
    """The examples of a file; the stamp makes a changed file be read again."""
    found = []
    for line in path.read_bytes().splitlines():
        text, label, part, where = records.value(tuple[str, Count, Part | None, str], records.loads(line))
        if label >= classes:
            raise ValueError("a label has no class")
        found.append(Example(text, label, part, where))
    return tuple(found)


def _line(number: int) -> str:
    return str(number)


def _home() -> Path:
    path = paths.home() / "labelled"
    path.mkdir(parents=True, exist_ok=True)
    return path
