"""The log of a dataset's edits, and the states it leads through.

{"op": "remove", "keys": [...]}                      leave pictures out
{"op": "relabel", "keys": [...], "class": "roses"}   give pictures another class
{"op": "undo"}                                       back to the state before
{"op": "reset"}                                      back to the pictures as ingested
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tl_core.base import records
from tl_core.base.events import append_line

LOG = "edits.jsonl"


@dataclass(frozen=True)
class State:
    """A state of a dataset: the number of the line of the log that led to it first, and the edits in force."""

    number: int = 0  # 0: as ingested
    edits: tuple[dict[str, Any], ...] = ()


def append(folder: Path, edit: dict[str, Any]) -> None:
    """Write an edit down with a single write.

    Raises:
        OSError: the disk is full, or the folder is gone.
    """
    append_line(folder / LOG, edit)


def read(folder: Path) -> list[dict[str, Any]]:
    """All lines; one that is torn or damaged is empty: it changes nothing, but it counts, so that ids stay the same."""
    try:
        lines = (folder / LOG).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [_parsed(line) for line in lines if line]


def states(edits: Sequence[dict[str, Any]]) -> list[State]:
    """The states that undo can go back to, the present one last.

    Undo goes back to the state before and reset to the first one, so both give the id of that state back: the same
    pictures have the same id.
    """
    found = [State()]
    for number, edit in enumerate(edits, 1):
        match edit.get("op"):
            case "undo":
                found = found[:-1] or found  # nothing left to take back
            case "reset":
                found.append(State())
            case "remove" | "relabel":
                found.append(State(number, (*found[-1].edits, edit)))
    return found


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        edit = records.value(dict[str, Any], records.loads(line))
        if edit.get("op") in ("remove", "relabel"):
            records.value(tuple[str, ...], edit.get("keys"))
        if edit.get("op") == "relabel":
            records.value(str, edit.get("class"))
    except ValueError:
        return {}
    return edit
