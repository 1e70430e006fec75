"""What all experiments of several runs have on their page: which one, how far it is, Stop, link, CSV, earlier ones."""

import time
from collections.abc import Callable
from datetime import datetime
from types import ModuleType

import streamlit as st

from pages.experiments import learned_from
from pages.labs import example
from pages.labs.setup import ADDRESS, begun
from pages.registry import link
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.session import may, mine
from pages.ui.whose import own, own_first
from tl_core.base.errors import UserError
from tl_core.experiments import groups
from tl_core.experiments.groups import Experiment, Lab
from tl_core.runs import store, watch
from tl_core.runs.store import ACTIVE, Run
from tl_core.tasks.registry import title

PACE = 2.0  # seconds between looks at an experiment that is active
LISTED = 20  # earlier experiments


def page(lab: Lab, introduce: Callable[[], None], prepare: Callable[[], None], drawing: ModuleType) -> None:
    """The experiment that the address names; without one what it is about, an example, set-up, and the earlier ones.

    Args:
        lab: also the page's name.
        introduce: draws the title, and what it is about.
        prepare: draws the settings and the buttons.
        drawing: the module whose `view` draws what is known of an experiment; the example takes `curves` and `told`.
    """
    begun()
    experiment = chosen(lab)
    if experiment is None:
        introduce()
        example.of_group(lab, own(groups.all(lab)), drawing)
        prepare()
        earlier(lab)
        return
    header(experiment)
    task = groups.task_of(experiment)
    if task is None:
        st.info(_("The runs of this experiment have been deleted."))
        return
    facts(experiment)
    follow(experiment, lambda: drawing.view(experiment, task, groups.courses(experiment)))
    take_home(experiment)


def chosen(lab: Lab) -> Experiment | None:
    """The experiment that the address names; None: none, or it is not to be had, which is said."""
    wanted = st.query_params.get(ADDRESS)
    if error := st.session_state.pop("lab_error", None):
        st.error(problem(error), icon=":material/error:")
    if not wanted:
        return None
    try:
        found = groups.get(wanted)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return None
    return found if found.lab == lab else None


def follow(experiment: Experiment, view: Callable[[], None]) -> None:
    """Draw what changes while the experiment is active, again and again: one fragment, silent when it is over."""
    active = groups.active(experiment)

    @st.fragment(run_every=PACE if active else None)
    def drawn() -> None:
        _progress(experiment)
        view()
        if groups.active(experiment) != active:
            st.rerun()

    drawn()


def header(experiment: Experiment) -> None:
    """Its name, and the way to another one."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(plain(experiment.name), anchor=False, width="content")
        st.button(_("Another experiment"), key="lab_leave", icon=":material/add:", on_click=_leave)
    if not mine(experiment):
        st.caption(_("Somebody else started this experiment: you can watch it, but not stop it."))


def facts(experiment: Experiment) -> None:
    """What learns from what, in a line."""
    run = next(run for run in groups.runs(experiment) if run.config)
    st.caption(f"{plain(title(run.config))} · {plain(learned_from.title(run))}")


def take_home(experiment: Experiment) -> None:
    """Link, figures, its runs, and the way to delete it."""
    runs = groups.runs(experiment)
    with st.expander(_("Share, take home, look closer"), icon=":material/share:"):
        st.caption(_("Whoever opens this link sees the experiment as it is then."))
        address = str(st.context.url or "").split("?")[0]
        st.code(f"{address}?{ADDRESS}={experiment.id}", language=None, wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                _("All figures (.csv)"),
                groups.table(experiment),
                f"{experiment.lab}-{experiment.id}.csv",
                "text/csv",
                icon=":material/table:",
                on_click="ignore",
            )
            link(
                "runs",
                label=_("Its runs, side by side"),
                icon=":material/compare_arrows:",
                compare=",".join(run.id for run in runs),
            )
            if may("change", experiment) and not groups.active(experiment):
                with st.popover(_("Delete"), icon=":material/delete:"):
                    st.markdown(_("Delete this experiment with all its runs? This cannot be undone."))
                    st.button(
                        _("Delete for good"),
                        key="lab_delete",
                        type="primary",
                        icon=":material/delete_forever:",
                        on_click=_attempt,
                        args=(_deleted, experiment.id),
                    )


def earlier(lab: Lab) -> None:
    """The experiments that there are, the reader's own first."""
    found = list(own_first(groups.all(lab)))[:LISTED]
    if not found:
        return
    st.subheader(_("Earlier experiments"), anchor=False)
    for experiment in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            status.badge(groups.status(experiment))
            link(lab, label=plain(experiment.name), icon=":material/science:", lab=experiment.id)
            st.caption(datetime.fromtimestamp(experiment.created).strftime("%Y-%m-%d %H:%M"), width="content")


def _progress(experiment: Experiment) -> None:
    """How many of its runs have ended, how long the others will take, what failed, and Stop."""
    runs = groups.runs(experiment)
    states = [store.status(run) for run in runs]
    ended = sum(state not in ACTIVE for state in states)
    gone = len(experiment.members) - len(runs)
    if ended < len(runs):
        text = _("{n} of {total} runs have ended").format(n=ended, total=len(runs))
        if (left := _remaining(runs)) is not None:
            text += " · " + _("about {time} left").format(time=duration(left))
        st.progress(ended / max(1, len(runs)), text=text)
        if may("change", experiment):
            st.button(
                _("Stop"),
                key="lab_stop",
                icon=":material/stop_circle:",
                disabled=all(state == "stopping" for state in states if state in ACTIVE),
                on_click=_attempt,
                args=(groups.stop, experiment.id),
                help=_("Ends all runs of this experiment; what they have found out so far is kept."),
            )
    elif "stopped" in states:
        st.caption(
            ":material/stop_circle: "
            + ngettext("{n} run was stopped.", "{n} runs were stopped.", states.count("stopped")).format(
                n=states.count("stopped")
            )
            + " "
            + _("Only runs that have finished are compared.")
        )
    for run, state in zip(runs, states, strict=True):
        if state == "failed":
            with st.container(horizontal=True, vertical_alignment="center"):
                st.error(_("{name} has failed.").format(name=plain(run.name)), icon=":material/error:")
                link("run", label=_("Why"), icon=":material/bug_report:", run=run.id)
            break
    if gone:
        st.caption(
            ngettext("{n} of its runs has been deleted.", "{n} of its runs have been deleted.", gone).format(n=gone)
        )


def _remaining(runs: list[Run]) -> float | None:
    """Seconds until all have ended, from the pace so far; None before the first has."""
    logs = [(watch.history(run), store.status(run) in ACTIVE) for run in runs]
    began = [history.started.t for history, _active in logs if history.started]
    ended = sum(not active for _history, active in logs)
    if not ended or not began:
        return None
    return (len(runs) - ended) * max(0.0, time.time() - min(began)) / ended


def _leave() -> None:
    """Callback: to the page where an experiment is set up."""
    st.query_params.pop(ADDRESS, None)


def _deleted(experiment_id: str) -> None:
    groups.delete(experiment_id)
    _leave()


def _attempt(action: Callable[[str], None], experiment_id: str) -> None:
    """Callback: do it, if it is the reader's, or keep what went wrong for the page to say."""
    try:
        if may("change", groups.get(experiment_id)):
            action(experiment_id)
    except UserError as error:
        st.session_state["lab_error"] = error
