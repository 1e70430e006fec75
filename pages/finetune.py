"""Fine-tune a language model: a text, a model, what of it learns, and how it is trained."""

import streamlit as st

from pages.experiments import setup, submit
from pages.material import intake, text_view, texts
from pages.registry import go
from pages.tasks.text_generation import choices, consequences, hyperparameters, settings, spelling
from pages.ui.i18n import _
from tl_core.runs.executors import spare
from tl_core.tasks.text_generation.code import keras_code
from tl_core.text.pretrained.registry import Source

if run_id := submit.started():
    go("run", run=run_id)


def bring_in(empty):
    """The ways in: open when there is nothing yet, else one click away."""
    if empty:
        st.markdown(_("A language model that knows one kind of text learns another: yours, or a sample."))
        texts.ways_in()
    else:
        failed = bool(st.session_state.get("text_failed"))
        with st.expander(_("Bring another text in"), failed, icon=":material/post_add:", key="text_ways"):
            texts.ways_in()


def count(text, shape, found):
    """The reports of the text as it stands and straightened, as the model reads it; None where it is not here."""
    if not isinstance(found, Source):
        return None, None
    with st.spinner(_("Counting the tokens…")):
        how = (text.id, found.folder, settings.get("validation") / 100, min(settings.get("context"), shape.context))
        printed = text_view.report(*how, straighten=False)
        return printed, text_view.report(*how, straighten=True) if printed.typographic else printed


setup.arrive(settings)
settings.begin()
st.title(_("Fine-tune text"), anchor=False)
job = intake.attached("text")
if job and not job.active:
    intake.settle(job, texts.choose)
with st.container():  # its place stays even when it is empty: what stands below keeps its state
    texts.complain()
    setup.complain()
    if st.session_state.pop(settings.PREFIX + "private", False):
        st.info(_("The text of that run is private. Its settings are filled in below; choose a text."))
text = texts.current()
if job and job.active:
    intake.follow(job)
else:
    bring_in(empty=text is None)
if text is None:
    st.stop()
st.query_params[texts.ADDRESS] = text.id
texts.shelf(text)
figures = st.container()
with st.container(border=True):
    shape, found = choices.choose_model()
    printed, straight = count(text, shape, found)
    spelling.suggest(text, printed, straight)
    seen = straight if settings.get("straighten") else printed
    if shape is not None:
        choices.choose_boundary(shape, seen)
with figures:
    if seen:
        text_view.figures(seen)
    else:
        st.caption(_("Its tokens are counted once the model is on this computer."))
    spelling.offer(text, printed, straight)
    text_view.look_inside(text, seen, settings.get("validation") / 100, settings.get("straighten"))
if shape is not None:
    with st.container(border=True):
        hyperparameters.choose_training(shape, seen.training_tokens if seen else None)
        if seen:
            spelling.note(settings.model(), settings.config(text.id).opening)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        hyperparameters.choose_the_rest(shape)
config = settings.config(text.id)
obstacles = consequences.obstacles(config, shape, seen, found)
if shape is not None and not obstacles:
    setup.same_in_keras(keras_code(config, shape))
if settings.get("model") != settings.FOLDER:  # nobody else has that folder
    setup.share(settings, config)
submit.start_bar(
    "tune_start",
    config,
    choices.summary(shape),
    lambda: consequences.told(config, shape, seen),
    obstacles,
)
spare.want()
