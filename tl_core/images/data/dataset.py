"""A dataset on disk: an immutable manifest of verified pictures, and an append-only log of later edits.

    datasets/<folder>/summary.json    name, owner, counts: what a list of datasets needs
    datasets/<folder>/manifest.json   classes, pictures, rejected files, as ingested
    datasets/<folder>/edits.jsonl     remove, relabel, undo, reset: one JSON object a line
    datasets/<folder>/images/ab/…     pictures, named by the SHA-256 of their bytes

A dataset's id is `<folder>`, or `<folder>@<n>` in the state that line n of the edits led to: a run that names it sees
the same pictures for ever, whatever is edited later.
"""

import contextlib
import json
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from PIL import Image

from tl_core.base import paths, records
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import Message, message
from tl_core.base.records import Count, Moment, Within
from tl_core.images.data import edits, pictures

Part = Literal["train", "validation", "test"]
_Side = Annotated[int, Within(1, 2**20)]  # pixels
_Row = tuple[str, str, Count, Part | None, _Side, _Side]  # a picture in the manifest: id, key, label, part, size
_ID = re.compile(r"([0-9a-f]{16})(?:@(\d{1,6}))?")
_HASH = re.compile(r"[0-9a-f]{64}")
_editing = threading.RLock()  # two tabs that edit at once do so one after the other


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
    images: Count
    bytes: Count
    created: Moment  # seconds since 1970
    owner: str


@dataclass(frozen=True)
class Manifest:
    """What manifest.json holds."""

    classes: tuple[str, ...]
    images: tuple[_Row, ...]
    rejected: tuple[tuple[str, Message], ...]  # files that were not taken, each with the reason
    notices: tuple[Message, ...]


def load(dataset_id: str) -> Dataset:
    """Read a dataset in the state that its id names.

    Raises:
        UserError: there is no such dataset, or its files are damaged.
    """
    folder, number = _located(dataset_id)
    made = (folder / "manifest.json").stat()
    return _read(folder, (made.st_mtime_ns, made.st_ino), number, _name(folder))


def latest(dataset_id: str) -> str:
    """The id of the present state of a dataset that is named by any of its ids."""
    folder, _ = _located(dataset_id)
    return _id(folder, edits.states(edits.read(folder))[-1].number)


def summary(dataset_id: str) -> DatasetSummary:
    """What a list shows of the dataset that is named by any of its ids, in its present state.

    Raises:
        UserError: there is no such dataset, or its files are damaged.
    """
    folder, _ = _located(dataset_id)
    try:
        return _summary(folder)
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error


def available() -> list[DatasetSummary]:
    """All datasets, newest first; damaged folders are left out."""
    found = []
    for folder in paths.datasets().iterdir():
        with contextlib.suppress(OSError, ValueError):
            found.append(_summary(folder))
    return sorted(found, key=lambda summary: -summary.created)


def remove(dataset: Dataset, keys: Iterable[str]) -> Dataset:
    """Leave the pictures with these keys out; `undo` brings them back. A class without pictures goes with them."""
    return _edit(dataset, {"op": "remove", "keys": sorted(_known(dataset, keys))})


def relabel(dataset: Dataset, keys: Iterable[str], class_name: str) -> Dataset:
    """Give the pictures with these keys another class, an existing or a new one."""
    name = class_name
    if name not in dataset.classes:
        name = " ".join(unicodedata.normalize("NFC", name).split())[:80]
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
    return len(edits.states(edits.read(dataset.folder))) > 1


def reset(dataset_id: str) -> str:
    """Take all edits back at once (`undo` brings them back together); the id of the state as ingested."""
    folder, _ = _located(dataset_id)
    if latest(dataset_id) != folder.name:
        _edit(load(folder.name), {"op": "reset"})
    return folder.name


def rename(dataset_id: str, name: str) -> None:
    """Give a dataset another name; its id stays."""
    folder, _ = _located(dataset_id)
    if not name.strip():
        raise UserError(message("The dataset has no name."), message("Type a name."))
    _update_summary(folder, name=name.strip()[:120])


