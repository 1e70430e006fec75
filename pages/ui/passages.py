"""A passage of text as it is: line ends kept, nothing in it taken for markup, the prompt set off, stretches marked."""

import html
from collections.abc import Sequence

import streamlit as st

_STYLE = """
<style>
.tl-passage {
  white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.55; font-size: 0.95rem; margin: 0;
  max-height: 22rem; overflow-y: auto; padding: 0.75rem 0.9rem; border-radius: 0.5rem;
  background: color-mix(in srgb, currentColor 5%, transparent);
}
.tl-passage b { font-weight: 600; opacity: 0.7; }
.tl-passage mark { background: rgba(230, 159, 0, 0.3); color: inherit; border-radius: 0.2rem; padding: 0.05rem 0; }
</style>
"""


def passage(text: str, *, prompt: str = "", marked: Sequence[tuple[int, int]] = (), label: str = "") -> None:
    """Draw a passage.

    Args:
        text: what is shown.
        prompt: what stood before it, less prominent.
        marked: stretches of characters [start, end) of `text`, in its order, that are marked.
        label: what it is, for readers who cannot see it.
    """
    shown, at = "", 0
    for start, end in marked:
        shown += html.escape(text[at:start])
        shown += f"<mark>{html.escape(text[start:end])}</mark>" if start < end else ""
        at = end
    shown += html.escape(text[at:])
    before = f"<b>{html.escape(prompt)}</b>" if prompt else ""
    named = f' role="group" aria-label="{html.escape(label)}"' if label else ""
    st.html(f'<div class="tl-passage" tabindex="0"{named}>{before}{shown}</div>{_STYLE}')
