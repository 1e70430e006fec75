"""A model on its way into the engine: asked for when a page needs it, with what happens now, and another try."""

import time

import streamlit as st

from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.engine import client

AGAIN = 60.0  # seconds within which a model is not loaded a second time only because somebody looks at the page


def prepare(source: str, key: str, ready: str, absent: str) -> bool:
    """Have the engine load a model, and say how far it is. False if asking it is of no use: it cannot be loaded.

    Args:
        source: what the engine calls it.
        key: of the page, before the names in the session's state.
        ready: what to say where the model is loaded.
        absent: what to say where the model's place was needed by others.
    """
    state = client.state(source)
    warmed = st.session_state.setdefault(f"{key}_warmed", {})
    if state.status == "absent" and time.monotonic() - warmed.get(source, -AGAIN) >= AGAIN:
        warmed[source] = time.monotonic()
        try:
            client.warm(source)
        except UserError as error:
            state = client.State("failed", error=error)
        else:
            state = client.state(source)
    waiting = state.status == "loading"

    @st.fragment(run_every=1.0 if waiting else None)
    def view() -> None:
        now = client.state(source) if waiting else state
        if now.status == "loading":
            said = sentence(now.message) if now.message else _("Loading the model…")
            st.markdown(f":material/hourglass_top: {said}")
        elif now.status == "ready":
            st.markdown(f":green[:material/check_circle:] {ready}")
        elif now.error:
            st.error(problem(now.error), icon=":material/error:")
        else:  # others needed its place, or its process has died: asking will tell
            st.markdown(f":material/hourglass_empty: {absent}")
        if waiting and now.status != "loading":
            st.rerun()
        if now.status == "failed":
            st.button(_("Try again"), key=f"{key}_again", icon=":material/refresh:", on_click=_anew, args=(source, key))

    view()
    return state.status != "failed"


def _anew(source: str, key: str) -> None:
    """Callback: load it once more."""
    st.session_state[f"{key}_warmed"][source] = time.monotonic()
    try:
        client.warm(source)
    except UserError as error:
        st.session_state[f"{key}_error"] = error