def delete(dataset_id: str) -> None:
    """Delete a dataset and all its pictures. Runs keep their models and reports."""
    folder, _ = _located(dataset_id)
    doomed = folder.with_name(f".deleted-{folder.name}-{time.time_ns()}")
    with disk_full_explained(), contextlib.suppress(FileNotFoundError):  # two clicks
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
    return pictures.jpeg(small, 85)


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
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    part.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def read_manifest(dataset_id: str) -> "Manifest":
    """The manifest as ingested.

    Raises:
        UserError: there is no such dataset, or its files are damaged.
    """
    return _manifest(folder_of(dataset_id))


def rejected(dataset_id: str) -> list[tuple[str, Message]]:
    """The files that were not taken, each with the reason."""
    return list(read_manifest(dataset_id).rejected)


def _located(dataset_id: str) -> tuple[Path, int]:
    match = _ID.fullmatch(dataset_id or "")
    if match and (folder := paths.datasets() / match[1]).joinpath("manifest.json").is_file():
        return folder, int(match[2] or 0)
    raise _missing(dataset_id)


def _id(folder: Path, number: int) -> str:
    return f"{folder.name}@{number}" if number else folder.name


def _name(folder: Path) -> str:
    try:
        return _summary_file(folder).name
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error


def _summary(folder: Path) -> DatasetSummary:
    present = _id(folder, edits.states(edits.read(folder))[-1].number)
    return replace(_summary_file(folder), id=present)


def _summary_file(folder: Path) -> DatasetSummary:
    """The summary as it stands in the file; its id is the folder's."""
    return records.build(DatasetSummary, {**records.load(folder / "summary.json"), "id": folder.name})


def _update_summary(folder: Path, **changes: Any) -> None:
    with _editing, disk_full_explained():
        kept = records.load(folder / "summary.json")
        write_json(folder / "summary.json", {**kept, **changes})


@lru_cache(maxsize=8)
def _read(folder: Path, made: tuple[int, int], number: int, name: str) -> Dataset:
    """The dataset after `number` lines of edits; `made` tells a folder from an earlier one of the same name."""
    manifest = _manifest(folder)
    classes = list(manifest.classes)
    images = {key: ImageRecord(id, key, label, part, w, h) for id, key, label, part, w, h in manifest.images}
    lines = edits.read(folder)
    if number > len(lines):
        raise _missing(_id(folder, number))
    state = edits.states(lines[:number])[-1]
    for edit in state.edits:
        keys = [key for key in edit["keys"] if key in images]
        if edit["op"] == "remove":
            for key in keys:
                del images[key]
        else:
            if edit["class"] not in classes:
                classes.append(edit["class"])
            for key in keys:
                images[key] = replace(images[key], label=classes.index(edit["class"]))
    filled = {image.label for image in images.values()}
    if len(filled) < len(classes):
        kept = [label for label in range(len(classes)) if label in filled]
        position = {label: index for index, label in enumerate(kept)}
        classes = [classes[label] for label in kept]
        images = {key: replace(image, label=position[image.label]) for key, image in images.items()}
    return Dataset(_id(folder, state.number), folder, name, tuple(classes), tuple(images.values()))


def _manifest(folder: Path) -> Manifest:
    try:
        found = records.build(Manifest, records.load(folder / "manifest.json"))
        for image, key, label, *_ in found.images:
            if label >= len(found.classes) or not _HASH.fullmatch(image):
                raise ValueError(f"the picture {key}")
        return found
    except (OSError, ValueError) as error:
        raise _damaged(folder, error) from error


def _missing(dataset_id: str) -> UserError:
    return UserError(
        message("The dataset {id} is not here.", id=dataset_id or "?"),
        message("It may have been deleted. Choose another dataset or bring the pictures in again."),
    )


def _damaged(folder: Path, error: Exception) -> UserError:
    return UserError(
        message("The dataset {id} is damaged: {reason}.", id=folder.name, reason=str(error)),
        message("Delete it and bring the pictures in again."),
    )


def _edit(dataset: Dataset, edit: dict[str, Any]) -> Dataset:
    with _editing, disk_full_explained():
        folder, _ = _located(dataset.id)
        edits.append(folder, edit)
        changed = load(latest(dataset.id))
        _update_summary(folder, classes=list(changed.classes), images=len(changed.images))
    return changed


def _known(dataset: Dataset, keys: Iterable[str]) -> set[str]:
    chosen = set(keys) & {image.key for image in dataset.images}
    if not chosen:
        raise UserError(message("No picture is chosen."), message("Choose at least one picture."))
    return chosen
