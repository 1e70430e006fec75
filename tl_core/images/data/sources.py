"""What a folder, a ZIP (in one or several parts) or a list of files holds: names, and how to get the bytes behind them.

No name ever becomes a path on our disk, so a name cannot lead out of a folder; one that tries is refused all the same.
"""

import contextlib
import errno
import io
import lzma
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import Message, message
from tl_core.images.data import pictures

MAX_FILES = 50_000
MAX_RATIO = 200  # uncompressed / compressed of a ZIP entry larger than a mebibyte
MAX_UNPACKED = 64 * 1024**3  # bytes of all entries of a ZIP together
MAX_INNER = 4 * 1024**3  # bytes of all ZIP files inside another one, which lie on the disk while they are read
MAX_DIRECTORY = 64 * 1024**2  # bytes of a ZIP's list of entries: far more than MAX_FILES need
MAX_INNER_FILES = 1000  # ZIP files inside another one
IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}
NOT_PICTURES = (".txt", ".csv", ".json", ".md", ".xml", ".yaml", ".yml", ".html", ".py", ".log", ".tsv", ".mat", ".npy")

File = tuple[str, Path | bytes]  # name with its folders, and where the bytes are


@dataclass(frozen=True)
class Candidate:
    """A file that may be a picture: its clean name, unique in the source, and how to get its bytes."""

    key: str  # "flowers/roses/a.jpg"
    read: Callable[[], bytes]


