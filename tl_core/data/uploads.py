"""Uploads on their way in: parts of one upload arrive one by one and lie in a folder until they are ingested.

uploads/<token>/owner          who began it
uploads/<token>/part-<n>.zip   the parts, each a ZIP of its own (tl_core.data.ingest reads such a folder)
"""

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tl_core import paths
from tl_core.errors import UserError, disk_full_explained
from tl_core.messages import message

MAX_BYTES = 4 * 1024**3  # of one upload
MEASURED = 16 * 1024**2  # bytes of a part after which the whole upload is measured again
STALE = 24 * 3600  # seconds after which an upload that nobody ingested is cleared away


class _Bounded:
    """A file that refuses to grow beyond what an upload may take, counting the parts that arrive beside it."""

    def __init__(self, file: BinaryIO, place: Path):
        self.file, self.place = file, place
        self.left = 0  # bytes until the folder is measured again

    def write(self, data: bytes) -> None:
        """Write on; UserError if the upload is too large or the disk is full."""
        self.left -= len(data)
        if self.left < 0:
            room = MAX_BYTES - _size(self.place)
            if room < len(data):
                raise UserError(
                    message("The upload is larger than {limit} GB.", limit=MAX_BYTES // 1024**3),
                    message("Bring in fewer pictures at once, or choose a folder on the server."),
                )
            self.left = min(room - len(data), MEASURED)
        with disk_full_explained():
            self.file.write(data)


def begin(owner: str) -> str:
    """Make room for a new upload and return its token; uploads that were abandoned a day ago are cleared away."""
    for folder in paths.uploads().iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = paths.uploads() / token
    folder.mkdir()
    (folder / "owner").write_text(owner, encoding="utf-8")
    return token


def folder(token: str, owner: str) -> Path:
    """Where the parts of an upload lie.

    Raises:
        UserError: there is no such upload, or somebody else began it.
    """
    path = paths.uploads() / token if re.fullmatch(r"[0-9a-f]{32}", token or "") else None
    if path is None or not path.is_dir() or (path / "owner").read_text(encoding="utf-8") != owner:
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
    target = place / f"part-{int(number)}.zip"
    arriving = place / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with disk_full_explained(), open(arriving, "wb") as file:
            yield _Bounded(file, place)
        arriving.replace(target)
    except FileNotFoundError as error:  # discarded while it arrived
        raise _unknown() from error
    finally:
        arriving.unlink(missing_ok=True)


def discard(token: str, owner: str) -> None:
    """Delete an upload."""
    shutil.rmtree(folder(token, owner), ignore_errors=True)


def _size(place: Path) -> int:
    total = 0
    for path in place.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a part that broke off just now
            total += path.stat().st_size
    return total


def _unknown() -> UserError:
    return UserError(
        message("This upload is not known (any more)."), message("Reload the page and drop the pictures again.")
    )
