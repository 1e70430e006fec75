"""Pictures: bring them in, see what they are like, put them in order, and decide how they are split."""

import streamlit as st

from pages.material import dataset_view, intake, shelf, tidy, ways_in
from pages.registry import go
from pages.tasks.image_classification import consequences, settings
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from pages.ui.session import choose_dataset, may
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.runs.executors import spare


def bring_in(empty):
    """The ways in: open when there is nothing yet, else one click away."""
    if empty:
        st.markdown(_("Training begins with pictures: a folder with one sub-folder for each class is all it takes."))
        ways_in.ways_in("data")
    else:
        failed = bool(st.session_state.get(intake.RETURN))
        with st.expander(_("Bring other pictures in"), failed, icon=":material/add_photo_alternate:", key="data_ways"):
            ways_in.ways_in("data")


def describe(summary):
    """Everything about one dataset, from its figures to its split."""
    dataset = datasets.load(summary.id)
    seen = dataset_view.report(dataset.id)
    dataset_view.figures(summary, seen)
    dataset_view.remarks(seen)
    dataset_view.not_taken(seen)
    st.subheader(_("Classes"), anchor=False)
    dataset_view.classes(dataset, seen)
    st.subheader(_("Split"), anchor=False)
    st.markdown(
        _("The network learns from the training pictures alone; the others show whether it understood or memorised.")
    )
    divided = dataset_view.split(dataset, seen)
    st.subheader(_("Look through and tidy up"), anchor=False)
    tidy.look_through(dataset, seen, editable=may("change", summary))
    return divided


def go_on(summary, divided):
    """The way on, always in sight."""
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch", gap=None):
            if divided.problem:
                st.markdown(f":material/block: {sentence(divided.problem.what)}")
            else:
                st.caption(consequences.parts_sentence(divided))
        if st.button(
            _("Train on these pictures"),
            key="data_train",
            type="primary",
            icon=":material/model_training:",
            disabled=divided.problem is not None,
        ):
            choose_dataset(summary.id)
            go("train")
    spare.want()


settings.begin()
st.title(_("Pictures"), anchor=False)
job = intake.attached()
if job and not job.active:
    intake.settle(job)
with st.container():  # its place stays even when it is empty: what stands below keeps its state
    intake.complain()
summaries = shelf.known()
summary = shelf.chosen(summaries)
if job and job.active:
    intake.follow(job)
else:
    bring_in(empty=summary is None)
if summaries:
    shelf.chooser(summaries, summary)
if summary is not None:
    st.query_params[shelf.ADDRESS] = summary.id.split("@")[0]
    try:
        go_on(summary, describe(summary))
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
