"""Typographic characters: what they cost with one model, and the offer to straighten them, for a text and a prompt."""

import streamlit as st

from pages.material import text_view
from pages.tasks.text_generation import consequences, settings
from pages.ui.i18n import _, ngettext, together
from pages.ui.markdown import plain
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.data.corpus import Corpus, TextReport
from tl_core.text.data.typography import straightened, typographic
from tl_core.text.pretrained.registry import Source

MOST = 8  # characters that are named


@st.cache_data(max_entries=64, show_spinner=False)
def crooked(corpus_id: str) -> int:
    """How many typographic characters a text has."""
    return typographic(corpus.load(corpus_id).text)


def suggest(text: Corpus, printed: TextReport | None, straight: TextReport | None) -> None:
    """Straighten where it saves tokens, unless the reader has chosen otherwise for this text and this model.

    Args:
        printed: the report of the text as it stands; None where the model is not here to read it.
        straight: of the straightened text.
    """
    place = (text.id, settings.model())
    if st.session_state.get(settings.SPELLING) == place and crooked(text.id):
        return
    st.session_state[settings.SPELLING] = place
    saves = straight.tokens < printed.tokens if printed and straight else True
    settings.set_("straighten", bool(crooked(text.id)) and saves)


def offer(text: Corpus, printed: TextReport | None, straight: TextReport | None) -> None:
    """The choice, and the figures before and after; nothing where the text has no typographic character."""
    count = crooked(text.id)
    if not count:
        return
    settings.FIELDS.draw("straighten")
    said = ngettext(
        "{n} typographic character (quotes, dashes, dots, spaces).",
        "{n} typographic characters (quotes, dashes, dots, spaces).",
        count,
    ).format(n=f"{count:,}")
    if printed and straight:
        figures = _(
            "As it stands: {before} tokens, {odd} unknown characters. Straightened: {after} tokens, {left} unknown."
        )
        figures = figures.format(
            before=f"{printed.tokens:,}",
            odd=f"{_unknown(printed):,}",
            after=f"{straight.tokens:,}",
            left=f"{_unknown(straight):,}",
        )
    else:
        figures = _("What they cost is counted once the model is on this computer.")
    st.caption(together(said, figures))


def note(model: str, prompt: str) -> bool:
    """Say which characters of a prompt a model does not know, and what they cost; False where it knows all."""
    found = consequences.source(model)
    if not isinstance(found, Source):
        return False
    bpe = text_view.bpe(found.folder)
    unknown = corpus.unknown_characters(bpe, prompt)
    if not unknown:
        return False
    spent, total = sum(item.tokens for item in unknown), len(tokenizer.encode(bpe, prompt))
    text = _("This model has no token for {characters}: single bytes spell them, {n} of the prompt's {total} tokens.")
    named = " ".join(plain(text_view.visible(item.character)) for item in unknown[:MOST]) + (
        " …" if len(unknown) > MOST else ""
    )
    st.caption(":material/info: " + text.format(characters=named, n=spent, total=total))
    return True


def offer_for_prompt(model: str, key: str) -> None:
    """The same for the prompt in the session's state at `key`, and a click that straightens it."""
    prompt = st.session_state.get(key, "")
    if note(model, prompt) and typographic(prompt):
        st.button(
            _("Straighten quotes and dashes"),
            key=f"{key}_straighten",
            icon=":material/format_quote_off:",
            on_click=_straighten,
            args=(key,),
        )


def _straighten(key: str) -> None:
    """Callback: the prompt with plain characters."""
    st.session_state[key] = straightened(st.session_state[key])


def _unknown(seen: TextReport) -> int:
    return sum(item.count for item in seen.unknown)
