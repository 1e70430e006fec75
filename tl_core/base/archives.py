"""Archives of sample data, downloaded from their official homes, checked, and kept as they came in `$TL_HOME/samples`.

So the next person need not download them again, and a class kit can carry them. Knows nothing of what is inside.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tl_core.base import download, paths
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message


@dataclass(frozen=True)
class Archive:
    """One file to download."""

    name: str  # under which it is kept, and asked for at a mirror
    url: str
    size: int  # bytes, exactly
    checksum: str | None = None  # sha256, hex, where one is published


def url(archive: Archive) -> str:
    """The official address; `TL_SAMPLES_URL` replaces it by a mirror (in a school, a test) plus the archive's name."""
    mirror = os.environ.get("TL_SAMPLES_URL")
    return f"{mirror.rstrip('/')}/{archive.name}" if mirror else archive.url


def cached(archive: Archive) -> Path | None:
    """Where the archive lies if it has been downloaded: its size is right; `fetch` checks the rest."""
    path = paths.samples() / archive.name
    return path if path.is_file() and path.stat().st_size == archive.size else None


def fetch(
    archive: Archive,
    title: Message,
    remedy: Message,
    progress: download.ProgressFunction = lambda done, total, rate: None,
    should_stop: Callable[[], bool] = lambda: False,
    sound: Callable[[Path], bool] = lambda path: True,
) -> Path:
    """Download the archive if it is missing, and check it; a break is gone on from, also by a later try.

    Args:
        title: of what it is part of.
        remedy: what to do where it cannot be had.
        progress: told in bytes.
        sound: looks inside where no checksum is published.

    Raises:
        UserError: it cannot be had.
        Stopped: `should_stop` answered True; what has arrived is kept.
    """
    target = paths.samples() / archive.name

    def whole(path: Path) -> bool:
        return bool(archive.checksum) or (path.stat().st_size == archive.size and sound(path))

    try:
        return download.download(
            url(archive), target, archive.size, archive.checksum, progress, should_stop, setting="TL_HOME", sound=whole
        )
    except download.Unavailable as error:
        raise UserError(
            message(
                "{title} ({size} MB) could not be downloaded from {url}: {reason}",
                title=title,
                size=f"{archive.size / 1e6:.1f}",
                url=url(archive),
                reason=error.reason,
            ),
            remedy,
        ) from error


def discard(archive: Archive) -> None:
    """Delete what has been downloaded of it."""
    for name in (archive.name, archive.name + ".part"):
        (paths.samples() / name).unlink(missing_ok=True)
