"""Where should I cut? A linear probe behind every block, pretrained and random; a click sets the freeze boundary."""

from datetime import datetime

import streamlit as st

from pages.experiments import learned_from, progress, submit
from pages.labs.cut import onward, setup
from pages.registry import go, link
from pages.ui import status
from pages.ui.i18n import _
from pages.ui.markdown import plain, problem
from pages.ui.whose import marked, own_first
from tl_core.base.errors import UserError
from tl_core.runs import store
from tl_core.runs.executors import spare
from tl_core.runs.store import ACTIVE
from tl_core.tasks import registry
from tl_core.tasks.registry import LABS

LAB = LABS["cut"]
EARLIER = 10  # experiments that are listed


def asked():
    """The experiment that the address names, or None; one of another kind is shown on its own page."""
    wanted = st.query_params.get("run")
    run = store.get(wanted) if wanted else None
    if run and registry.of(run.config) is not LAB:
        go("run", run=run.id)
    return run


def follow(run):
    """Everything that changes while it goes on: one fragment, silent when it has ended."""
    before = store.status(run)

    @st.fragment(run_every=1.0 if before in ACTIVE else None)
    def view():
        if progress.show_progress(run) != before:
            st.rerun()

    view()


def earlier(shown):
    """The experiments that were made before, as links."""
    others = [run for run in own_first(store.of(LAB)) if shown is None or run.id != shown.id][:EARLIER]
    if not others:
        return
    st.subheader(_("Earlier experiments"), anchor=False)
    for run in others:
        begun = datetime.fromtimestamp(run.created).strftime("%Y-%m-%d %H:%M")
        facts = [run.name, learned_from.short(run), begun, status.name(store.status(run))]
        link("cut", label=plain(marked(facts, run)), icon=":material/content_cut:", run=run.id)


if run_id := submit.started():
    st.query_params["run"] = run_id
onward.leave()
run = None
try:
    run = asked()
except UserError as error:
    st.error(problem(error), icon=":material/error:")
if run is None:
    st.title(_("Where should I cut?"), anchor=False)
    st.markdown(
        _(
            "The early blocks of a network see edges and colours, the late ones the things of its source task. Put a "
            "linear classifier behind every block, and you see how much each of them knows about *your* pictures: "
            "with pretrained weights, and beside it with random ones. The answer tells where to set the freeze "
            "boundary."
        )
    )
    submit.complain()
    setup.show()
else:
    follow(run)
spare.want()
earlier(run)
