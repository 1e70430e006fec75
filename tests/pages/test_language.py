"""Every page in a made-up language: a visible sentence that does not go through gettext stands out."""

import gettext
import re

import pytest
from streamlit.testing.v1 import AppTest

from pages import registry
from pages.ui import i18n
from tests.conftest import REPOSITORY
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.text.pretrained.encoders import ENCODERS
from tl_core.text.pretrained.registry import CHECKPOINTS

PAGES = tuple(registry.PAGES)
ELEMENTS = (
    "title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "success", "button", "checkbox",
    "toggle", "radio", "selectbox", "multiselect", "slider", "select_slider", "number_input", "text_input",
    "text_area", "metric", "expander", "tabs",
)  # fmt: skip
NETWORKS = (*BACKBONES.values(), *CHECKPOINTS.values(), *ENCODERS.values())
# Names and signs that are the same in every language.
NAMES = re.compile(
    r"Language / 语言|English|简体中文|:material/\w+:|`[^`]*`|\[[^\]]*\]\([^)]*\)|<[^>]*>|«[^«»]*»"
    r"|:[a-z]+-badge\[[\s,]*\]|"
    + "|".join(map(re.escape, sorted((row.title for row in NETWORKS), key=len, reverse=True)))
)


class Marked(gettext.NullTranslations):
    """Puts every translated text between guillemets."""

    def gettext(self, text: str) -> str:
        return f"«{text}»" if text else ""

    def ngettext(self, one: str, many: str, count: int) -> str:
        return f"«{one if count == 1 else many}»"


@pytest.fixture
def marked(monkeypatch, tl_home):
    monkeypatch.setattr(i18n, "catalogue", lambda language, domain="messages": Marked())


def texts(test: AppTest) -> list[str]:
    found = []
    for kind in ELEMENTS:
        for element in getattr(test, kind):
            found += [str(getattr(element, name, "") or "") for name in ("label", "help", "placeholder")]
            if kind in ELEMENTS[:9]:
                found.append(str(element.value))
    return found


def untranslated(text: str) -> str:
    """What is left of a text once translated parts and names are taken away, if it still has a word of four letters."""
    rest = text
    while (shorter := NAMES.sub(" ", rest)) != rest:
        rest = shorter
    return rest.strip() if re.search(r"[A-Za-z]{4,}", rest) else ""


@pytest.mark.parametrize("name", PAGES)
def test_every_sentence_goes_through_gettext(marked, name):
    test = AppTest.from_file(str(REPOSITORY / "pages" / "navigation.py"), default_timeout=300).run()
    test.switch_page(f"{name}.py").run()
    assert not test.exception
    assert any("«" in text for text in texts(test))
    assert not [left for text in texts(test) if (left := untranslated(text))]


def test_the_language_follows_the_switch(tl_home):
    test = AppTest.from_file(str(REPOSITORY / "pages" / "navigation.py"), default_timeout=300).run()
    english = [title.value for title in test.title]
    test.session_state[i18n.KEY] = "zh"
    test.run()
    assert [title.value for title in test.title] != english
    assert any("\u4e00" <= letter <= "\u9fff" for title in test.title for letter in title.value)
