"""Why a file was not taken. Streamlit's uploader refuses files in the browser, without asking us, and tells the reason
only to who points at the file, in English: here it stands below the files, in the reader's language.
"""

import html
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.ui.i18n import _

_STYLE = """
<style>
.tl-refused {
  display: none; margin: 0.5rem 0 0; padding: 0.6rem 0.8rem; border-radius: 0.5rem; line-height: 1.45;
  background: rgba(213, 94, 0, 0.16); border-inline-start: 4px solid #D55E00;
}
[class*="st-key-taking_"]:has([data-testid="stFileChip"][aria-invalid="true"]) .tl-refused { display: block; }
</style>
"""


@contextmanager
def explained(key: str, kinds: str, megabytes: int) -> Iterator[None]:
    """Around an uploader: below it stands why a file with a red mark was not taken, as long as there is one.

    Args:
        key: the uploader's.
        kinds: the files that it takes, in words.
        megabytes: what one of them may have at most.
    """
    said = _(
        "What is marked red was not taken: a file may have {n} MB at most and must be one of these: {kinds}. "
        "If it is, the server is full: remove it, wait a little and try again."
    ).format(n=megabytes, kinds=kinds)
    with st.container(key=f"taking_{key}", gap=None):
        yield
        st.html(f'<p class="tl-refused" role="status">{html.escape(said)}</p>{_STYLE}')
