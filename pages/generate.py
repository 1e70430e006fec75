"""Let a language model write: choose who writes, how the next token is chosen, and watch what happens inside."""

import streamlit as st

from pages.components import loading, text_spelling, writers, writing_settings, writing_view
from pages.components.i18n import _
from pages.components.markdown import problem
from tl_core.text.checkpoints import CHECKPOINTS
from tl_core.text.sampling import ARTICLE, ARTICLE_PROMPT


def write(writer):
    """Callback: write what the page says."""
    st.session_state["generate_note"] = ""
    before = writing_view.current()
    writing_settings.move_on(before and before.order.settings)
    for side, prompt in zip(writing_view.SIDES, writing_settings.prompts(), strict=False):
        writing_view.begin(writer, prompt, writing_settings.get(), writing_settings.pace(), side)


def write_as_the_article():
    """Callback: the article's call, with the article's model if it is here, else with the bundled one."""
    here = writers.is_here(writers.ARTICLES)
    row = CHECKPOINTS[writers.ARTICLES if here else writers.BUNDLED]
    writers.put(row.name)
    writing_settings.put(ARTICLE, ARTICLE_PROMPT)
    writing_view.clear(writing_view.SIDES[1])
    write(writers.Writer(row.name, row.name, row.title, row.shape))
    if not here:
        st.session_state["generate_note"] = _(
            "{article} is not on this computer, so the bundled model writes: other words, and circles "
            "that may come later."
        ).format(article=CHECKPOINTS[writers.ARTICLES].title)


def restore():
    """A reloaded page goes on with the texts in its address: the same model, prompts and settings."""
    if writing := writing_view.arrive():
        writers.put(writing.order.model)
        second = writing_view.arrive(writing_view.SIDES[1])
        writing_settings.put(writing.order.settings, writing.order.prompt, second and second.order.prompt)


restore()
writing_settings.begin()
st.title(_("Generate text"), anchor=False)
st.caption(_("A language model continues your text, one token at a time. Watch how it chooses each."))
if error := st.session_state.pop("generate_warm_error", None):
    st.error(problem(error), icon=":material/error:")
with st.container(border=True):
    writer = writers.choose()
    if writer is not None:
        loading.prepare(
            f"text:{writer.model}", "generate_warm", _("Ready to write."), _("It is loaded when you let it write.")
        )
said, buttons = st.columns([4, 1], vertical_alignment="bottom")
with said:
    writing_settings.ask_for_prompts()
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
    text_spelling.offer_for_prompt(writer.base, "generate_prompt")
writing_settings.controls()
if note := st.session_state.get("generate_note"):
    st.caption(f":material/info: {note}")
if len(writing_settings.prompts()) == 1:
    writing_view.clear(writing_view.SIDES[1])
    writing_view.text()
else:
    for column, side in zip(st.columns(2), writing_view.SIDES, strict=True):
        with column:
            writing_view.text(side)
