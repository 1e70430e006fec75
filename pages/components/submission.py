"""Put a run in the queue at one click, and only once."""

import streamlit as st

from pages.components.i18n import _
from pages.components.markdown import problem
from pages.components.session import owner
from tl_core.errors import UserError
from tl_core.runs import queue, store
from tl_core.runs.configs import Config

WAITING = 4  # runs one person may have queued or running


def submit(config: Config, drawn: str) -> None:
    """Callback: queue a run. `drawn` names the drawing of the button, so that a double click is one run."""
    if st.session_state.get("submission_pressed") == drawn:
        return
    st.session_state["submission_pressed"] = drawn
    try:
        mine = [run for run in store.all() if run.owner == owner()]
        if sum(store.status(run) in store.ACTIVE for run in mine[:50]) >= WAITING:
            st.session_state["submission_crowded"] = True
            return
        run = store.create(config, owner=owner())
        queue.submit(run.id)
        st.session_state["submission_started"] = run.id
    except UserError as error:
        st.session_state["submission_error"] = error


def started() -> str | None:
    """The id of the run that the last click queued, once."""
    return st.session_state.pop("submission_started", None)


def complain() -> None:
    """What went wrong at the last click, once."""
    if error := st.session_state.pop("submission_error", None):
        st.error(problem(error), icon=":material/error:")
    if st.session_state.pop("submission_crowded", False):
        st.warning(
            _("You have {n} runs waiting or running. Wait for one to end, or stop one on the Runs page.").format(
                n=WAITING
            ),
            icon=":material/hourglass_top:",
        )
