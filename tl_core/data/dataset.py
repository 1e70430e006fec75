"""A dataset on disk: an immutable manifest of verified pictures, and an append-only log of later edits.

    datasets/<folder>/summary.json    name, owner, counts: what a list of datasets needs
    datasets/<folder>/manifest.json   classes, pictures, rejected files, as ingested
    datasets/<folder>/edits.jsonl     remove, relabel, undo: one JSON object a line
    datasets/<folder>/images/ab/…     pictures, named by the SHA-256 of their bytes

A dataset's id is `<folder>`, or `<folder>@<n>` after n lines of edits: a run that names it sees the same pictures for
ever, whatever is edited later.
"""

import io
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from tl_core import paths
from tl_core.errors import UserError
from tl_core.messages import Message, message

Part = Literal["train", "validation", "test"]
_ID = re.compile(r"([0-9a-f]{16})(?:@(\d{1,6}))?")


@dataclass(frozen=True)
class ImageRecord:
    """One picture: what its bytes hash to, where it came from, its class, and the part its folder named, if any."""

    id: str  # SHA-256 of the stored bytes, hex; equal for duplicates
    key: str  # unique in the dataset: the path it came from, "roses/a.jpg"
    label: int
    part: Part | None
    width: int  # pixels, as stored
    height: int


@dataclass(frozen=True)
class Dataset:
    """Pictures and their classes, in a fixed order."""

    id: str
    folder: Path
    name: str
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]

    def path(self, image: ImageRecord) -> Path:
        """Where the picture's JPEG lies."""
        return image_path(self.folder, image.id)

    @property
    def counts(self) -> tuple[int, ...]:
        """Pictures of each class."""
        seen = Counter(image.label for image in self.images)
        return tuple(seen[label] for label in range(len(self.classes)))


@dataclass(frozen=True)
class DatasetSummary:
    """What a list of datasets shows; `id` is the present state, edits included."""

    id: str
    name: str
    classes: tuple[str, ...]
    images: int
    bytes: int
    created: float  # seconds since 1970
    owner: str


def load(dataset_id: str) -> Dataset:
    """Read a dataset in the state that its id names.

    Raises:
        UserError: there is no such dataset, or its files are damaged.
    """
    folder, edits = _located(dataset_id)
    return _read(folder, edits, _name(folder))


def latest(dataset_id: str) -> str:
    """The id of the present state of a dataset that is named by any of its ids."""
    folder, _ = _located(dataset_id)
    return _id(folder, len(_edits(folder)))


def available() -> list[DatasetSummary]:
    """All datasets, newest first; damaged folders are left out."""
    found = []
    for folder in paths.datasets().iterdir():
        try:
            summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            found.append(
                DatasetSummary(
                    _id(folder, len(_edits(folder))),
                    summary["name"],
                    tuple(summary["classes"]),
                    summary["images"],
                    summary["bytes"],
                    summary["created"],
                    summary["owner"],
                )
            )
        except (OSError, ValueError, KeyError):
            continue
    return sorted(found, key=lambda summary: -summary.created)


def remove(dataset: Dataset, keys: Iterable[str]) -> Dataset:
    """Leave the pictures with these keys out; `undo` brings them back."""
    return _edit(dataset, {"op": "remove", "keys": sorted(_known(dataset, keys))})


def relabel(dataset: Dataset, keys: Iterable[str], class_name: str) -> Dataset:
    """Give the pictures with these keys another class, an existing or a new one."""
    name = class_name.strip()
    if not name:
        raise UserError(message("The class has no name."), message("Type a name for the class."))
    return _edit(dataset, {"op": "relabel", "keys": sorted(_known(dataset, keys)), "class": name})


def undo(dataset: Dataset) -> Dataset:
    """Take the last edit back.

    Raises:
        UserError: there is nothing to take back.
    """
    if not can_undo(dataset):
        raise UserError(message("There is nothing to undo."), message("The pictures are as they were brought in."))
    return _edit(dataset, {"op": "undo"})


def can_undo(dataset: Dataset) -> bool:
    """Whether `undo` has something to take back."""
    return bool(_in_force(_edits(dataset.folder)))


def rename(dataset_id: str, name: str) -> None:
    """Give a dataset another name; its id stays."""
    folder, _ = _located(dataset_id)
    if not name.strip():
        raise UserError(message("The dataset has no name."), message("Type a name."))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    write_json(folder / "summary.json", {**summary, "name": name.strip()[:120]})


