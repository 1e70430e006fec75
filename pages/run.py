"""One run: live while it trains, a report when it has ended. Everything comes from the id in the address."""

import time

import streamlit as st

from pages.experiments import costs, progress, take_home
from pages.registry import go, link
from pages.tasks.registry import room
from pages.ui.i18n import _
from pages.ui.markdown import problem
from pages.ui.session import mine
from pages.ui.whose import own
from tl_core.base.errors import UserError
from tl_core.runs import store, watch
from tl_core.runs.executors import spare
from tl_core.runs.store import ACTIVE
from tl_core.tasks import registry

PACE = {"queued": 1.0, "running": 1.0, "stopping": 0.3}  # seconds between looks at a run that is active
EAGER, YOUNG = 0.4, 10.0  # seconds between its owner's looks while it is this young: its curve may begin any moment


def chosen():
    """The run that the address names; without one, this person's run that is active, or else the latest."""
    if wanted := st.query_params.get("run"):
        return store.get(wanted)
    runs = own(store.trainings())
    run = next((run for run in runs if store.status(run) in ACTIVE), runs[0] if runs else None)
    if run:
        st.query_params["run"] = run.id
    return run


def pace(run, now):
    """Seconds between looks at a run that does this now; None: it is over."""
    history = watch.history(run)
    young = now == "running" and history.started and time.time() - history.started.t < YOUNG
    return EAGER if young and not history.epochs and mine(run) else PACE.get(now)


def follow(run):
    """Everything that changes while the run is active: one fragment, silent when the run has ended."""
    present = pace(run, store.status(run))

    @st.fragment(run_every=present)
    def view():
        if pace(run, progress.show_progress(run)) != present:
            st.rerun()

    view()


try:
    run = chosen()
    if run and registry.is_lab(run.config):
        go(registry.of(run.config).name, run=run.id)
except UserError as error:
    st.title(_("Run"), anchor=False)
    st.error(problem(error), icon=":material/error:")
    link("runs", label=_("All runs"), icon=":material/list:")
    st.stop()
if run is None:
    st.title(_("Run"), anchor=False)
    st.info(_("You have not trained anything yet. Set up your first experiment; it takes one click."))
    link("train", label=_("Train"), icon=":material/model_training:")
    st.stop()
follow(run)
if store.status(run) not in ACTIVE:
    take_home.go_on(run)
    if run.config:
        room(run.config, "report").show_report(run)
        costs.show(run)
    spare.want()  # to resume it, or to train again
