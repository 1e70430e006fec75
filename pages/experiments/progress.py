"""A run while it goes on, from its event log alone: stage, figures, curves, Stop and Resume, and why it failed."""

import contextlib
from collections.abc import Callable

import streamlit as st

from pages.components import live_chart
from pages.material import text_view
from pages.tasks.text_generation import figures
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem, sentence
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import curves
from tl_core.images.data import dataset as datasets
from tl_core.runs import queue, store, watch
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.tasks.registry import title

STARTING = N_("Starting the worker and loading TensorFlow…")
BUILDING = N_("Building the network…")
STAGES = {
    "weights": N_("Downloading weights: {done} of {total} MB"),
    "features": N_("Passing the pictures through the frozen blocks: {done} of {total}"),
    "evaluation": N_("Looking at the validation pictures: {done} of {total}"),
    "saving": N_("Saving the model…"),
    "head": N_("Training the head: epoch {done} of {total}"),
    "fine-tuning": N_("Fine-tuning: epoch {done} of {total}"),
    "from scratch": N_("Training from scratch: epoch {done} of {total}"),
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
    if now in ACTIVE or history.batches(1) or history.epochs:
        _curves(run, now, history)
    if writes(run) and may("read", run):
        figures.show_samples(history, now)
    elif writes(run):
        st.caption(
            ":material/lock: "
            + _("The text is private: what the model writes, and the model itself, are shown to its owner alone.")
        )
    for notice in history.notices:
        st.caption(f":material/info: {sentence(notice.message)}")
    return now


def writes(run: Run) -> bool:
    """Whether it is a language model that is trained."""
    return run.config is not None and run.config.kind == "text"


@st.cache_data(ttl=300, max_entries=64, show_spinner=False)
def pictures(dataset: str) -> tuple[str | None, int | None]:
    """What the run's pictures are called, and how many classes they have; None where they have been deleted."""
    try:
        found = datasets.load(dataset)
    except UserError:
        return None, None
    return found.name, len(found.classes)


def _header(run: Run, now: Status, history: History) -> None:
    """Name, status and what was set up, in two lines."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(run.name), width="content", anchor=False)
        status.badge(now)
    facts = []
    if writes(run):
        known = text_view.name(run.config.corpus)
        text = (known if may("read", run) else _("a private text")) if known else _("a text that has been deleted")
        facts += [title(run.config), text]
    elif run.config:
        facts += [title(run.config), pictures(run.config.data.dataset)[0] or _("pictures that have been deleted")]
    if history.started:
        facts.append(f"{history.started.device}, {history.started.precision}")
    st.caption(" · ".join(map(plain, facts)))


def _bar(run: Run, now: Status, history: History) -> None:
    """How far it is, and the figures that a class watches."""
    if now == "queued":
        st.progress(0.0, text=_place_in_queue(run))
        return
    if now in ACTIVE:
        share, text = _stage(run, history)
        st.progress(min(max(share, 0.0), 1.0), text=_("Stopping…") if now == "stopping" else text)
    if writes(run):
        figures.figures(run, now, history)
        return
    last = history.epochs[-1] if history.epochs else None
    shown = last if now in ACTIVE else history.best or last
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Epoch"), f"{last.epoch if last else 0} / {history.total_epochs}", width="content")
        if shown and "val_accuracy" in shown.metrics:
            st.metric(
                _("Validation accuracy"),
                percent(shown.metrics["val_accuracy"]),
                width="content",
                help=_("Of the latest epoch; when the run has ended, of the epoch whose weights are kept."),
            )
        st.metric(_("Elapsed"), duration(history.elapsed or 0), width="content")
        if now == "running":
            remaining = duration(history.remaining) if history.remaining is not None else "…"
            st.metric(_("Remaining"), remaining, width="content")
        if history.rate:
            st.metric(_("Images per second"), f"{history.rate:,.0f}", width="content")


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


def _curves(run: Run, now: Status, history: History) -> None:
    """The learning curves, with room to grow while it trains."""
    if writes(run):
        live_chart.text_curves(
            history, revision=run.id, key="run_curves", total=run.config.steps if now in ACTIVE else 0
        )
        return
    classes = pictures(run.config.data.dataset)[1] if run.config else None
    total = history.total_epochs if now in ACTIVE else 0
    live_chart.run_curves(history, revision=run.id, key="run_curves", classes=classes, total=total)


def _stage(run: Run, history: History) -> tuple[float, str]:
    """How far the present stage has come, 0 to 1, and what it is called."""
    phase = history.phases[-1] if history.phases else None
    if phase is None:
        return 0.0, _(BUILDING)
    if phase.unit == "epochs" and writes(run):
        return figures.stage(history, run.config)
    text = _(STAGES[phase.phase]) if phase.phase in STAGES else plain(phase.phase)
    if phase.unit == "epochs":
        trained = curves.position(history)
        total = max(history.total_epochs, 1)
        return trained / total, text.format(done=min(int(trained) + 1, total), total=total)
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
            help=_("Ends within two seconds; the best weights so far are kept."),
        )
    elif now in ("stopped", "failed") and run.config:
        st.button(
            _("Resume"),
            key="run_resume",
            type="primary",
            icon=":material/resume:",
            on_click=_attempt,
            args=(queue.resume, run.id),
            help=None
            if writes(run)
            else _(
                "Goes on from the last checkpoint: the epoch under way, and a few seconds before it, may be repeated."
            ),
        )
        if writes(run):
            figures.resumes(run)


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
