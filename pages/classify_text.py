"""Ask a trained classifier of which class a text is, and which of its words made the difference."""

import streamlit as st

from pages.registry import link
from pages.tasks.text_classification import answers, trained_runs
from pages.ui import loading
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.engine import client
from tl_core.tasks.text_classification import calls

MOST = 2000  # characters of a text
TOGETHER = 200  # lines at once


def ask(source, texts, influence):
    """The answers, kept as long as network and texts stay the same."""
    question = (source, texts, influence)
    known = st.session_state.get("classify_text_known")
    if known and known[0] == question:
        return known[1]
    place = st.empty()
    place.caption(_("The network reads…"))
    asked = calls.Classify(source, texts, influence)
    said = client.ask(calls.CLASSIFY, asked, lambda said: place.caption(sentence(said)))
    place.empty()
    st.session_state["classify_text_known"] = (question, said)
    return said


st.title(_("Classify text"), anchor=False)
st.caption(_("Type a sentence and see of which class a network takes it to be. Your texts are not stored."))
if error := st.session_state.pop("classify_text_error", None):
    st.error(problem(error), icon=":material/error:")
run = trained_runs.choose()
if run is None:
    link("texts", icon=":material/model_training:")
    st.stop()
source = f"{calls.PREFIX}:{run.id}"
may_ask = loading.prepare(source, "classify_text", _("Ready to answer."), _("It is loaded with your first sentence."))
with st.form("classify_text_form", border=False):
    st.text_area(
        _("Text"),
        key="classify_text_text",
        height=100,
        max_chars=MOST,
        placeholder=trained_runs.example(run),
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.form_submit_button(_("Classify"), type="primary", icon=":material/rate_review:")
        st.toggle(
            _("Each line is a text of its own"),
            key="classify_text_lines",
            help=_("Up to {n} lines; then without the influence of words.").format(n=TOGETHER),
        )
if asked:
    st.session_state["classify_text_asked"] = st.session_state["classify_text_text"].strip()
text = st.session_state.get("classify_text_asked", "")
if text and may_ask:
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())[:TOGETHER]
    several = st.session_state["classify_text_lines"] and len(lines) > 1
    try:
        said = ask(source, lines if several else (text,), not several)
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        st.button(_("Try again"), key="classify_text_retry", icon=":material/refresh:")
    else:
        if several:
            answers.several(lines, said)
        else:
            answers.one(said[0])
