"""Let a language model write: choose who writes, how the next token is chosen, and watch what happens inside."""

import streamlit as st

from pages.tasks.text_generation import models, sampling, spelling, view
from pages.ui import loading
from pages.ui.i18n import _
from pages.ui.markdown import problem
from tl_core.tasks.text_generation.sampling import ARTICLE, ARTICLE_PROMPT
from tl_core.text.pretrained.registry import CHECKPOINTS


def write(writer):
    """Callback: write what the page says."""
    st.session_state["generate_note"] = ""
    before = view.current()
    sampling.move_on(before and before.order.settings)
    for side, prompt in zip(view.SIDES, sampling.prompts(), strict=False):
        view.begin(writer, prompt, sampling.get(), sampling.pace(), side)


def write_as_the_article():
    """Callback: the article's call, with the article's model if it is here, else with the bundled one."""
    here = models.is_here(models.ARTICLES)
    row = CHECKPOINTS[models.ARTICLES if here else models.BUNDLED]
    models.put(row.name)
    sampling.put(ARTICLE, ARTICLE_PROMPT)
    view.clear(view.SIDES[1])
    write(models.Writer(row.name, row.name, row.title, row.shape))
    if not here:
        st.session_state["generate_note"] = _(
            "{article} is not on this computer, so the bundled model writes: other words, and circles "
            "that may come later."
        ).format(article=CHECKPOINTS[models.ARTICLES].title)


def restore():
    """A reloaded page goes on with the texts in its address: the same model, prompts and settings."""
    if writing := view.arrive():
        models.put(writing.order.model)
        second = view.arrive(view.SIDES[1])
        sampling.put(writing.order.settings, writing.order.prompt, second and second.order.prompt)


restore()
sampling.begin()
st.title(_("Generate text"), anchor=False)
st.caption(_("A language model continues your text, one token at a time. Watch how it chooses each."))
if error := st.session_state.pop("generate_warm_error", None):
    st.error(problem(error), icon=":material/error:")
with st.container(border=True):
    writer = models.choose()
    if writer is not None:
        loading.prepare(
            f"text:{writer.model}", "generate_warm", _("Ready to write."), _("It is loaded when you let it write.")
        )
said, buttons = st.columns([4, 1], vertical_alignment="bottom")
with said:
    sampling.ask_for_prompts()
with buttons:
    st.button(
        _("Write"),
        key="generate_write",
        type="primary",
        icon=":material/edit:",
        disabled=writer is None,
        on_click=write,
        args=(writer,),
        width="stretch",
    )
    st.button(
        _("As in the article"),
        key="generate_article",
        icon=":material/article:",
        on_click=write_as_the_article,
        help=_("“Once upon a time”, 50 tokens, greedy: see how the text begins to repeat itself, and why."),
        width="stretch",
    )
if writer is not None:
    spelling.offer_for_prompt(writer.base, "generate_prompt")
sampling.controls()
if note := st.session_state.get("generate_note"):
    st.caption(f":material/info: {note}")
if len(sampling.prompts()) == 1:
    view.clear(view.SIDES[1])
    view.text()
else:
    for column, side in zip(st.columns(2), view.SIDES, strict=True):
        with column:
            view.text(side)
