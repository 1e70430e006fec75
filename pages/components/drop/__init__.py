"""Where folders, ZIP files and pictures are dropped, and sent by the browser itself. Knows no dataset."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.components.files import component_files
from pages.ui import i18n
from pages.ui.i18n import _

_COMPONENT = st.components.v2.component(
    "tl_drop", html="<section class='tl-drop'></section>", **component_files("drop")
)


@dataclass(frozen=True)
class Limits:
    """What is refused before it is sent: bytes of one picture, the number of all files, and their bytes."""

    file: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Arrived:
    """An upload that is complete, as the browser tells it: it may say anything."""

    token: str
    roots: list[str]  # names of the dropped folders and ZIP files
    skipped: list[tuple[str, bool]]  # path, and whether it was too large; at most the first 200
    skipped_count: int


def drop(limits: Limits, arrived: Callable[[Arrived], None], *, key: str) -> None:
    """Draw the zone; `arrived` is called once all parts are on the server."""

    def told() -> None:
        found = st.session_state[key].get("arrived")
        if isinstance(found, dict):
            arrived(_read(found))

    _COMPONENT(
        data={
            "language": i18n.language(),
            "limits": {"file": limits.file, "files": limits.files, "bytes": limits.bytes},
            "labels": _labels(),
        },
        key=key,
        on_arrived_change=told,
    )


def _read(found: dict) -> Arrived:
    return Arrived(
        token=str(found.get("token", "")),
        roots=[str(root) for root in found.get("roots", [])],
        skipped=[(str(item["path"]), item["why"] == "large") for item in found.get("skipped", [])],
        skipped_count=int(found.get("skipped_count", 0)),
    )


def _labels() -> dict[str, object]:
    """By the names that the JavaScript uses; {names} in braces are filled in there."""
    return {
        "title": _("Drop a folder of pictures here"),
        "text": _("Each sub-folder becomes a class. A ZIP file works just as well."),
        "folder": _("Choose a folder"),
        "zip": _("Choose a ZIP file"),
        "example": {
            "root": _("flowers"),
            "classes": [_("daisy"), _("rose")],
            "caption": _("A folder like this has two classes."),
        },
        "collecting": _("Looking through the folder: {n} files so far"),
        "sending": _("Sending the pictures"),
        "progress": _("Sending: {done} of {total} files, {sent} of {size} MB"),
        "time": _("{elapsed} elapsed, about {remaining} left"),
        "elapsed": _("{elapsed} elapsed"),
        "cancel": _("Cancel"),
        "again": _("Go on"),
        "other": _("Choose something else"),
        "empty": _("There is no file in what you dropped. Drop a folder with one sub-folder for each class."),
        "nothing_readable": _("None of these files could be read. They may have been moved or be too large."),
        "too_many": _("There are {n} files; at most {limit} are taken at once. Choose a smaller folder."),
        "too_large": _("These files have {size} MB; at most {limit} MB are taken at once."),
        "interrupted": _("The connection broke off. What has arrived is kept: go on when the network is back."),
    }
