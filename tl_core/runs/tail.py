"""The event that decides what a run is doing now (queued, started or how it ended), cheap to ask for again and again.

The first look goes through a log from its end; later ones read only what was added. So a look at 500 runs costs a few
milliseconds, however long their curves are.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message

BLOCK = 1 << 15  # bytes read at once from the end
REMEMBERED = 10_000  # logs
_MARKS = tuple(
    b'{"kind":"%s"' % cls.kind.encode()
    for cls in (events.Queued, events.Started, events.Finished, events.Stopped, events.Failed)
)


@dataclass(frozen=True)
class _Known:
    """What is known of a log up to byte `offset`, behind a complete line, when it had this identity and size."""

    identity: tuple[int, int]  # device, inode
    size: int
    offset: int
    last: events.Event | None


_lock = threading.Lock()
_known: dict[str, _Known] = {}
_unwritten: dict[str, tuple[events.Event, events.Event]] = {}  # log -> the last event there, and what comes after it


def last_event(log: Path) -> events.Event | None:
    """The last Queued, Started, Finished, Stopped or Failed event of a log; None if there is none or no log.

    A log that cannot be read at all is that of a run that has failed.
    """
    last = written_event(log)
    before, after = _unwritten.get(os.fspath(log), (None, None))
    return after if after is not None and before == last else last


def remember(log: Path, event: events.Event) -> None:
    """Keep in this process's memory what comes after the last event of a log that cannot be written."""
    last = written_event(log)
    if last is not None and _unwritten.get(os.fspath(log), (None,))[0] != last:
        _unwritten[os.fspath(log)] = (last, event)


def written_event(log: Path) -> events.Event | None:
    """As `last_event`, of the file alone."""
    name = os.fspath(log)
    try:
        stat = os.stat(name)
        identity = (stat.st_dev, stat.st_ino)
        known = _known.get(name)
        if known and known.identity == identity and known.size == stat.st_size:
            return known.last
        with open(log, "rb") as file:
            if known and known.identity == identity and known.offset <= stat.st_size:
                file.seek(known.offset)
                data = file.read()
                offset = known.offset + data.rfind(b"\n") + 1
                last = _last_of(data[: data.rfind(b"\n") + 1]) or known.last
            else:
                offset, last = _from_the_end(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        return unreadable(error)
    with _lock:
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[name] = _Known(identity, stat.st_size, offset, last)
    return last


def unreadable(error: OSError) -> events.Failed:
    """What stands for a log that the disk does not give."""
    return events.Failed(
        t=0.0,
        error=UserError(
            message("The log of this run cannot be read: {reason}.", reason=error.strerror or str(error)),
            message("Look at the disk and at the rights of the run's folder, or delete the run."),
        ),
    )


def _from_the_end(file: BinaryIO) -> tuple[int, events.Event | None]:
    """The offset behind the last complete line, and the last deciding event before it."""
    end = file.seek(0, os.SEEK_END)
    complete, rest = None, b""
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        data = file.read(end - start) + rest
        end = start
        if complete is None:
            if b"\n" not in data:
                rest = data
                continue
            complete = start + data.rfind(b"\n") + 1
            data = data[: data.rfind(b"\n") + 1]
        first = 0 if start == 0 else data.find(b"\n") + 1  # the line before that is whole only with the next block
        found = _last_of(data[first:])
        if found is not None:
            return complete, found
        rest = data[:first]
    return complete or 0, None


def _last_of(data: bytes) -> events.Event | None:
    for line in reversed(data.split(b"\n")):
        if line.startswith(_MARKS):
            found = events.parse(line)
            if found is not None:
                return found
    return None