class Source:
    """A source while its files are being read; use it as a context manager.

    Args:
        source: a folder, a ZIP file, a folder of ZIP parts named part-<n>.zip, or (name, path or bytes) pairs.
        scratch: a folder for ZIP files that come inside the source.
        should_stop: asked while files are listed.

    Attributes:
        candidates: the files.
        rejected: names of files that are not to be had, with the reason.
        folders: names of all folders, also of those without a picture.
    """

    def __init__(self, source: Path | Sequence[File], scratch: Path, should_stop: Callable[[], bool]):
        self.source, self.scratch, self.should_stop = source, scratch, should_stop
        self.candidates: list[Candidate] = []
        self.rejected: list[tuple[str, Message]] = []
        self.folders: set[str] = set()
        self._inner = 0  # bytes of ZIP files that came inside others, as they say themselves
        self._outer = 0  # bytes of those others
        self._taken: dict[str, int] = {}  # names without regard to case -> highest number given to one
        self._archives = contextlib.ExitStack()

    def __enter__(self) -> "Source":
        try:
            for key, read in self._listed():
                self.candidates.append(Candidate(self._unique(key), read))
                if self.should_stop():
                    raise Stopped
                if len(self.candidates) + len(self.rejected) > MAX_FILES:
                    raise UserError(
                        message("There are too many files; at most {limit} are taken at once.", limit=MAX_FILES),
                        message("Choose a smaller selection."),
                    )
        except BaseException:
            self._archives.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._archives.close()

    def _listed(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        if not isinstance(self.source, Path):
            yield from self._files(self.source)
        elif self.source.is_dir():
            parts = sorted(self.source.glob("part-*.zip"), key=lambda path: (len(path.name), path.name))
            if not parts:
                yield from self._folder(self.source)
            for part in parts:
                yield from self._zip(part)
        elif self.source.exists():
            yield from self._zip(self.source)
        else:
            raise UserError(
                message("{path} does not exist.", path=str(self.source)), message("Check the path on the server.")
            )

    def _files(self, files: Sequence[File]) -> Iterator[tuple[str, Callable[[], bytes]]]:
        for name, content in files:
            if name.lower().endswith(".zip"):
                yield from self._zip(content if isinstance(content, Path) else io.BytesIO(content))
            elif key := self._key(name):
                yield key, (lambda c=content: _file_bytes(c)) if isinstance(content, Path) else lambda c=content: c

    def _folder(self, folder: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        root = folder.resolve()
        for place, names, files in os.walk(root, onerror=lambda error: self._unreadable(error, root)):
            names[:] = sorted(name for name in names if not name.startswith("."))
            for name in names:
                key = self._key((Path(place) / name).relative_to(root).as_posix(), folder=True)
                if key and (Path(place) / name).is_symlink():
                    self.rejected.append((key, message("Links to folders are not followed.")))
            only_zips = place == str(root) and not names and all(name.lower().endswith(".zip") for name in files)
            for name in sorted(files):
                path = Path(place) / name
                if only_zips:
                    yield from self._zip(path)
                    continue
                key = self._key(path.relative_to(root).as_posix())
                if not key:
                    continue
                if path.is_symlink() and not path.resolve().is_relative_to(root):
                    self.rejected.append((key, message("The link leads out of the folder.")))
                elif not path.is_file():
                    self.rejected.append((key, message("This is not a regular file.")))
                else:
                    yield key, lambda p=path: _file_bytes(p)

    def _unreadable(self, error: OSError, root: Path) -> None:
        if Path(error.filename) == root:
            raise UserError(
                message("The folder {path} may not be read.", path=str(root)),
                message("Give the server's user the right to read it."),
            ) from error
        key = self._key(Path(error.filename).relative_to(root).as_posix(), folder=True)
        if key:
            self.rejected.append((key, message("The folder may not be read.")))

    def _zip(self, file: Path | BinaryIO, depth: int = 0) -> Iterator[tuple[str, Callable[[], bytes]]]:
        try:
            _check_directory(file)
            reader = _Reader(file) if isinstance(file, Path) else file
            archive = self._archives.enter_context(zipfile.ZipFile(reader))
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, struct.error) as error:
            raise UserError(
                message("The ZIP file is damaged ({reason}).", reason=str(error)[:120]),
                message("Pack the folder again, or drop the folder itself."),
            ) from error
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise UserError(
                message("The ZIP file unpacks to more than {limit} GB.", limit=MAX_UNPACKED // 1024**3),
                message("Bring in fewer pictures at once."),
            )
        for entry in entries:
            if entry.is_dir():
                self._key(_entry_name(entry), folder=True)
        files = [entry for entry in entries if not entry.is_dir()]
        only_zips = depth == 0 and files and all(entry.filename.lower().endswith(".zip") for entry in files)
        if only_zips and len(files) > MAX_INNER_FILES:
            raise UserError(
                message("There are too many ZIP files in the ZIP file; at most {n} are taken.", n=MAX_INNER_FILES),
                message("Drop the folder itself, or fewer of them at once."),
            )
        if only_zips:
            self._outer += file.stat().st_size if isinstance(file, Path) else file.seek(0, os.SEEK_END)
        for number, entry in enumerate(files):
            if only_zips and not entry.flag_bits & 1:  # somebody dropped a ZIP where a folder was expected
                yield from self._zip(self._unpacked(archive, entry, number), depth=1)
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
            elif _is_bomb(entry):
                self.rejected.append((key, message("The file unpacks to far more than a picture can (a ZIP bomb).")))
            else:
                yield key, lambda a=archive, e=entry: _entry_bytes(a, e)

    def _unpacked(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int) -> Path:
        """Copy a ZIP out of another one; what no pictures could be packed into is refused before a byte is written."""
        self._inner += entry.file_size
        if _is_bomb(entry) or self._inner > MAX_RATIO * max(self._outer, 1 << 20):  # entries may share their bytes
            raise UserError(
                message("The ZIP file inside the ZIP file unpacks to far more than pictures can (a ZIP bomb)."),
                message("Pack the folder again, or drop the folder itself."),
            )
        if self._inner > MAX_INNER:
            raise UserError(
                message("The ZIP files inside the ZIP file take more than {limit} GB.", limit=MAX_INNER // 1024**3),
                message("Bring in fewer pictures at once."),
            )
        path = self.scratch / f"inner-{len(self.candidates)}-{number}.zip"
        try:
            with archive.open(entry) as packed, open(path, "wb") as file:  # gives no more bytes than the entry says
                while chunk := packed.read(1 << 20):
                    if self.should_stop():
                        raise Stopped
                    file.write(chunk)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, lzma.LZMAError) as error:
            raise UserError(
                message("The ZIP file is damaged ({reason}).", reason=str(error)[:120]),
                message("Pack the folder again, or drop the folder itself."),
            ) from error
        return path

    def _key(self, name: str, folder: bool = False) -> str:
        """A clean relative name, or "" for what is left out without a word (hidden files, folders' litter)."""
        parts = unicodedata.normalize("NFC", name.replace("\\", "/").replace("\u2215", "/")).split("/")
        absolute = len(parts) > 1 and parts[0] == ""
        parts = [part for part in parts if part not in ("", ".")]
        if not parts or any(part.lower() in IGNORED for part in parts):
            return ""
        key = "/".join("".join(c for c in part if c.isprintable()).strip() or "_" for part in parts)
        if ".." in parts or absolute or re.match(r"^[A-Za-z]:", parts[0]):
            self.rejected.append((key, message("The name leads out of the folder.")))
            return ""
        if any(part.startswith(".") for part in parts):
            return ""
        place = PurePosixPath(key) if folder else PurePosixPath(key).parent
        self.folders.update(str(folder) for folder in (place, *place.parents) if folder.name)
        if not folder and key.lower().endswith(NOT_PICTURES):
            self.rejected.append((key, message("This is not a picture.")))
            return ""
        return key

    def _unique(self, key: str) -> str:
        """Give a second file of the same name (also in other case) a number, so that both are kept."""
        path, unique = PurePosixPath(key), key
        while (folded := unique.casefold()) in self._taken:
            self._taken[key.casefold()] += 1
            unique = str(path.with_name(f"{path.stem} ({self._taken[key.casefold()]}){path.suffix}"))
        self._taken[folded] = 1
        return unique


class _Reader(io.RawIOBase):
    """A file that is open only while it is read: an upload may have more parts than a process may have open files."""

    def __init__(self, path: Path):
        self.path, self.size, self.at = path, path.stat().st_size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins, in bytes."""
        return self.at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; answers it."""
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        if place < 0:
            raise OSError(errno.EINVAL, "a place before the file's beginning")
        self.at = place
        return place

    def read(self, size: int = -1) -> bytes:
        """The next bytes, all of them for -1."""
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read(size)
        self.at += len(data)
        return data


def _file_bytes(path: Path) -> bytes:
    size = path.stat().st_size
    if size > pictures.MAX_BYTES:
        raise pictures.Rejected(_too_many_bytes(size))
    return path.read_bytes()


def _entry_bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:  # headers can lie about sizes: read no more than the limit
        data = file.read(pictures.MAX_BYTES + 1)
    if len(data) > pictures.MAX_BYTES:
        raise pictures.Rejected(_too_many_bytes(len(data)))
    return data


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > 1 << 20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)


def _too_many_bytes(size: int) -> Message:
    return message("The file is too large: {size} MB.", size=size // 1_000_000)


def _check_directory(file: Path | BinaryIO) -> None:
    """Refuse a ZIP whose list of entries alone would fill the memory, before zipfile reads it."""
    with open(file, "rb") if isinstance(file, Path) else contextlib.nullcontext(file) as opened:
        end = zipfile._EndRecData(opened)  # type: ignore[attr-defined]  # what ZipFile itself goes by
    if end and end[zipfile._ECD_SIZE] > MAX_DIRECTORY:  # type: ignore[attr-defined]
        raise UserError(
            message("There are too many files; at most {limit} are taken at once.", limit=MAX_FILES),
            message("Choose a smaller selection."),
        )


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; without the UTF-8 flag it may be UTF-8 all the same, or GBK from a Chinese Windows."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:  # from the entry's Unicode field
        return entry.filename
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename
