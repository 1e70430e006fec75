"""Errors a user can act on: what happened, why, and what to do next."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tl_core.base import paths
from tl_core.base.messages import Message, message


class UserError(Exception):
    """Something the user can mend.

    Args:
        what: what happened and why, one sentence.
        remedy: what to do next, one sentence.
    """

    def __init__(self, what: Message, remedy: Message):
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy

    def __reduce__(self):
        return (type(self), (self.what, self.remedy))

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for the event log."""
        return {"what": self.what.to_json(), "remedy": self.remedy.to_json()}

    @classmethod
    def from_json(cls, data: Any) -> "UserError":
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(data, Mapping):
            raise ValueError("there is no error")
        return cls(Message.from_json(data.get("what")), Message.from_json(data.get("remedy")))


def disk_problem(error: BaseException) -> UserError | None:
    """What to say where the disk is to blame: it is full, or nothing may be written to it. None for other errors.

    Libraries pass "no space left" on in exceptions of their own, as words.
    """
    number, file = (error.errno, error.filename) if isinstance(error, OSError) else (None, None)
    if number in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
        return UserError(
            message("The disk of the server is full."),
            message("Free some space, or delete datasets and runs that are no longer needed. Then try again."),
        )
    if number == errno.EROFS or (number in (errno.EACCES, errno.EPERM) and _is_ours(file)):
        return UserError(
            message("The server may not write to its disk: {reason}.", reason=os.strerror(number or 0)),
            message("Whoever runs the server must make its data folder writable again; it then goes on by itself."),
        )
    return None


def _is_ours(name: str | None) -> bool:
    """Whether a file lies in the data folder, or was open already; a folder that somebody chose has its own words."""
    return name is None or Path(os.fsdecode(name)).is_relative_to(paths.place())


@contextlib.contextmanager
def disk_full_explained() -> Iterator[None]:
    """Turn errors of a disk that is full or closed for writing into a UserError that says so; other errors pass."""
    try:
        yield
    except OSError as error:
        problem = disk_problem(error)
        if problem is None:
            raise
        raise problem from error


class Stopped(Exception):
    """Raised inside long work when its `should_stop()` answered True; never shown to a user."""
