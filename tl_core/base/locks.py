"""File locks that die with their process: how we know who is alive."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def take(path: Path, patience: float = 0.0) -> int | None:
    """Take the lock at `path`: a descriptor that holds it until it is closed, here and in whoever inherits it.

    Args:
        patience: seconds to go on trying, for whoever means to keep the lock: others hold it for a moment to see who
            is alive.

    Returns:
        None where somebody else has it or the folder is gone.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    except FileNotFoundError:  # the folder is gone
        return None
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        try:  # a disk that is closed for writing: a lock that is there can be asked all the same
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return None
    deadline = time.monotonic() + patience
    while not (taken := _take(descriptor)) and time.monotonic() < deadline:
        time.sleep(0.02)
    if taken:
        return descriptor
    os.close(descriptor)
    return None


@contextlib.contextmanager
def try_lock(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold the lock at `path` for the block if nobody else does; yields whether that worked. `patience`: see `take`."""
    descriptor = take(path, patience)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)
