"""The reader's language: chosen from the browser, switchable on every page, part of the address.

`_` and `ngettext` translate while a page is drawn; `show` puts a `tl_core` message together; `class_name` translates
what ImageNet's networks answer. English is the source language; each other language has a folder of `.po` files in
`assets/translations`, read when they are first needed: one for each package's sentences, which are merged, and one for
the names of ImageNet's classes.
"""

import gettext
import io
from functools import lru_cache

import streamlit as st

from tl_core.base.messages import Message
from tl_core.base.paths import ASSETS

LANGUAGES = {"en": "English", "zh": "简体中文"}
FOLDERS = {"zh": ASSETS / "translations" / "zh_Hans_CN" / "LC_MESSAGES"}
KEY = "language"
FULL_WIDTH = ("。", "！", "？", "；", "：")


@lru_cache
def catalogue(language: str, names: bool = False) -> gettext.NullTranslations:
    """The translations of a language; for English (and for what is missing) the text itself.

    Args:
        names: of ImageNet's classes, instead of our sentences.
    """
    if language not in FOLDERS:
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    merged = Catalog(locale=FOLDERS[language].parent.name)
    for path in sorted(FOLDERS[language].glob("*.po")):
        if (path.stem == "imagenet") == names:
            with open(path, "rb") as file:
                for entry in read_po(file, locale=merged.locale):
                    if entry.id:
                        merged[entry.id] = entry
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def language() -> str:
    """The code of the reader's language."""
    chosen = st.session_state.get(KEY)
    return chosen if chosen in LANGUAGES else _of_browser()


def _(text: str) -> str:
    """`text` in the reader's language."""
    return catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: float) -> str:
    """`one` or `many` in the reader's language, whichever fits `count`."""
    return catalogue(language()).ngettext(one, many, count)


def show(sentence: Message) -> str:
    """A message of tl_core in the reader's language."""
    return sentence.translated(_)


def together(*sentences: str) -> str:
    """Sentences one after the other, without empty ones; no space follows a full-width sign, which brings its own."""
    text = ""
    for each in filter(None, sentences):
        text += each if not text or text.endswith(FULL_WIDTH) else f" {each}"
    return text


def class_name(english: str) -> str:
    """A class of ImageNet in the reader's language; a name that this language lacks stays English and says so."""
    name = catalogue(language(), names=True).gettext(english)
    if language() == "en" or name != english:
        return name
    return _("{name} (in English)").format(name=english)


def switch() -> None:
    """The widget that changes the language; the choice stays in the address (`?language=zh`) on every page."""
    asked = st.query_params.get(KEY)
    if KEY not in st.session_state:
        st.session_state[KEY] = asked if asked in LANGUAGES else _of_browser()
    st.segmented_control(
        "Language / 语言",
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key=KEY,
        required=True,
        label_visibility="collapsed",
    )
    # Not bind="query-params": that would put the label, not the code, into the address.
    if (language() != _of_browser() or asked is not None) and asked != language():
        st.query_params[KEY] = language()


def _of_browser() -> str:
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
