"""Small tables that are read, not sorted: they wrap on a phone, follow the theme, and may hold bars and colours."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

LONG = 30  # rows; a longer table scrolls by itself
_STYLE = """
<style>
.tl-table { overflow-x: auto; }
.tl-table.tl-long { max-height: 40rem; overflow-y: auto; }
.tl-table table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
.tl-table th, .tl-table td {
  text-align: left; padding: 0.4rem 0.75rem 0.4rem 0; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent);
}
.tl-table thead th { font-weight: 400; word-break: keep-all; color: color-mix(in srgb, currentColor 80%, transparent); }
.tl-table tbody th { font-weight: 500; overflow-wrap: break-word; min-width: 6.5rem; }
.tl-table td { font-variant-numeric: tabular-nums; min-width: 4.5rem; }
.tl-table small { opacity: 0.75; white-space: nowrap; }
.tl-table mark { background: rgba(230, 159, 0, 0.28); color: inherit; border-radius: 0.3rem; padding: 0.1rem 0.35rem; }
.tl-table .tl-bar { display: block; height: 6px; border-radius: 3px; margin-top: 0.25rem; max-width: 9rem;
  background: color-mix(in srgb, currentColor 14%, transparent); }
.tl-table .tl-bar i { display: block; height: 100%; border-radius: 3px; background: #0072B2; }
.tl-table .tl-swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 0.2em; margin-right: 0.45em; }
</style>
"""


def figure(value: float | None, form: str) -> str:
    """A number for a table, written as `form` says; a dash where there is none."""
    return "–" if value is None else form.format(value)


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    text: str
    small: str = ""  # behind the text, less prominent
    share: float | None = None  # 0 to 1, drawn as a bar below the text
    marked: bool = False
    colour: str = ""  # of a small square before the text, as in a chart's legend


def table(headings: Sequence[str | Cell], rows: Sequence[Sequence[str | Cell]], *, label: str) -> None:
    """Draw a table; the first cell of each row is its heading.

    Args:
        headings: one for each column.
        rows: as many cells each as there are headings.
        label: what the table holds, for readers who cannot see it.
    """
    head = "".join(f'<th scope="col">{_content(cell)}</th>' for cell in headings)
    body = "".join(
        f'<tr><th scope="row">{_content(first)}</th>{"".join(f"<td>{_content(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    kind = "tl-table tl-long" if len(rows) > LONG else "tl-table"
    st.html(
        f'<div class="{kind}"><table aria-label="{html.escape(label)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{_STYLE}"
    )


def _content(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return html.escape(cell)
    text = html.escape(cell.text)
    if cell.marked:
        text = f"<mark>{text}</mark>"
    if cell.colour:
        text = f'<span class="tl-swatch" style="background: {html.escape(cell.colour)}"></span>{text}'
    if cell.small:
        text += f" <small>{html.escape(cell.small)}</small>"
    if cell.share is not None:
        text += f'<span class="tl-bar"><i style="width: {100 * min(max(cell.share, 0), 1):.1f}%"></i></span>'
    return text
