"""Train a classifier of texts: labelled texts, an encoder, what of it learns, and how it is trained."""

import streamlit as st

from pages.experiments import setup, submit
from pages.material import intake, labelled_texts, labelled_view
from pages.registry import go
from pages.tasks.text_classification import choices, consequences, hyperparameters, settings
from pages.ui.i18n import _
from pages.ui.markdown import problem
from tl_core.runs.executors import spare
from tl_core.tasks.text_classification.code import keras_code
from tl_core.text.pretrained.encoders import Source

if run_id := submit.started():
    go("run", run=run_id)


def bring_in(empty):
    """The ways in: open when there is nothing yet, else one click away."""
    if empty:
        st.markdown(
            _(
                "A network that has read very much learns to sort texts from a few dozen examples: praise and blame, "
                "spam, topics. Bring texts with labels, or let the app write some."
            )
        )
        labelled_texts.ways_in()
    else:
        with st.expander(_("Bring other texts in"), icon=":material/post_add:", key="labelled_ways"):
            labelled_texts.ways_in()


setup.arrive(settings)
settings.begin()
st.title(_("Train a text classifier"), anchor=False)
job = intake.attached("labelled")
if job and not job.active:
    intake.settle(job, labelled_texts.choose)
with st.container():  # its place stays even when it is empty: what stands below keeps its state
    labelled_texts.complain()
    setup.complain()
    if st.session_state.pop(settings.PREFIX + "private", False):
        st.info(_("The texts of that run are private. Its settings are filled in below; choose texts of your own."))
dataset = labelled_texts.current()
if job and job.active:
    intake.follow(job)
else:
    bring_in(empty=dataset is None)
if dataset is None:
    st.stop()
st.query_params[labelled_texts.ADDRESS] = dataset.id
labelled_texts.shelf(dataset)
figures = st.container()
choices.choose_recipe()
with st.container(border=True):
    shape, found = choices.choose_model()
    if shape is not None:
        choices.choose_boundary(shape, len(dataset.classes))
seen = consequences.texts(
    settings.config(dataset.id).data,
    found.folder if isinstance(found, Source) else None,
    settings.get("length"),
)
with figures:
    if seen.report:
        labelled_view.figures(seen.report, settings.get("length"))
        labelled_view.look_inside(seen.report)
    elif seen.problem:
        st.warning(problem(seen.problem), icon=":material/warning:")
with st.container(border=True):
    hyperparameters.choose_training()
warnings = st.container()
with st.expander(_("Advanced"), icon=":material/tune:"):
    hyperparameters.choose_the_rest()
config = settings.config(dataset.id)
obstacles = consequences.obstacles(config, shape, seen, found)
if shape is not None and not obstacles:
    for caution in consequences.cautions(config, shape, seen):
        warnings.warning(caution, icon=":material/lightbulb:")
    setup.same_in_keras(keras_code(config, shape, seen.counts("training"), dataset.classes))
if settings.get("encoder") != settings.FOLDER:  # nobody else has that folder
    setup.share(settings, config)
submit.start_bar(
    "texts_start",
    config,
    choices.summary(shape, config),
    lambda: consequences.told(config, seen),
    obstacles,
)
spare.want()
