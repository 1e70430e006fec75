"""What the app is, the first training within two clicks, and the way through the app."""

import streamlit as st

from pages.components.steps import steps
from pages.experiments import submit
from pages.material import intake, sample_pictures, shelf, ways_in
from pages.registry import go, link
from pages.tasks.image_classification.first_run import first_run
from pages.ui import status
from pages.ui.i18n import _
from pages.ui.markdown import plain
from pages.ui.whose import own
from tl_core.experiments import groups
from tl_core.runs import store
from tl_core.runs.executors import spare

if run_id := submit.started():
    go("run", run=run_id)


def at_work(runs):
    """The reader's experiments and runs that wait or work, each with the way to its curves."""
    for experiment in groups.all() if len(runs) > 1 else []:
        members = {member.run for member in experiment.members}
        if members & {run.id for run in runs}:
            runs = [run for run in runs if run.id not in members]
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                status.badge(groups.status(experiment))
                st.markdown(f"**{plain(experiment.name)}**", width="stretch")
                link(experiment.lab, label=_("Watch the curves"), icon=":material/show_chart:", lab=experiment.id)
    for run in runs:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            status.badge(store.status(run))
            st.markdown(f"**{plain(run.name)}**", width="stretch")
            link("run", label=_("Watch the curves"), icon=":material/show_chart:", run=run.id)


def to_language():
    """The way to the other half, which a phone's closed menu does not show."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_("The same for language:"), width="content")
        link("generate", label=_("Let GPT-2 write"), icon=":material/edit:")
        link("finetune", label=_("Fine-tune it on your own text"), icon=":material/edit_note:")


def begin(again):
    """One big way to start: drop pictures if there are none, else train on them."""
    job = intake.attached()
    if job and not job.active:
        intake.settle(job)
    with st.container():  # its place stays even when it is empty: what stands below keeps its state
        intake.complain()
        submit.complain()
    summary = shelf.chosen(shelf.known())
    if job and job.active:
        intake.follow(job)
        spare.want()
    elif summary:
        first_run(summary, again=again)
        spare.want()
    else:
        st.subheader(_("Begin with a folder of pictures"), anchor=False)
        drop, try_it = st.columns([5, 3])
        with drop:
            ways_in.drop_zone("welcome")
        with try_it:
            sample_pictures.first_flowers("welcome")
        link("data", label=_("Other ways to bring pictures in"), icon=":material/add_photo_alternate:")


st.title(_("See transfer learning work"), anchor=False)
st.markdown(
    _(
        "Take a network that has already learned to see, show it a folder of your own pictures, and within a minute it "
        "tells your classes apart. Freeze its blocks, watch the curves, find out what it got wrong, and take the model "
        "home."
    )
)
to_language()
mine = own(store.trainings())
at_work([run for run in mine[:50] if store.status(run) in store.ACTIVE])
begin(again=bool(mine))
st.subheader(_("The way: eight steps of transfer learning"), anchor=False)
steps()
