"""What a run is doing, in a word, a symbol and a colour; the same on every page."""

import streamlit as st

from pages.ui.i18n import _
from tl_core.base.messages import N_
from tl_core.runs.store import Status

_SHOWN: dict[Status, tuple[str, str, str]] = {
    "queued": (N_("Waiting"), ":material/hourglass_top:", "gray"),
    "running": (N_("Running"), ":material/play_circle:", "blue"),
    "stopping": (N_("Stopping…"), ":material/stop_circle:", "orange"),
    "finished": (N_("Finished"), ":material/check_circle:", "green"),
    "stopped": (N_("Stopped"), ":material/stop_circle:", "orange"),
    "failed": (N_("Failed"), ":material/error:", "red"),
}


def name(status: Status) -> str:
    """The status in the reader's language."""
    return _(_SHOWN[status][0])


def badge(status: Status) -> None:
    """The status as a coloured badge."""
    text, icon, colour = _SHOWN[status]
    st.badge(_(text), icon=icon, color=colour)
