"""Put a run in the queue at one click, and only once."""

import secrets
from collections.abc import Callable, Sequence

import streamlit as st

from pages.ui.i18n import _
from pages.ui.markdown import problem
from pages.ui.session import owner
from tl_core.base.errors import UserError
from tl_core.experiments import groups
from tl_core.runs import queue, store
from tl_core.runs.queue import Forecast
from tl_core.tasks.registry import Config

WAITING = 4  # runs one person may have queued or running; a group of an experiment counts as one


def submit(config: Config, drawn: str, forecast: Forecast | None = None) -> None:
    """Callback: queue a run that is said to cost so much. `drawn` names the button's drawing: a double click is one."""
    if st.session_state.get("submission_pressed") == drawn:
        return
    st.session_state["submission_pressed"] = drawn
    try:
        if crowded():
            return
        run = store.create(config, owner=owner())
        queue.submit(run.id, forecast)
        st.session_state["submission_started"] = run.id
    except UserError as error:
        st.session_state["submission_error"] = error


def crowded() -> bool:
    """Whether the reader has as much queued or running as one person may; `complain` then says so."""
    if groups.at_work(owner()) < WAITING:
        return False
    st.session_state["submission_crowded"] = True
    return True


def start_bar(
    key: str, config: Config, what: str, told: Callable[[], tuple[Forecast, str]], obstacles: Sequence[str]
) -> None:
    """What will be trained, what it costs or what stands in the way, and the button; always in sight.

    Args:
        key: of the button.
        what: Markdown.
        told: gives what the run will cost, and that as Markdown; asked only when nothing stands in the way.
    """
    forecast, cost = (None, "") if obstacles else told()
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch", gap=None):
            st.markdown(what)
            if obstacles:
                st.markdown(f":material/block: {obstacles[0]}")
            else:
                st.caption(cost)
        st.button(
            _("Start training"),
            key=key,
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(obstacles),
            on_click=submit,
            args=(config, secrets.token_hex(8), forecast),
        )


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
