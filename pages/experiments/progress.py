"""A run while it goes on, from its event log alone: stage, figures, curves, Stop and Resume, and why it failed."""

import contextlib
from collections.abc import Callable

import streamlit as st

from pages.experiments import learned_from
from pages.tasks.registry import room
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem, sentence
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.runs import queue, store, watch
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.tasks.registry import title

STARTING = N_("Starting the worker and loading TensorFlow…")
BUILDING = N_("Building the network…")
STAGES = {
    "weights": N_("Downloading weights: {done} of {total} MB"),
    "saving": N_("Saving the model…"),
}


def show_progress(run: Run) -> Status:
    """Draw the run as it is now and say what it is doing; call it again every second while it is active."""
    history, now = watch.history(run), store.status(run)
    _header(run, now, history)
    if run.problem:
        st.error(problem(run.problem), icon=":material/error:")
    if history.damaged:
        st.warning(
            ngettext(
                "{n} line of this run's log is damaged and was left out; what can be read is shown.",
                "{n} lines of this run's log are damaged and were left out; what can be read is shown.",
                history.damaged,
            ).format(n=f"{history.damaged:,}"),
            icon=":material/broken_image:",
        )
    if error := st.session_state.pop("run_error", None):
        st.error(problem(error), icon=":material/error:")
    _bar(run, now, history)
    _controls(run, now)
    if now == "failed":
        _failure(history, details=may("read", run))
    if now in ACTIVE or history.batches(1) or history.epochs or history.trials:
        room(run.config, "figures").curves(
            run.config, history, revision=run.id, key="run_curves", growing=now in ACTIVE
        )
    room(run.config, "figures").below(run, history, now not in ACTIVE)
    for notice in history.notices:
        st.caption(f":material/info: {sentence(notice.message)}")
    return now


def _header(run: Run, now: Status, history: History) -> None:
    """Name, status and what was set up, in two lines."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(run.name), width="content", anchor=False)
        status.badge(now)
    facts = []
    if run.config:
        facts += [title(run.config), learned_from.title(run)]
    if history.started:
        facts.append(", ".join(filter(None, (history.started.device, history.precision))))
    st.caption(" · ".join(map(plain, facts)))


def _bar(run: Run, now: Status, history: History) -> None:
    """How far it is, and the figures that a class watches."""
    if now == "queued":
        st.progress(0.0, text=_place_in_queue(run))
        return
    if now in ACTIVE:
        share, text = _stage(run, history)
        st.progress(min(max(share, 0.0), 1.0), text=_("Stopping…") if now == "stopping" else text)
    figures, over = room(run.config, "figures"), now not in ACTIVE
    with st.container(horizontal=True, gap="medium"):
        figures.reached(run.config, history, over)
        st.metric(_("Elapsed"), duration(history.elapsed or 0), width="content")
        if now == "running":
            remaining = duration(history.remaining) if history.remaining is not None else "…"
            st.metric(_("Remaining"), remaining, width="content")
        figures.speed(history)
    if remark := figures.remark(history, over):
        st.caption(remark)


def _place_in_queue(run: Run) -> str:
    queued = store.last_event(run)
    with contextlib.suppress(OSError):  # the worker's words begin when it does
        if queued and (run.folder / "worker.log").stat().st_mtime >= queued.t:
            return _(STARTING)
    waiting = _waiting()
    ahead = waiting.index(run.id) if run.id in waiting else 0
    if not ahead:
        return _("Next in the queue")
    return ngettext("Waiting: {n} run is ahead", "Waiting: {n} runs are ahead", ahead).format(n=ahead)


@st.cache_data(ttl=1, max_entries=1, show_spinner=False)
def _waiting() -> list[str]:
    """The queue, read once a second however many people watch it."""
    return [run.id for run in queue.waiting()]


def _stage(run: Run, history: History) -> tuple[float, str]:
    """How far the present stage has come, 0 to 1, and what it is called."""
    phase = history.phases[-1] if history.phases else None
    if phase is None:
        return 0.0, _(BUILDING)
    figures = room(run.config, "figures")
    known = STAGES | figures.STAGES
    text = _(known[phase.phase]) if phase.phase in known else plain(phase.phase)
    if phase.unit == "epochs":
        return figures.training(run.config, history, text)
    done = history.progress.done if history.progress and history.progress.phase == phase.phase else 0
    total = phase.total or (history.progress.total if history.progress else 0)
    unit = 1e6 if phase.unit == "bytes" else 1
    share = done / total if total else 0.0
    return share, text.format(done=f"{done / unit:,.0f}", total=f"{total / unit:,.0f}")


def _controls(run: Run, now: Status) -> None:
    """Stop while it runs, resume when it was stopped or failed; only for whose run it is."""
    if not may("change", run):
        if now in ACTIVE:
            st.caption(_("Somebody else started this run: you can watch it, but not stop it."))
        return
    if now in ACTIVE:
        st.button(
            _("Stopping…") if now == "stopping" else _("Stop"),
            key="run_stop",
            icon=":material/stop_circle:",
            disabled=now == "stopping",
            on_click=_attempt,
            args=(queue.stop, run.id),
            help=_("Ends within two seconds; what there is by then is kept."),
        )
    elif now in ("stopped", "failed") and run.config:
        st.button(
            _("Resume"),
            key="run_resume",
            type="primary",
            icon=":material/resume:",
            on_click=_attempt,
            args=(queue.resume, run.id),
        )
        st.caption(room(run.config, "figures").resuming(run))


def _attempt(action: Callable[[str], None], run_id: str) -> None:
    """Callback: do it, or keep what went wrong for the page to say."""
    try:
        action(run_id)
    except UserError as error:
        st.session_state["run_error"] = error


def _failure(history: History, details: bool) -> None:
    """Why the run failed, what to do, and the details for the teacher."""
    failed = history.error
    if failed is None:
        st.error(
            _("The worker process ended without a word, and the disk of the server does not let anybody write so."),
            icon=":material/error:",
        )
        return
    if failed.error is not None:
        st.error(problem(failed.error), icon=":material/error:")
    if failed.details and details:
        with st.expander(_("Details for the teacher"), icon=":material/bug_report:"):
            st.code(failed.details, language=None, wrap_lines=True)
