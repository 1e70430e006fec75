"""The freeze boundary: a backbone drawn block by block, and a slider that says the same. Knows no network.

Both move one number, the count of leading blocks kept frozen; screen readers, keyboards and tests can use either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.files import component_files
from pages.ui.i18n import _

_COMPONENT = st.components.v2.component(
    "tl_blocks",
    html="<div class='tl-blocks'></div>",
    **component_files("blocks"),
)


@dataclass(frozen=True)
class DrawnBlock:
    """A block as the map shows it: its name, its parameters (the bar's height), and a line on hovering."""

    name: str
    parameters: int
    title: str
    frozen: bool = False  # of the head alone: it stays as it is, wherever the boundary lies


def freeze_slider(
    blocks: Sequence[DrawnBlock],
    head: DrawnBlock,
    *,
    label: str,
    key: str,
    help: str = "",
    learns: str = "",
    lowest: int = 0,
) -> int:
    """Let the reader choose the boundary, on the map or on the slider below it.

    Args:
        blocks: the backbone's blocks, from the input up.
        head: the layers on top; trainable unless it says otherwise.
        label: of the slider, and of the map for screen readers.
        key: of the number in the session state; the map's own key is derived from it.
        help: what freezing means, in plain words.
        learns: what the legend says of the blocks above the boundary; by default that they learn from pictures.
        lowest: so many blocks are frozen whatever is chosen.

    Returns:
        The number of leading blocks kept frozen, `lowest` to len(blocks).
    """
    last = len(blocks)
    st.session_state[key] = max(lowest, min(last, st.session_state.get(key, last)))

    def moved() -> None:
        wanted = st.session_state[f"{key}_map"].get("moved")
        if isinstance(wanted, (int, float)) and lowest <= wanted <= last:
            st.session_state[key] = int(wanted)

    drawing = st.container()
    st.select_slider(
        label,
        options=list(range(lowest, last + 1)),
        format_func=lambda boundary: _position(blocks, boundary),
        key=key,
        help=help or None,
        persist_state="session",
    )
    with drawing:
        _COMPONENT(
            data={
                "blocks": [_drawn(block) for block in blocks],
                "head": _drawn(head),
                "boundary": st.session_state[key],
                "lowest": lowest,
                "label": label,
                "spoken": [_spoken(blocks, boundary) for boundary in range(last + 1)],
                "legend": {
                    "frozen": _("Frozen: keeps what it knows"),
                    "trainable": learns or _("Trainable: learns from your pictures"),
                },
            },
            key=f"{key}_map",
            on_moved_change=moved,
        )
    return st.session_state[key]


def _drawn(block: DrawnBlock) -> dict:
    return {
        "name": block.name,
        "parameters": block.parameters,
        "count": short_number(block.parameters),
        "title": block.title,
        "frozen": block.frozen,
    }


def _position(blocks: Sequence[DrawnBlock], boundary: int) -> str:
    if boundary == 0:
        return _("nothing frozen")
    if boundary == len(blocks):
        return _("all frozen")
    return _("up to {block}").format(block=blocks[boundary - 1].name)


def _spoken(blocks: Sequence[DrawnBlock], boundary: int) -> str:
    if boundary == 0:
        return _("Nothing is frozen; all {total} blocks are trainable").format(total=len(blocks))
    if boundary == len(blocks):
        return _("All {total} blocks are frozen").format(total=len(blocks))
    return _("{n} of {total} blocks are frozen, up to {block}").format(
        n=boundary, total=len(blocks), block=blocks[boundary - 1].name
    )


def short_number(count: float) -> str:
    """14714688 -> "14.7 M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            value = count / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{count:.0f}"