def delete(dataset_id: str) -> None:
    """Delete a dataset and all its pictures. Runs keep their models and reports."""
    folder, _ = _located(dataset_id)
    doomed = folder.with_name(f".deleted-{folder.name}-{time.time_ns()}")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def thumbnail_of(path: Path, side: int = 96) -> bytes:
    """The central square of a stored picture as a JPEG of `side` pixels.

    Raises:
        OSError: the file is not there or damaged.
    """
    with Image.open(path) as picture:
        picture.draft("RGB", (side, side))
        short = min(picture.size)
        left, top = (picture.width - short) // 2, (picture.height - short) // 2
        box = (left, top, left + short, top + short)
        small = picture.convert("RGB").resize((side, side), Image.Resampling.BILINEAR, box=box)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def folder_of(dataset_id: str) -> Path:
    """The folder of a dataset that exists.

    Raises:
        UserError: there is no such dataset, or the id is not one.
    """
    return _located(dataset_id)[0]


def image_path(folder: Path, image_id: str) -> Path:
    """Where a picture with this hash lies in a dataset's folder."""
    return folder / "images" / image_id[:2] / f"{image_id}.jpg"


def write_json(path: Path, data: Any) -> None:
    """Write `data` to `path` so that a reader sees the old or the new file, never half of one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def read_manifest(dataset_id: str) -> dict[str, Any]:
    """The manifest as ingested: `classes`, `images`, `rejected` and `notices`."""
    return _manifest(folder_of(dataset_id))


def rejected(dataset_id: str) -> list[tuple[str, Message]]:
    """The files that were not taken, each with the reason."""
    return [(key, Message.from_json(reason)) for key, reason in read_manifest(dataset_id)["rejected"]]


def _located(dataset_id: str) -> tuple[Path, int]:
    match = _ID.fullmatch(dataset_id or "")
    folder = paths.datasets() / match[1] if match else None
    if folder is None or not (folder / "manifest.json").is_file():
        raise UserError(
            message("The dataset {id} is not here.", id=dataset_id or "?"),
            message("It may have been deleted. Choose another dataset or bring the pictures in again."),
        )
    return folder, int(match[2] or 0)


def _id(folder: Path, edits: int) -> str:
    return f"{folder.name}@{edits}" if edits else folder.name


def _name(folder: Path) -> str:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))["name"]


@lru_cache(maxsize=8)
def _read(folder: Path, edits: int, name: str) -> Dataset:
    manifest = _manifest(folder)
    classes = list(manifest["classes"])
    images = {key: ImageRecord(id, key, label, part, w, h) for id, key, label, part, w, h in manifest["images"]}
    lines = _edits(folder)
    if edits > len(lines):
        raise UserError(
            message("The dataset {id} is not here.", id=_id(folder, edits)),
            message("It may have been deleted. Choose another dataset or bring the pictures in again."),
        )
    for edit in _in_force(lines[:edits]):
        keys = [key for key in edit["keys"] if key in images]
        if edit["op"] == "remove":
            for key in keys:
                del images[key]
        else:
            if edit["class"] not in classes:
                classes.append(edit["class"])
            for key in keys:
                images[key] = replace(images[key], label=classes.index(edit["class"]))
    return Dataset(_id(folder, edits), folder, name, tuple(classes), tuple(images.values()))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            message("The dataset {id} is damaged: {reason}.", id=folder.name, reason=str(error)),
            message("Delete it and bring the pictures in again."),
        ) from error


def _edits(folder: Path) -> list[dict[str, Any]]:
    try:
        lines = (folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def _in_force(edits: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is left once every undo has taken the edit before it back."""
    kept: list[dict[str, Any]] = []
    for edit in edits:
        if edit["op"] == "undo":
            kept and kept.pop()
        else:
            kept.append(edit)
    return kept


def _edit(dataset: Dataset, edit: dict[str, Any]) -> Dataset:
    line = json.dumps(edit, ensure_ascii=False) + "\n"
    with open(dataset.folder / "edits.jsonl", "a", encoding="utf-8") as file:
        file.write(line)
    return load(_id(dataset.folder, len(_edits(dataset.folder))))


def _known(dataset: Dataset, keys: Iterable[str]) -> set[str]:
    chosen = set(keys) & {image.key for image in dataset.images}
    if not chosen:
        raise UserError(message("No picture is chosen."), message("Choose at least one picture."))
    return chosen
