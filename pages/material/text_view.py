"""What a text is like for one model: tokens, unknown characters, what repeats, and where it is divided."""

import hashlib
from pathlib import Path

import streamlit as st
from tokenizers import Tokenizer

from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, sentence
from pages.ui.passages import passage
from pages.ui.tables import table
from tl_core.base.errors import UserError
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.data.corpus import Corpus, TextReport

GLANCE = 700  # characters of a passage
MOST = 20  # rows of a table


@st.cache_data(max_entries=64, show_spinner=False)
def report(corpus_id: str, model: Path, validation: float, context: int, straighten: bool) -> TextReport:
    """The report of a text as the model in the folder `model` cuts it, for windows of `context` tokens."""
    text = corpus.load(corpus_id)
    return corpus.report(text, bpe(model), validation, context=context, straighten=straighten)


@st.cache_resource(max_entries=4, show_spinner=False)
def bpe(model: Path) -> Tokenizer:
    """The tokenizer in a model's folder."""
    return tokenizer.load(model)


def figures(seen: TextReport) -> None:
    """The figures, and what should be known before training."""
    unknown = sum(item.count for item in seen.unknown)
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Characters"), f"{seen.characters:,}", width="content")
        st.metric(
            _("Tokens to train on"),
            f"{seen.training_tokens:,}",
            width="content",
            help=_("The pieces in which this model reads: short words are one token, rare words several."),
        )
        st.metric(
            _("Tokens to validate"),
            f"{seen.validation_tokens:,}",
            width="content",
            help=_("The end of each document. It is never trained on."),
        )
        st.metric(
            _("Unknown characters"),
            f"{unknown:,}",
            width="content",
            help=_("The tokenizer has no token for them and spells them in single bytes, which teaches little."),
        )
        st.metric(
            _("Repeated passages"),
            f"{seen.repeated:,}",
            width="content",
            help=_("Paragraphs, and lines of lists, that have stood in the text before."),
        )
    for warning in seen.warnings:
        st.warning(sentence(warning), icon=":material/warning:")
    if seen.rejected:
        count = len(seen.rejected)
        st.warning(
            ngettext("{n} file was not taken: {files}", "{n} files were not taken: {files}", count).format(
                n=count,
                files="; ".join(f"{plain(file[:80])} ({sentence(reason)})" for file, reason in seen.rejected[:5]),
            ),
            icon=":material/warning:",
        )


def look_inside(text: Corpus, seen: TextReport | None, validation: float, straighten: bool) -> None:
    """The text itself as the model reads it, where it is divided, and lists of what is odd in it."""
    with st.expander(_("Look into the text"), icon=":material/menu_book:", key="text_inside"):
        training, held_out = corpus.split(text, validation, straighten)
        st.caption(_("How it begins"))
        passage(training[:GLANCE], label=_("How it begins"))
        if held_out:
            left, right = st.columns(2)
            with left:
                st.caption(_("The last that is trained on"))
                passage(training[-GLANCE // 2 :], label=_("The last that is trained on"))
            with right:
                st.caption(_("The first that validates"))
                passage(held_out[: GLANCE // 2], label=_("The first that validates"))
        if seen and seen.unknown:
            table(
                [_("Unknown character"), _("How often"), _("Tokens")],
                [[visible(item.character), f"{item.count:,}", f"{item.tokens:,}"] for item in seen.unknown[:MOST]],
                label=_("Unknown characters"),
            )
        if seen and seen.duplicates:
            table(
                [_("Repeated passage"), _("How often"), _("In both parts")],
                [
                    [item.text, f"{item.count:,}", _("yes") if item.across else _("no")]
                    for item in seen.duplicates[:MOST]
                ],
                label=_("Repeated passages"),
            )


def visible(character: str) -> str:
    """The character, or its number in Unicode where it cannot be seen."""
    return character if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"


def divided(seen: TextReport) -> str:
    """The two parts, in a sentence."""
    return _("{training} tokens to train on, {validation} to validate.").format(
        training=f"{seen.training_tokens:,}", validation=f"{seen.validation_tokens:,}"
    )


@st.cache_data(max_entries=256, show_spinner=False)
def content(corpus_id: str) -> str:
    """What tells one text from another, whoever brought it in; the id itself where the text has been deleted."""
    try:
        return hashlib.sha256(corpus.load(corpus_id).text.encode()).hexdigest()
    except (UserError, OSError):
        return corpus_id
