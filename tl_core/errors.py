"""Errors a user can act on: what happened, why, and what to do next."""

import contextlib
import errno
from collections.abc import Iterator, Mapping
from typing import Any

from tl_core.messages import Message, message


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
    def from_json(cls, data: Mapping[str, Any]) -> "UserError":
        """Read what `to_json` wrote."""
        return cls(Message.from_json(data["what"]), Message.from_json(data["remedy"]))


@contextlib.contextmanager
def disk_full_explained() -> Iterator[None]:
    """Turn "no space left" inside the block into a UserError that says so; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            message("The disk of the server is full."),
            message("Free some space, or delete datasets and runs that are no longer needed. Then try again."),
        ) from error


class Stopped(Exception):
    """Raised inside long work when its `should_stop()` answered True; never shown to a user."""
