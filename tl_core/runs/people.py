"""Who may do what: the one place that pages and routes ask.

There are no accounts: a browser's cookie holds a random secret, and whoever has it is that person. What is written down
as `owner` is a public id, an HMAC of the secret with a random key that lies in `people.key` in TL_HOME, readable by the
server's user alone. So nobody comes from an id to the secret, and without the key nobody can even try secrets out.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from tl_core.base import paths
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.runs.store import Run
from tl_core.tasks import registry

Action = Literal["change", "read"]
KEY_FILE = "people.key"
_KEY_BYTES = 32
_ID = re.compile(r"p[0-9a-f]{32}")


@dataclass(frozen=True)
class Person:
    """Somebody at a browser.

    Attributes:
        id: what is written down as the owner of what they make; "" owns nothing.
        local: whether the server is their own computer; then they are the only person there is.
    """

    id: str
    local: bool = False


class Owned(Protocol):
    """A run, a dataset's summary or a text."""

    @property
    def owner(self) -> str:
        """A person's id; "" for nobody's."""


def mine(person: Person, thing: Owned) -> bool:
    """Whether a thing is this person's own; at their own computer everything is."""
    return person.local or bool(person.id and thing.owner == person.id)


def may(person: Person, action: Action, thing: Owned) -> bool:
    """Whether a person may do something.

    Args:
        action: "change" is to edit, stop, rename or delete it. "read" is to see all of it and to take it away: of a
            text its words; of a run also what its text shows in, which is its samples and its model.

    Everybody may see that a thing is there, and the pictures of others. A text is its owner's alone, unless the app
    made it itself; where it has been deleted nobody knows any more, so the run's owner alone may read what shows it.
    """
    if mine(person, thing):
        return True
    if action == "change":
        return False
    if isinstance(thing, Run):
        return _shows_nothing_private(person, thing)
    return not getattr(thing, "private", False)


def public_id(secret: str) -> str:
    """The id of whoever has this secret; "" for none."""
    if not secret:
        return ""
    return "p" + hmac.new(_key(paths.home()), secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


def is_public_id(text: str) -> bool:
    """Whether a text is such an id."""
    return bool(_ID.fullmatch(text))


def _shows_nothing_private(person: Person, run: Run) -> bool:
    if run.config is None:
        return False
    try:
        owner = registry.of(run.config).room("material").private(run.config)
    except UserError:
        return False
    return owner is None or bool(person.id and person.id == owner)


@lru_cache(maxsize=4)
def _key(home: Path) -> bytes:
    """The server's key, made on first use; of two servers that begin at once, the first one's."""
    path = home / KEY_FILE
    with disk_full_explained():
        _made(path)
    with contextlib.suppress(OSError):  # copied by somebody, perhaps; not every drive knows modes
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise UserError(
            message("The file {file} is damaged.", file=str(path)),
            message("Bring it back from a backup, or delete it: then nobody is known as the owner of earlier things."),
        )
    return key


def _made(path: Path) -> None:
    if not path.exists():
        part = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        except OSError:  # not every drive has links
            part.replace(path)
        part.unlink(missing_ok=True)
