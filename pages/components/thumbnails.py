"""Small pictures of a dataset with a line below each; the browser fetches them, nothing passes through Streamlit."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.ui.i18n import _

SIDE = 160  # pixels that the server makes a thumbnail
_STYLE = """
<style>
.tl-pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.75rem; margin: 0; }
.tl-pictures figure { margin: 0; min-width: 0; }
.tl-pictures img {
  width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 0.5rem; display: block;
  background: color-mix(in srgb, currentColor 10%, transparent);
}
.tl-pictures figcaption { font-size: 0.85rem; line-height: 1.35; padding-top: 0.3rem; overflow-wrap: anywhere; }
.tl-pictures small { opacity: 0.75; font-size: 0.8rem; }
</style>
"""


@dataclass(frozen=True)
class Thumbnail:
    """One picture: the hash of its bytes, its alternative text, and two lines below it."""

    picture: str
    alt: str
    line: str
    small: str = ""


def thumbnails(dataset: str, shown: Sequence[Thumbnail], *, key: str, first: int = 12) -> None:
    """Draw the pictures in as many columns as there is room for.

    Args:
        dataset: id of the dataset they are in.
        shown: the pictures, in order.
        key: of the button that shows more than the first few.
        first: how many are drawn at once; after a click on the button ten times as many.
    """
    limit = 10 * first if st.session_state.get(f"{key}_all") else first
    figures = "".join(_figure(dataset, item) for item in shown[:limit])
    st.html(f'<div class="tl-pictures">{figures}</div>{_STYLE}')
    if limit == first < len(shown):
        left = min(len(shown), 10 * first) - first
        st.button(
            _("Show {n} more").format(n=left),
            key=key,
            icon=":material/expand_more:",
            type="tertiary",
            on_click=lambda: st.session_state.update({f"{key}_all": True}),
        )


def _figure(dataset: str, item: Thumbnail) -> str:
    alt, line, small = (html.escape(text) for text in (item.alt, item.line, item.small))
    source = f"tl/picture/{html.escape(dataset)}/{html.escape(item.picture)}?side={SIDE}"
    caption = f"{line}<br><small>{small}</small>" if small else line
    return (
        f'<figure><img src="{source}" alt="{alt}" title="{alt}" loading="lazy">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
