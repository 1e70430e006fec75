"""Fine-tune a language model: a text, a model, what of it learns, and how it is trained."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages.components import intake, submission, text_choices, text_cost, text_in, text_spelling, text_view
from pages.components import text_settings as settings
from pages.components.i18n import _
from pages.components.session import may
from tl_core.errors import UserError
from tl_core.runs import spare, store
from tl_core.text.checkpoints import Source
from tl_core.text.code import keras_code
from tl_core.text.config import TextConfig

PAGES = Path(__file__).parent

if run_id := submission.started():
    st.switch_page(PAGES / "run.py", query_params={"run": run_id})


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
        st.switch_page(PAGES / "train.py", query_params={"from": asked})
    if may("read", run):
        settings.put(run.config)
        text_in.choose(run.config.corpus)
    else:  # its settings, without what might be a piece of a private text
        settings.put(replace(run.config, prompt=TextConfig("").prompt))
        st.session_state["tune_private"] = True


def bring_in(empty):
    """The ways in: open when there is nothing yet, else one click away."""
    if empty:
        st.markdown(_("A language model that knows one kind of text learns another: yours, or a sample."))
        text_in.ways_in()
    else:
        failed = bool(st.session_state.get("text_failed"))
        with st.expander(_("Bring another text in"), failed, icon=":material/post_add:", key="text_ways"):
            text_in.ways_in()


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
    intake.settle(job, text_in.choose)
with st.container():  # its place stays even when it is empty: what stands below keeps its state
    text_in.complain()
    submission.complain()
    if st.session_state.pop("tune_private", False):
        st.info(_("The text of that run is private. Its settings are filled in below; choose a text."))
text = text_in.current()
if job and job.active:
    intake.follow(job)
else:
    bring_in(empty=text is None)
if text is None:
    st.stop()
st.query_params[text_in.ADDRESS] = text.id
text_in.shelf(text)
figures = st.container()
with st.container(border=True):
    shape, found = text_choices.choose_model()
    printed, straight = count(text, shape, found)
    text_spelling.suggest(text, printed, straight)
    seen = straight if settings.get("straighten") else printed
    if shape is not None:
        text_choices.choose_what_learns(shape, seen)
with figures:
    if seen:
        text_view.figures(seen)
    else:
        st.caption(_("Its tokens are counted once the model is on this computer."))
    text_spelling.offer(text, printed, straight)
    text_view.look_inside(text, seen, settings.get("validation") / 100, settings.get("straighten"))
if shape is not None:
    with st.container(border=True):
        text_choices.choose_training(shape, seen.training_tokens if seen else None)
        if seen:
            text_spelling.note(settings.model(), settings.config(text.id).opening)
    with st.expander(_("Advanced"), icon=":material/tune:"):
        text_choices.choose_the_rest(shape)
config = settings.config(text.id)
obstacles = text_cost.obstacles(config, shape, seen, found)
if shape is not None and not obstacles:
    with st.expander(_("The same in Keras"), icon=":material/code:"):
        st.caption(
            _("What these settings mean, as a script that trains the same network without the activation cache.")
            + " "
            + _("A run hands it out with all that it needs: “Take it home” on its page.")
        )
        st.code(keras_code(config, shape), language="python")
submission.start_bar(
    "tune_start",
    config,
    text_choices.summary(shape),
    lambda: text_cost.time_sentence(config, shape, seen),
    obstacles,
)
spare.want()
