"""One run: live while it trains, a report when it has ended. Everything comes from the id in the address."""

from pathlib import Path

import streamlit as st

from pages.components import live, report
from pages.components.i18n import _, show
from pages.components.session import can_edit, owner
from tl_core.charts import curves
from tl_core.data import dataset as datasets
from tl_core.errors import UserError
from tl_core.runs import queue, store
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE
from tl_core.vision.backbones import BACKBONES

PAGES = Path(__file__).parent
STATUS = {
    "queued": (_("Waiting"), ":material/hourglass_top:", "gray"),
    "running": (_("Running"), ":material/play_circle:", "blue"),
    "stopping": (_("Stopping…"), ":material/stop_circle:", "orange"),
    "finished": (_("Finished"), ":material/check_circle:", "green"),
    "stopped": (_("Stopped"), ":material/stop_circle:", "orange"),
    "failed": (_("Failed"), ":material/error:", "red"),
}


def chosen():
    """The run that the address names; without one, this person's run that is active, or else the latest."""
    if wanted := st.query_params.get("run"):
        return store.get(wanted)
    mine = [run for run in store.all() if run.owner == owner()]
    run = next((run for run in mine if store.status(run) in ACTIVE), mine[0] if mine else None)
    if run:
        st.query_params["run"] = run.id
    return run


def history_of(run):
    """This session's reader of the run's log; it only ever reads what is new."""
    kept = st.session_state.get("run_history")
    if kept is None or kept[0] != run.id:
        kept = st.session_state["run_history"] = (run.id, History(run.log))
    kept[1].update()
    return kept[1]


def header(run, status, history):
    """Name, status and what was set up, in two lines."""
    label, icon, colour = STATUS[status]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(run.name, width="content", anchor=False)
        st.badge(label, icon=icon, color=colour)
    facts = []
    if run.config:
        row = BACKBONES.get(run.config.backbone.name)
        facts += [row.title if row else run.config.backbone.name, pictures(run.config.data.dataset)[0]]
    if history.started:
        facts.append(f"{history.started.device}, {history.started.precision}")
    st.caption(" · ".join(facts))


@st.cache_data(ttl=300, max_entries=64, show_spinner=False)
def pictures(dataset):
    """What the run's pictures are called, and how many classes they have."""
    try:
        found = datasets.load(dataset)
    except UserError:
        return _("pictures that have been deleted"), None
    return found.name, len(found.classes)


def stage(history):
    """How far the present stage has come, 0 to 1, and what it is called."""
    phase = history.phases[-1] if history.phases else None
    if phase is None:
        return 0.0, _("Starting the worker and loading TensorFlow…")
    names = {
        "weights": _("Downloading weights: {done} of {total} MB"),
        "features": _("Passing the pictures through the frozen blocks: {done} of {total}"),
        "evaluation": _("Looking at the validation pictures: {done} of {total}"),
        "saving": _("Saving the model…"),
        "head": _("Training the head: epoch {done} of {total}"),
        "fine-tuning": _("Fine-tuning: epoch {done} of {total}"),
        "from scratch": _("Training from scratch: epoch {done} of {total}"),
    }
    text = names.get(phase.phase, phase.phase)
    if phase.unit == "epochs":
        trained = curves.position(history)
        total = max(history.total_epochs, 1)
        return trained / total, text.format(done=min(int(trained) + 1, total), total=total)
    done = history.progress.done if history.progress and history.progress.phase == phase.phase else 0
    total = phase.total or (history.progress.total if history.progress else 0)
    unit = 1e6 if phase.unit == "bytes" else 1
    share = done / total if total else 0.0
    return share, text.format(done=f"{done / unit:,.0f}", total=f"{total / unit:,.0f}")


def progress(run, status, history):
    """The bar, and the figures that a class watches."""
    if status == "queued":
        ahead = queue.position(run.id)
        text = _("Next in the queue") if not ahead else _("Waiting: {n} runs are ahead").format(n=ahead)
        st.progress(0.0, text=text)
        return
    if status in ACTIVE:
        share, text = stage(history)
        st.progress(min(max(share, 0.0), 1.0), text=_("Stopping…") if status == "stopping" else text)
    last = history.epochs[-1] if history.epochs else None
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Epoch"), f"{last.epoch if last else 0} / {history.total_epochs}", width="content")
        if last and last.val_accuracy is not None:
            st.metric(_("Validation accuracy"), curves.percent(last.val_accuracy), width="content")
        st.metric(_("Elapsed"), live.duration(history.elapsed or 0), width="content")
        if status == "running":
            remaining = live.duration(history.remaining) if history.remaining is not None else "…"
            st.metric(_("Remaining"), remaining, width="content")
        if history.images_per_second:
            st.metric(_("Images per second"), f"{history.images_per_second:,.0f}", width="content")


def controls(run, status):
    """Stop while it runs, resume when it was stopped or failed; only for whose run it is."""
    if not can_edit(run):
        if status in ACTIVE:
            st.caption(_("Somebody else started this run: you can watch it, but not stop it."))
        return
    if status in ACTIVE:
        st.button(
            _("Stopping…") if status == "stopping" else _("Stop"),
            key="run_stop",
            icon=":material/stop_circle:",
            disabled=status == "stopping",
            on_click=attempt,
            args=(queue.stop, run.id),
            help=_("Ends within two seconds; the best weights so far are kept."),
        )
    elif status in ("stopped", "failed"):
        st.button(
            _("Resume"),
            key="run_resume",
            type="primary",
            icon=":material/resume:",
            on_click=attempt,
            args=(queue.resume, run.id),
            help=_("Goes on behind the last complete epoch."),
        )


def attempt(action, run_id):
    """Callback: do it, or keep what went wrong for the page to say."""
    try:
        action(run_id)
    except UserError as error:
        st.session_state["run_error"] = error


def failure(history):
    """Why the run failed, what to do, and the details for the teacher."""
    failed = history.error
    if failed is None:
        return
    if failed.error is not None:
        st.error(f"**{show(failed.error.what)}** {show(failed.error.remedy)}", icon=":material/error:")
    if failed.details:
        with st.expander(_("Details for the teacher"), icon=":material/bug_report:"):
            st.code(failed.details, language=None, wrap_lines=True)


def follow(run):
    """Everything that changes while the run is active: one fragment, every second, silent when the run has ended."""
    was_active = store.status(run) in ACTIVE

    @st.fragment(run_every=1.0 if was_active else None)
    def view():
        history, status = history_of(run), store.status(run)
        header(run, status, history)
        if error := st.session_state.pop("run_error", None):
            st.error(f"{show(error.what)} {show(error.remedy)}", icon=":material/error:")
        progress(run, status, history)
        controls(run, status)
        if status == "failed":
            failure(history)
        classes = pictures(run.config.data.dataset)[1] if run.config else None
        live.run_curves(history, revision=run.id, key="run_curves", classes=classes)
        for notice in history.notices:
            st.caption(f":material/info: {show(notice.message)}")
        if was_active and status not in ACTIVE:
            st.rerun()

    view()


try:
    run = chosen()
except UserError as error:
    st.title(_("Run"))
    st.error(f"{show(error.what)} {show(error.remedy)}", icon=":material/error:")
    st.page_link(PAGES / "runs.py", label=_("All runs"), icon=":material/list:")
    st.stop()
if run is None:
    st.title(_("Run"))
    st.info(_("You have not trained anything yet. Set up your first experiment; it takes one click."))
    st.page_link(PAGES / "train.py", label=_("Train"), icon=":material/model_training:")
    st.stop()
follow(run)
if store.status(run) not in ACTIVE:
    report.show_report(run)
