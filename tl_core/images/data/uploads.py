"""Uploads on their way in: parts of one upload arrive one by one and lie in a folder until they are ingested.

uploads/<token>/owner          who began it
uploads/<token>/.complete      there when all parts have arrived and the upload waits to be ingested
uploads/<token>/part-<n>.zip   the parts, each a ZIP of its own (tl_core.images.data.ingest reads such a folder)

Number and bytes are bounded: of one upload, of all uploads of a person, and of all together.
"""

import contextlib
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tl_core.base import paths
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message

MAX_BYTES = 4 * 1024**3  # of one upload
MAX_PARTS = 2000  # of one upload: the drop zone fills each with eight megabytes, if files are not larger
EACH, EACH_BYTES = 4, 2 * MAX_BYTES  # uploads of one person, and their bytes
ALL, ALL_BYTES = 200, 16 * MAX_BYTES  # uploads of all, and their bytes
SPARE = 1024**3  # bytes of the disk that uploads leave to everything else
MEASURED = 16 * 1024**2  # bytes of a part after which all uploads are measured again
IDLE = 15 * 60  # seconds after which an upload to which nothing was added makes room for a new one of its owner
STALE = 24 * 3600  # seconds after which an upload that nobody ingested is cleared away

COMPLETE = ".complete"

_beginning = threading.Lock()


class _Bounded:
    """A file that refuses to grow beyond what uploads may take, counting the parts that arrive beside it."""

    def __init__(self, file: BinaryIO, place: Path, owner: str):
        self.file, self.place, self.owner = file, place, owner
        self.left = 0  # bytes until all is measured again

    def write(self, data: bytes) -> None:
        """Write on; UserError if the upload is too large, others take the room, or the disk is full."""
        self.left -= len(data)
        if self.left < 0:
            room = _room(self.place, self.owner, len(data))
            self.left = min(room - len(data), MEASURED)
        with disk_full_explained():
            self.file.write(data)


def begin(owner: str) -> str:
    """Make room for a new upload and return its token; uploads that were abandoned a day ago are cleared away.

    Raises:
        UserError: the person, or all together, have as many uploads as there may be.
    """
    with _beginning:
        for folder in paths.uploads().iterdir():
            if _quiet(folder) > STALE:
                shutil.rmtree(folder, ignore_errors=True)
        mine = [folder for folder in paths.uploads().iterdir() if _owner(folder) == owner]
        left_lying = [folder for folder in mine if not (folder / COMPLETE).exists() and _quiet(folder) > IDLE]
        for folder in sorted(left_lying, key=_quiet, reverse=True)[: max(0, len(mine) - EACH + 1)]:
            shutil.rmtree(folder, ignore_errors=True)
            mine.remove(folder)
        if len(mine) >= EACH:
            raise UserError(
                message("{n} uploads of yours are under way or wait to be taken in.", n=len(mine)),
                message("Wait until one of them is done, or cancel it."),
            )
        if sum(1 for _ in paths.uploads().iterdir()) >= ALL:
            raise _crowded()
        token = secrets.token_hex(16)
        folder = paths.uploads() / token
        with disk_full_explained():
            folder.mkdir()
            (folder / "owner").write_text(owner, encoding="utf-8")
    return token


def complete(token: str, owner: str) -> Path:
    """Where the parts of an upload lie, all of which have arrived: from now on it waits to be ingested.

    Raises:
        UserError: there is no such upload, or somebody else began it.
    """
    place = folder(token, owner)
    with disk_full_explained():
        (place / COMPLETE).touch()
    return place


def folder(token: str, owner: str) -> Path:
    """Where the parts of an upload lie.

    Raises:
        UserError: there is no such upload, or somebody else began it.
    """
    path = paths.uploads() / token if re.fullmatch(r"[0-9a-f]{32}", token or "") else None
    if path is None or not owner or _owner(path) != owner:
        raise _unknown()
    return path


@contextlib.contextmanager
def part(token: str, number: str, owner: str) -> Iterator[_Bounded]:
    """Receive one part; a part that breaks off leaves nothing, and sending it again replaces it.

    Raises:
        UserError: unknown upload or part, or the upload grows too large.
    """
    place = folder(token, owner)
    if not re.fullmatch(r"[0-9]{1,6}", number or ""):
        raise _unknown()
    if int(number) >= MAX_PARTS:
        raise _too_large()
    target = place / f"part-{int(number)}.zip"
    arriving = place / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with disk_full_explained(), open(arriving, "wb") as file:
            yield _Bounded(file, place, owner)
        arriving.replace(target)
    except FileNotFoundError as error:  # discarded while it arrived
        raise _unknown() from error
    finally:
        arriving.unlink(missing_ok=True)


def discard(token: str, owner: str) -> None:
    """Delete an upload."""
    shutil.rmtree(folder(token, owner), ignore_errors=True)


def _room(place: Path, owner: str, wanted: int) -> int:
    """How many bytes may still arrive; UserError if it is fewer than `wanted`."""
    sizes = {folder: (_size(folder), _owner(folder)) for folder in paths.uploads().iterdir()}
    mine = sum(size for size, whose in sizes.values() if whose == owner)
    own = MAX_BYTES - sizes.get(place, (0, ""))[0]
    each = EACH_BYTES - mine
    common = min(ALL_BYTES - sum(size for size, _whose in sizes.values()), _free() - SPARE)
    if own < wanted:
        raise _too_large()
    if each < wanted:
        raise UserError(
            message("Your uploads together are larger than {limit} GB.", limit=EACH_BYTES // 1024**3),
            message("Wait until one of them is done, or cancel it."),
        )
    if common < wanted:
        raise _crowded()
    return min(own, each, common)


def _free() -> int:
    """Bytes that are free on the disk."""
    return shutil.disk_usage(paths.uploads()).free


def _owner(place: Path) -> str | None:
    try:
        return (place / "owner").read_text(encoding="utf-8")
    except OSError:  # no upload, or one that was discarded just now
        return None


def _quiet(place: Path) -> float:
    """Seconds since something was added to an upload."""
    latest = 0.0
    with contextlib.suppress(OSError):
        latest = place.stat().st_mtime
        latest = max(latest, *(path.stat().st_mtime for path in place.iterdir()))
    return time.time() - latest


def _size(place: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # discarded just now
        for path in place.iterdir():
            with contextlib.suppress(FileNotFoundError):  # a part that broke off just now
                total += path.stat().st_size
    return total


def _too_large() -> UserError:
    return UserError(
        message("The upload is larger than {limit} GB.", limit=MAX_BYTES // 1024**3),
        message("Bring in fewer pictures at once, or choose a folder on the server."),
    )


def _crowded() -> UserError:
    return UserError(
        message("The server is taking in as many uploads as it has room for."),
        message("Wait a little, then try again."),
    )


def _unknown() -> UserError:
    return UserError(
        message("This upload is not known (any more)."), message("Reload the page and drop the pictures again.")
    )
