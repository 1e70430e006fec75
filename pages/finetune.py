"""Fine-tune a language model: a text, a model, what of it learns, and how it is trained."""

from dataclasses import replace

import streamlit as st

from pages.experiments import submit
from pages.material import intake, text_view, texts
from pages.registry import go
from pages.tasks.text_generation import choices, consequences, settings, spelling
from pages.ui.i18n import _
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.runs import store
from tl_core.runs.executors import spare
from tl_core.tasks.text_generation.code import keras_code
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.pretrained.registry import Source

if run_id := submit.started():
    go("run", run=run_id)


def arrive():
    """Take over the settings of the run that the address names (`?from=<run>`), once."""
    asked = st.query_params.get("from")
    if not asked or asked == st.session_state.get("tune_asked"):
        return
    st.session_state["tune_asked"] = asked
    try:
        run = store.get(asked)
        if run.problem:
            raise run.problem
    except UserError as error:
        st.session_state["upload_error"] = error
        return
    if run.config.kind != "text":
        go("train", **{"from": asked})
    if may("read", run):
        settings.put(run.config)
        texts.choose(run.config.corpus)
    else:  # its settings, without what might be a piece of a private text
        settings.put(replace(run.config, prompt=TextConfig("").prompt))
        st.session_state["tune_private"] = True


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


arrive()
settings.begin()
st.title(_("Fine-tune text"), anchor=False)
job = intake.attached("text")
if job and not job.active:
    intake.settle(job, texts.choose)
with st.container():  # its place stays even when it is empty: what stands below keeps its state
    texts.complain()
    submit.complain()
    if st.session_state.pop("tune_private", False):
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
        choices.choose_what_learns(shape, seen)
with figures:
    if seen:
        text_view.figures(seen)
    else:
        st.caption(_("Its tokens are counted once the model is on this computer."))
    spelling.offer(text, printed, straight)
    text_view.look_inside(text, seen, settings.get("validation") / 100, settings.get("straighten"))
if shape is not None:
    with st.container(border=True):
        choices.choose_training(shape, seen.training_tokens if seen else None)
        if seen:
            spelling.note(settings.model(), settings.config(text.id).opening)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        choices.choose_the_rest(shape)
config = settings.config(text.id)
obstacles = consequences.obstacles(config, shape, seen, found)
if shape is not None and not obstacles:
    with st.expander(_("The same in Keras"), icon=":material/code:"):
        st.caption(
            _("What these settings mean, as a script that trains the same network without the activation cache.")
            + " "
            + _("A run hands it out with all that it needs: “Take it home” on its page.")
        )
        st.code(keras_code(config, shape), language="python")
submit.start_bar(
    "tune_start",
    config,
    choices.summary(shape),
    lambda: consequences.time_sentence(config, shape, seen),
    obstacles,
)
spare.want()
