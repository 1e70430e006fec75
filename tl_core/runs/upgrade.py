"""Brings data folders of earlier versions up to date when the server starts.

Earlier versions wrote the visitor's secret itself as `owner`; each becomes a public id (`people.public_id`). A file is
replaced as a whole and keeps its time. What was interrupted is done at the next start, and where nothing is left to do
it costs one look at a small file for each run, dataset and text.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tl_core.base import paths, records
from tl_core.base.errors import UserError
from tl_core.runs import people, store

_BEGINNING = 1024  # bytes of a log in which its first line, "queued", lies


def upgrade() -> int:
    """Hide every secret that is still written down; answers how many files were changed.

    Files that cannot be read or written are left as they are: each costs its own thing, nothing else.
    """
    changed = 0
    with contextlib.suppress(OSError):  # there is no data folder and none can be made
        for file in _files():
            with contextlib.suppress(OSError, ValueError, UserError):
                changed += _hidden_in_log(file) if file.suffix == ".jsonl" else _hidden(file)
    return changed


def _files() -> Iterator[Path]:
    """Whatever may hold an owner, in folders that are being built or deleted too."""
    yield from paths.runs().glob("*/events.jsonl")
    yield from paths.runs().glob("*/meta.json")
    yield from paths.datasets().glob("*/summary.json")
    yield from paths.home().glob("texts/*/corpus.json")
    yield from paths.uploads().glob("*/owner")


def _hidden(file: Path) -> bool:
    """Replace the owner in a JSON object, or in a file that holds nothing else."""
    text = file.read_text(encoding="utf-8")
    data = {"owner": text} if file.name == "owner" else records.loads(text)
    owner = data.get("owner") if isinstance(data, dict) else None
    if not owner or not isinstance(owner, str) or people.is_public_id(owner):
        return False
    data["owner"] = people.public_id(owner)
    text = data["owner"] if file.name == "owner" else json.dumps(data, ensure_ascii=False, indent=1)
    stat = file.stat()
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # lists are sorted by it
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return True


def _hidden_in_log(log: Path) -> bool:
    """Blank the owner out of a log's "queued" lines, where they stand: a worker may be writing behind them."""
    with open(log, "r+b") as file:
        if b'"owner"' not in file.read(_BEGINNING):
            return False
        file.seek(0)
        found = []
        while line := file.readline():
            impersonal = store.without_owner(line)
            if impersonal != line:
                found.append((file.tell() - len(line), impersonal))
        for place, impersonal in reversed(found):  # the first line, by which we know that it is done, comes last
            os.pwrite(file.fileno(), impersonal, place)
    return bool(found)
