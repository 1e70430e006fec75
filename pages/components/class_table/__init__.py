"""One row for each class: a bar, figures, and a few of its pictures. Knows no page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from pages.components.files import component_files
from pages.ui.i18n import _

Kind = Literal["images", "train", "validation", "test"]

_COMPONENT = st.components.v2.component(
    "tl_classes",
    html="<div class='tl-classes'></div>",
    **component_files("class_table"),
)


@dataclass(frozen=True)
class ClassRow:
    """A class: its name, the pieces of its bar in pictures, and addresses of a few of its pictures."""

    name: str
    pieces: Sequence[tuple[Kind, int]]
    pictures: Sequence[str] = ()


def class_table(rows: Sequence[ClassRow], figures: Sequence[tuple[Kind, str]], *, label: str, key: str) -> None:
    """Draw the table; every bar is measured against the largest class.

    Args:
        rows: the classes in order; each with a piece for each of `figures`.
        figures: the columns of numbers: what they count, and their heading.
        label: what the table shows, for screen readers.
        key: Streamlit's key of the element.
    """
    longest = max((sum(count for _kind, count in row.pieces) for row in rows), default=0) or 1
    sums = [sum(row.pieces[column][1] for row in rows) for column in range(len(figures))]
    _COMPONENT(
        data={
            "label": label,
            "columns": [_("Class"), "", *(heading for _kind, heading in figures)],
            "kinds": [kind if len(figures) > 1 else "" for kind, _heading in figures],
            "examples": _("Examples"),
            "rows": [
                {
                    "name": row.name,
                    "pieces": [{"kind": kind, "share": count / longest} for kind, count in row.pieces if count],
                    "figures": [f"{count:,}" for _kind, count in row.pieces],
                    "pictures": list(row.pictures),
                }
                for row in rows
            ],
            "total": [_("Together"), *(f"{count:,}" for count in sums)] if len(figures) > 1 else [],
        },
        key=key,
    )
