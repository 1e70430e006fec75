"""A class kit: a folder to carry on a stick, with the models and sample data that a class without a network needs.

    kit.json              what is in it: section, name, size and SHA-256 of every file
    weights/…             goes to Keras' cache of weights
    packages/…            goes to $TL_HOME/weights
    models/…              goes to the Hugging Face Hub's cache
    samples/…             goes to $TL_HOME/samples

Packing adds to a kit that is there; installing checks every byte before a file takes its place.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from tl_core.base import paths, records
from tl_core.base.errors import Stopped, UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.base.records import Count
from tl_core.images.pretrained import weights
from tl_core.text.pretrained import hub

VERSION = 1
CHUNK = 1 << 20  # bytes
SECTIONS: dict[str, Callable[[], Path]] = {
    "weights": weights.cache_folder,
    "packages": paths.weights,
    "models": hub.cache_folder,
    "samples": paths.samples,
}

ProgressFunction = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True)
class Item:
    """One file of a kit. `name` may have folders, with forward slashes."""

    section: str
    name: str
    size: Count  # bytes
    sha256: str  # hex

    @property
    def path(self) -> str:
        """Where it lies in the kit."""
        return f"{self.section}/{self.name}"


def pack(
    files: Iterable[tuple[str, Path]],
    folder: Path,
    progress: ProgressFunction = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Item]:
    """Copy `files` into the kit in `folder`, and list them in its manifest beside what was there.

    Args:
        files: (section, path) pairs; a file's name in the kit is its path below the section's folder here.
        folder: made if need be.

    Returns:
        Everything that the kit now holds.

    Raises:
        UserError: the folder cannot be written or has too little space.
        Stopped: `should_stop` answered True; the kit holds what its manifest says.
    """
    items = {item.path: item for item in contents(folder)} if (folder / "kit.json").is_file() else {}
    wanted = [(section, path, path.relative_to(SECTIONS[section]()).as_posix()) for section, path in files]
    total, done = sum(path.stat().st_size for _, path, _ in wanted), 0
    with disk_full_explained(), _folder_explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        new = sum(path.stat().st_size for section, path, name in wanted if not (folder / section / name).is_file())
        free = shutil.disk_usage(folder).free
        if free < new:
            raise UserError(
                message(
                    "{folder} has {free} MB free; the class kit needs {wanted} MB.",
                    folder=str(folder),
                    free=f"{free / 1e6:.0f}",
                    wanted=f"{new / 1e6:.0f}",
                ),
                message("Free some space there, or take a larger stick."),
            )
        for section, path, name in wanted:
            told = partial(_told, progress, done, total)
            sha256 = _copied(path, folder / section / name, None, told, should_stop)
            done += path.stat().st_size
            item = Item(section, name, path.stat().st_size, sha256)
            items[item.path] = item
            _write(folder / "kit.json", list(items.values()))
    return list(items.values())


def contents(folder: Path) -> Sequence[Item]:
    """What the kit in `folder` says it holds.

    Raises:
        UserError: there is no kit, it is damaged or newer than this app, or a name in it leads out of its folder.
    """
    try:
        manifest = records.load(folder / "kit.json")
        items = records.value(tuple[Item, ...], manifest.get("files"))
        version = manifest.get("version")
    except FileNotFoundError as error:
        raise UserError(
            message("There is no class kit in {folder}.", folder=str(folder)),
            message("Choose the folder that kit.json lies in."),
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(str(error)) from error
    if version != VERSION:
        raise UserError(
            message("The class kit was made by another version of this app."),
            message("Pack it again with `python -m tl_core fetch --class-kit`, using the same version as here."),
        )
    for item in items:
        if item.section not in SECTIONS or not _inside(item.name):
            raise _damaged(item.path)
    return items


def install(
    folder: Path,
    progress: ProgressFunction = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Item]:
    """Copy everything from the kit to where the app looks for it, checked; files that are here already are kept.

    Returns:
        The files that are now here.

    Raises:
        UserError: there is no kit, files in it are missing or damaged (the others have been installed), or the disk
            is full.
        Stopped: `should_stop` answered True; what is complete stays.
    """
    items = contents(folder)
    total, done = sum(item.size for item in items), 0
    ready, bad = [], []
    for item in items:
        source, target = folder / item.section / item.name, SECTIONS[item.section]() / item.name
        with disk_full_explained(), _folder_explained(target.parent):
            here = target.is_file() and target.stat().st_size == item.size and _digest(target) == item.sha256
            if not here:
                try:
                    _copied(source, target, item.sha256, partial(_told, progress, done, total), should_stop)
                except (FileNotFoundError, _Different):
                    bad.append(item.path)
                    continue
        ready.append(item)
        done += item.size
        progress(done, total)
    if bad:
        raise UserError(
            message("These files of the class kit are missing or damaged: {files}.", files=bad),
            message("The others are installed. Pack the kit again, and eject the stick before you pull it out."),
        )
    return ready


def _told(progress: ProgressFunction, before: int, total: int, done: int) -> None:
    progress(before + done, total)


class _Different(Exception):
    """The bytes are not those of the manifest."""


def _copied(
    source: Path,
    target: Path,
    sha256: str | None,
    told: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> str:
    """Copy, and return the SHA-256 of what was copied; the target appears at once, and only if it is as expected."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.copying")
    digest, done = hashlib.sha256(), 0
    try:
        with open(source, "rb") as reader, open(part, "wb") as writer:
            while chunk := reader.read(CHUNK):
                if should_stop():
                    raise Stopped
                digest.update(chunk)
                writer.write(chunk)
                done += len(chunk)
                told(done)
        if sha256 and digest.hexdigest() != sha256:
            raise _Different(target.name)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()


@contextlib.contextmanager
def _folder_explained(folder: Path) -> Iterator[None]:
    """A folder that cannot be written is named; a full disk is left to `disk_full_explained`."""
    try:
        yield
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise UserError(
            message("{folder} cannot be written: {reason}.", folder=str(folder), reason=error.strerror),
            message("Make the folder writable, or choose another one."),
        ) from error


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and "\\" not in name and ":" not in name and ".." not in path.parts


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, items: Sequence[Item]) -> None:
    part = path.with_name(".kit.json.part")
    data = {"version": VERSION, "files": [asdict(item) for item in items]}
    part.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def _damaged(reason: str) -> UserError:
    return UserError(
        message("The class kit is damaged ({reason}).", reason=reason[:120]),
        message("Pack it again with `python -m tl_core fetch --class-kit`."),
    )
