"""A text as it is written, token by token, and the inside of each: it asks for news itself. Knows no network."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.components.files import component_files
from pages.components.generation.words import words
from pages.ui import i18n

_COMPONENT = st.components.v2.component(
    "tl_writing",
    html="<div class='tl-writing-frame'><div class='tl-writing'></div></div>",
    **component_files("generation"),
)


def generation(text: Mapping[str, Any], *, key: str, told: Mapping[str, Callable[[], None]]) -> None:
    """Draw a text.

    Args:
        text: what `generation.js` asks of it: id, branched, prompt, strategy, samples, shape, live, view.
        key: Streamlit's key of the element; what the reader did stands in the session state under it.
        told: what is called when the reader took a token, asked for another text, went back, or changed the view
            ("taken", "another", "back", "view").
    """
    _COMPONENT(
        data={**text, "language": i18n.language(), "words": words()},
        key=key,
        **{f"on_{name}_change": call for name, call in told.items()},
    )
