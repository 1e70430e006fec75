"""Bring pictures in: from a folder, a ZIP (in one or several parts) or single files, to a dataset on disk.

Every file is read once, verified, cleaned and written under the hash of its bytes; only names and sizes stay in memory.
What cannot be taken is listed with the reason; good files are always kept.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from tl_core import paths
from tl_core.data import dataset as datasets
from tl_core.data import pictures
from tl_core.data.dataset import Dataset, Part
from tl_core.errors import Stopped, UserError
from tl_core.events import Progress
from tl_core.messages import Message, message

MAX_FILES = 50_000
MAX_RATIO = 200  # uncompressed / compressed of a ZIP entry larger than a mebibyte
WORKERS = max(2, min(8, os.cpu_count() or 2))
STALE = 24 * 3600  # seconds after which the remains of a crashed ingest are cleared away
PARTS: dict[str, Part] = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test", "训练": "train", "训练集": "train", "验证": "validation", "验证集": "validation",
    "测试": "test", "测试集": "test",
}  # fmt: skip
IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}
NOT_PICTURES = (".txt", ".csv", ".json", ".md", ".xml", ".yaml", ".yml", ".html", ".py", ".log", ".tsv", ".mat", ".npy")

File = tuple[str, Path | bytes]  # name with its folders, and where the bytes are
ProgressFunction = Callable[[Progress], None]


@dataclass(frozen=True)
class _Candidate:
    """A file that may be a picture: its name, and how to get its bytes (or why they are not to be had)."""

    key: str
    read: Callable[[], bytes]


def ingest(
    source: Path | Sequence[File],
    *,
    name: str,
    owner: str = "",
    progress: ProgressFunction = lambda event: None,
    refused: Callable[[int], None] = lambda count: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Dataset:
    """Verify and store all pictures of `source`.

    Args:
        source: a folder, a ZIP file, a folder of ZIP parts named part-<n>.zip (one upload), or (name, path or bytes)
            pairs. Sub-folder = class; a level of train, validation, test folders above the classes is kept as the
            split.
        name: what people call the dataset.
        owner: who may edit it.
        progress: told at most five times a second, in images.
        refused: told as often how many files could not be taken so far.
        should_stop: asked between pictures.

    Raises:
        UserError: no picture could be taken, there are too many files, or the disk is full.
        Stopped: `should_stop` answered True; nothing is left behind.
    """
    _clear_stale()
    building = paths.datasets() / f".ingest-{os.getpid()}-{time.time_ns()}"
    building.mkdir(parents=True)
    try:
        return _ingest(source, building, name, owner, progress, refused, should_stop)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                message("The disk is full: the pictures could not be stored."),
                message("Free some space or delete datasets that are no longer needed, then try again."),
            ) from error
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _ingest(
    source: Path | Sequence[File],
    building: Path,
    name: str,
    owner: str,
    progress: ProgressFunction,
    refused: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Dataset:
    rejected: list[tuple[str, Message]] = []
    with _opened(source, rejected) as candidates:
        if len(candidates) > MAX_FILES:
            raise UserError(
                message("There are {n} files; at most {limit} are taken at once.", n=len(candidates), limit=MAX_FILES),
                message("Choose a smaller selection."),
            )
        taken: list[tuple[str, str, int, int]] = []  # key, hash, width, height
        started, told, size = time.monotonic(), 0.0, 0
        for done, (candidate, result) in enumerate(_cleaned(candidates, building, should_stop), 1):
            if isinstance(result, Message):
                rejected.append((candidate.key, result))
            else:
                digest, width, height, count = result
                taken.append((candidate.key, digest, width, height))
                size += count
            now = time.monotonic()
            if now - told >= 0.2 or done == len(candidates):
                told = now
                progress(Progress("ingest", done, len(candidates), done / max(now - started, 1e-3)))
                refused(len(rejected))
    if not taken:
        raise UserError(
            message("No picture could be taken from {name}.", name=name),
            message("{first} Bring a folder with one sub-folder of pictures for each class.", first=_first(rejected)),
        )
    manifest = _arranged(taken, rejected)
    return _published(building, manifest, name, owner, size)


def _cleaned(
    candidates: Sequence[_Candidate], building: Path, should_stop: Callable[[], bool]
) -> Iterator[tuple[_Candidate, Message | tuple[str, int, int, int]]]:
    """Clean pictures on threads (Pillow releases the GIL while it decodes), a bounded number of them ahead."""

    def work(candidate: _Candidate) -> Message | tuple[str, int, int, int]:
        try:
            picture = pictures.clean(candidate.read())
        except pictures.Rejected as error:
            return error.reason
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            return message("The file is damaged ({reason}).", reason=str(error)[:120])
        except PermissionError:
            return message("The file may not be read.")
        digest = hashlib.sha256(picture.data).hexdigest()
        path = datasets.image_path(building, digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(f".{id(candidate):x}")
            part.write_bytes(picture.data)
            part.replace(path)
        return digest, picture.width, picture.height, len(picture.data)

    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = iter(candidates)
        pending = [(item, pool.submit(work, item)) for item in islice(waiting, 4 * WORKERS)]
        try:
            while pending:
                candidate, future = pending.pop(0)
                yield candidate, future.result()
                if should_stop():
                    raise Stopped
                pending += [(item, pool.submit(work, item)) for item in islice(waiting, 1)]
        finally:
            for _, future in pending:
                future.cancel()


class _opened:
    """A source as a list of candidates; open ZIP files are closed at the end."""

    def __init__(self, source: Path | Sequence[File], rejected: list[tuple[str, Message]]):
        self.source, self.rejected = source, rejected
        self.archives: list[zipfile.ZipFile] = []

    def __enter__(self) -> list[_Candidate]:
        if not isinstance(self.source, Path):
            found = list(self._files(self.source))
        elif self.source.is_dir():
            parts = sorted(self.source.glob("part-*.zip"), key=lambda path: (len(path.name), path.name))
            found = [c for part in parts for c in self._zip(part)] if parts else list(self._folder(self.source))
        elif self.source.exists():
            found = list(self._zip(self.source))
        else:
            raise UserError(
                message("{path} does not exist.", path=str(self.source)), message("Check the path on the server.")
            )
        return _unique(found)

    def __exit__(self, *_: object) -> None:
        for archive in self.archives:
            archive.close()

    def _files(self, files: Iterable[File]) -> Iterator[_Candidate]:
        for name, content in files:
            if isinstance(content, Path) and zipfile.is_zipfile(content) and content.suffix == ".zip":
                yield from self._zip(content)
            elif key := self._key(name):
                yield _Candidate(
                    key, (lambda c=content: _file_bytes(c)) if isinstance(content, Path) else lambda c=content: c
                )

    def _folder(self, folder: Path) -> Iterator[_Candidate]:
        root = folder.resolve()
        for place, names, files in os.walk(root):
            names.sort()
            for name in sorted(files):
                path = Path(place) / name
                key = self._key(path.relative_to(root).as_posix())
                if not key:
                    continue
                if path.is_symlink() and not path.resolve().is_relative_to(root):
                    self.rejected.append((key, message("The link leads out of the folder.")))
                elif not stat.S_ISREG(path.stat().st_mode if path.exists() else 0):
                    self.rejected.append((key, message("This is not a regular file.")))
                else:
                    yield _Candidate(key, lambda p=path: _file_bytes(p))

    def _zip(self, path: Path) -> Iterator[_Candidate]:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise UserError(
                message("The ZIP file is damaged ({reason}).", reason=str(error)[:120]),
                message("Pack the folder again, or drop the folder itself."),
            ) from error
        self.archives.append(archive)
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            key = self._key(_entry_name(entry))
            if not key:
                continue
            if stat.S_ISLNK(entry.external_attr >> 16):
                self.rejected.append((key, message("Links inside a ZIP file are not followed.")))
            elif entry.flag_bits & 1:
                self.rejected.append((key, message("The file is encrypted. Pack it without a password.")))
            elif entry.file_size > pictures.MAX_BYTES:
                self.rejected.append((key, _too_many_bytes(entry.file_size)))
            elif entry.file_size > 1 << 20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1):
                self.rejected.append((key, message("The file unpacks to far more than a picture can (a ZIP bomb).")))
            else:
                yield _Candidate(key, lambda a=archive, e=entry: _zip_bytes(a, e))

    def _key(self, name: str) -> str:
        """A clean relative name, or "" for what is left out without a word (hidden files, lists, folders' litter)."""
        parts = unicodedata.normalize("NFC", name.replace("\\", "/").replace("\u2215", "/")).split("/")
        parts = [part for part in parts if part not in ("", ".")]
        if not parts or parts[-1].startswith(".") or any(part.lower() in IGNORED for part in parts):
            return ""
        key = "/".join("".join(c for c in part if c.isprintable()).strip() or "_" for part in parts)
        if ".." in parts or re.match(r"^[A-Za-z]:", parts[0]) or name.startswith("/"):
            self.rejected.append((key, message("The name leads out of the folder.")))
            return ""
        if key.lower().endswith(NOT_PICTURES):
            self.rejected.append((key, message("This is not a picture.")))
            return ""
        return key


def _unique(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Give a second file of the same name (also in other case) a number, so that both are kept."""
    seen: Counter[str] = Counter()
    unique = []
    for candidate in candidates:
        count = seen[candidate.key.casefold()]
        seen[candidate.key.casefold()] += 1
        path = PurePosixPath(candidate.key)
        key = str(path.with_name(f"{path.stem} ({count + 1}){path.suffix}")) if count else candidate.key
        unique.append(_Candidate(key, candidate.read))
    return unique


def _arranged(taken: Sequence[tuple[str, str, int, int]], rejected: Sequence[tuple[str, Message]]) -> dict[str, Any]:
    """Find classes and parts in the names: one wrapping folder is stripped, a level of parts is recognised."""
    notices: list[Message] = []
    names = {key: key.split("/") for key, *_ in taken}
    while all(len(parts) > 2 for parts in names.values()) and len({parts[0] for parts in names.values()}) == 1:
        if next(iter(names.values()))[0].casefold() in PARTS:
            break
        names = {key: parts[1:] for key, parts in names.items()}
    parted = any(len(parts) > 2 and parts[0].casefold() in PARTS for parts in names.values())
    flat = all(len(parts) == 1 for parts in names.values())
    prefixes = {key: _prefix(parts[-1]) for key, parts in names.items()}
    by_prefix = flat or (len({parts[-2] for parts in names.values() if len(parts) > 1}) == 1 and not parted)
    by_prefix = by_prefix and all(prefixes.values()) and 2 <= len(set(prefixes.values())) <= max(2, len(names) // 5)
    if by_prefix:
        notices.append(
            message("There are no class folders; the classes were read from the file names (cat.1.jpg is a cat).")
        )
    elif flat:
        notices.append(
            message("The pictures are in no sub-folder, so they form one class. Make one sub-folder for each class.")
        )
    rows: list[tuple[str, str, str, Part | None, int, int]] = []
    loose = []
    for key, digest, width, height in taken:
        parts = names[key]
        part = PARTS.get(parts[0].casefold()) if parted and len(parts) > 2 else None
        if by_prefix:
            label = prefixes[key]
        elif len(parts) > 1:
            label = parts[1] if part else parts[0]
        else:
            label = "" if not flat else "pictures"
        if not label:
            loose.append((key, message("The picture lies outside the class folders.")))
            continue
        rows.append(("/".join(parts), digest, label, part, width, height))
    classes = sorted({row[2] for row in rows}, key=_natural)
    rows.sort(key=lambda row: _natural(row[0]))
    images = [[digest, key, classes.index(label), part, w, h] for key, digest, label, part, w, h in rows]
    return {
        "version": 1,
        "classes": classes,
        "images": images,
        "rejected": [[key, reason.to_json()] for key, reason in [*rejected, *loose]],
        "notices": [notice.to_json() for notice in notices],
    }


def _published(building: Path, manifest: dict[str, Any], name: str, owner: str, size: int) -> Dataset:
    """Give the finished folder the hash of its content as name; the same content again is the same dataset."""
    content = json.dumps([manifest["classes"], manifest["images"]], ensure_ascii=False)
    folder = paths.datasets() / hashlib.sha256(content.encode()).hexdigest()[:16]
    summary = {
        "name": name.strip()[:120] or folder.name,
        "classes": manifest["classes"],
        "images": len(manifest["images"]),
        "bytes": size,
        "created": time.time(),
        "owner": owner,
    }
    if not (folder / "manifest.json").is_file():
        datasets.write_json(building / "manifest.json", manifest)
        datasets.write_json(building / "summary.json", summary)
        try:
            building.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else: another session brought the same pictures in a moment ago
    return datasets.load(datasets.latest(folder.name))


def _file_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > pictures.MAX_BYTES:
        raise pictures.Rejected(_too_many_bytes(size))
    return path.read_bytes()


def _zip_bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:  # headers can lie about sizes: read no more than the limit
        data = file.read(pictures.MAX_BYTES + 1)
    if len(data) > pictures.MAX_BYTES:
        raise pictures.Rejected(_too_many_bytes(len(data)))
    return data


def _too_many_bytes(size: int) -> Message:
    return message("The file is too large: {size} MB.", size=size // 1_000_000)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; without the UTF-8 flag it may be UTF-8 all the same, or GBK from a Chinese Windows."""
    if entry.flag_bits & 0x800:
        return entry.filename
    raw = entry.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _prefix(name: str) -> str:
    """cat.12.jpg, cat_12.jpg and cat-12.jpg -> cat; "" when the name is not made like that."""
    match = re.fullmatch(r"([^\W\d_]+)[ ._-]*\(?\d+\)?\.\w+", name)
    return match[1].casefold() if match else ""


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(piece), "") if piece.isdecimal() else (1, 0, piece.casefold()) for piece in re.split(r"(\d+)", text)
    ]


def _first(rejected: Sequence[tuple[str, Message]]) -> Message:
    return rejected[0][1] if rejected else message("There are no files in it.")


def _clear_stale() -> None:
    for folder in paths.datasets().glob(".*-*"):
        try:
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
