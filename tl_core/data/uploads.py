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
from tl_core.errors import UserError
from tl_core.messages import message

MAX_BYTES = 4 * 1024**3  # of one upload
STALE = 24 * 3600  # seconds after which an upload that nobody ingested is cleared away


class _Bounded:
    """A file that refuses to grow beyond what an upload may take."""

    def __init__(self, file: BinaryIO, left: int):
        self.file, self.left = file, left

    def write(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            raise UserError(
                message("The upload is larger than {limit} GB.", limit=MAX_BYTES // 1024**3),
                message("Bring in fewer pictures at once, or choose a folder on the server."),
            )
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
        raise UserError(
            message("This upload is not known (any more)."), message("Reload the page and drop the pictures again.")
        )
    return path


@contextlib.contextmanager
def part(token: str, number: str, owner: str) -> Iterator[_Bounded]:
    """Receive one part; a part that breaks off leaves nothing, and sending it again replaces it.

    Raises:
        UserError: unknown upload or part, or the upload grows too large.
    """
    place = folder(token, owner)
    if not re.fullmatch(r"\d{1,6}", number or ""):
        raise UserError(
            message("This upload is not known (any more)."), message("Reload the page and drop the pictures again.")
        )
    target = place / f"part-{int(number)}.zip"
    arriving = place / f".{target.name}.{secrets.token_hex(4)}"
    taken = sum(path.stat().st_size for path in place.iterdir() if path != target)
    try:
        with open(arriving, "wb") as file:
            yield _Bounded(file, MAX_BYTES - taken)
        arriving.replace(target)
    finally:
        arriving.unlink(missing_ok=True)


def discard(token: str, owner: str) -> None:
    """Delete an upload."""
    shutil.rmtree(folder(token, owner), ignore_errors=True)
