"""Take the pictures out of a downloaded archive: a ZIP, or a gzipped tar.

They are copied one by one under names of our own, so that a name inside cannot lead out of the folder; links are left
out. Every byte that is taken has passed the archive's own checksums.
"""

import contextlib
import errno
import gzip
import io
import os
import shutil
import struct
import tarfile
import time
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from tl_core.base import paths
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Progress
from tl_core.base.messages import message
from tl_core.images.data import pictures
from tl_core.images.data.dataset import Part
from tl_core.images.data.layout import PARTS
from tl_core.images.data.sources import File

SUFFIXES = (".jpg", ".jpeg", ".png")
STALE = 24 * 3600  # seconds after which what a crashed unpacking left is cleared away
DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, struct.error, EOFError, ValueError,
    NotImplementedError,
)  # fmt: skip


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder for unpacked pictures that is gone after the block."""
    for stale in paths.samples().glob(".unpacked-*"):
        with contextlib.suppress(OSError):
            if time.time() - stale.stat().st_mtime > STALE:
                shutil.rmtree(stale, ignore_errors=True)
    path = paths.samples() / f".unpacked-{os.getpid()}-{time.time_ns()}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sound(archive: Path) -> bool:
    """Whether a ZIP passes its own checksums, all files of it."""
    try:
        with zipfile.ZipFile(archive) as file:
            return file.testzip() is None
    except (*DAMAGED, OSError):
        return False


def pictures_of(
    archive: Path,
    folder: Path,
    part: Part | None = None,
    per_class: int = 0,
    progress: Callable[[Progress], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[File]:
    """Copy pictures to `folder`: [("train/cats/cat.0.jpg", where it lies)], as `ingest` takes them.

    Args:
        archive: a .zip or .tgz with one folder for each class, below any others.
        folder: where the pictures go.
        part: of all pictures; None: the folder above the class says, if it is called train, validation or test.
        per_class: take at most so many of each class (and part), chosen by chance but always the same; 0: all.
        progress: told with phase "unpack", in pictures.

    Raises:
        UserError: the archive is damaged; it has been deleted.
        Stopped: `should_stop` answered True.
    """
    try:
        return _copied(archive, folder, part, per_class, progress, should_stop)
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk, not the archive
            raise
        archive.unlink(missing_ok=True)
        raise UserError(
            message("The archive {file} is damaged ({reason}).", file=archive.name, reason=str(error)[:120]),
            message("It has been deleted. Try again: it will be downloaded anew."),
        ) from error


def _copied(
    archive: Path,
    folder: Path,
    part: Part | None,
    per_class: int,
    progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> list[File]:
    with open(archive, "rb") as file:
        chosen = _chosen([name for name, _ in _members(file, archive.suffix)], part, per_class)
    files: list[File] = []
    started, told = time.monotonic(), 0.0
    with open(archive, "rb") as file:
        for name, read in _members(file, archive.suffix):
            if should_stop():
                raise Stopped
            if name not in chosen:
                continue
            place = folder / f"{archive.stem}-{len(files)}{PurePosixPath(name).suffix.lower()}"
            place.write_bytes(read())
            files.append((chosen[name], place))
            now = time.monotonic()
            if now - told >= 0.2 or len(files) == len(chosen):
                told = now
                progress(Progress("unpack", len(files), len(chosen), len(files) / max(now - started, 1e-3)))
    return files


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with tar.extractfile(member) or io.BytesIO() as file:
        return file.read()


def _members(file: BinaryIO, suffix: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names of the regular files, and how to read each one while it is the current one."""
    if suffix == ".tgz":
        with gzip.GzipFile(fileobj=file) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                if member.isreg() and member.size <= pictures.MAX_BYTES:
                    yield member.name, lambda member=member: _content(tar, member)
            while stream.read(1 << 20):  # to the end, where the checksum stands
                pass
        return
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if not entry.is_dir() and entry.file_size <= pictures.MAX_BYTES:
                yield entry.filename, lambda entry=entry: archive.read(entry)


def _chosen(names: list[str], part: Part | None, per_class: int) -> dict[str, str]:
    """Which pictures are taken, and what they are called: name inside the archive -> "train/cats/cat.0.jpg"."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or any(item.startswith((".", "__", "/")) for item in parts):  # litter, or a way out
            continue
        if parts[-1].lower().endswith(SUFFIXES):
            own = part or (PARTS.get(parts[-3].casefold()) if len(parts) > 2 else None)
            groups[f"{own}/{parts[-2]}" if own else parts[-2]].append(name)
    chosen = {}
    for group, members in groups.items():
        members.sort()
        if per_class and len(members) > per_class:
            members = [members[index] for index in np.random.default_rng(0).permutation(len(members))[:per_class]]
        chosen |= {name: f"{group}/{PurePosixPath(name).name}" for name in members}
    return chosen
