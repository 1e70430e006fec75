"""Keep the translations in step with the code: `python -m tests.translations` rewrites the `.po` files.

Each package and each task has a catalogue of its own; a sentence that stands in two of them is in both, translated
once. New sentences are added untranslated, sentences that are gone are dropped; `tests/test_translations.py` then
fails until a person has translated what is new.
"""

import ast
import io
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "assets" / "translations"
KEYWORDS = {"_": 1, "N_": 1, "message": 1, "ngettext": 2}  # function -> how many texts it takes
WIDTH = 110
MADE = datetime(2026, 11, 27, tzinfo=UTC)  # the same in every catalogue: a date of its own would be a change each time


def package(path: Path) -> str:
    """The package whose catalogue has a file's sentences: a task, a folder of `pages` or `tl_core`, or one of these."""
    folders = path.relative_to(REPOSITORY).parent.parts
    return ".".join(folders[: 3 if folders[1:2] == ("tasks",) else 2])


def sentences() -> dict[str, Catalog]:
    """Everything in the code that is marked for translation, by package.

    Read from the syntax tree: Babel's own reader of Python 3.11 does not see calls inside f-strings.
    """
    found: dict[str, Catalog] = defaultdict(_empty)
    for path in sorted([*(REPOSITORY / "pages").rglob("*.py"), *(REPOSITORY / "tl_core").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS):
                continue
            texts = [text.value for text in node.args[: KEYWORDS[node.func.id]] if isinstance(text, ast.Constant)]
            if len(texts) == KEYWORDS[node.func.id] and all(isinstance(text, str) for text in texts):
                where = [(path.relative_to(REPOSITORY).as_posix(), node.lineno)]
                found[package(path)].add(tuple(texts) if len(texts) > 1 else texts[0], locations=where)
    return found


def languages() -> list[Path]:
    """The folders of the languages beside English."""
    return sorted(FOLDER.glob("*/LC_MESSAGES"))


def stored(path: Path) -> Catalog:
    """A `.po` file."""
    with open(path, "rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def catalogues(language: Path) -> dict[str, Catalog]:
    """What is translated into a language, by package; not the names of ImageNet's classes."""
    return {path.stem: stored(path) for path in sorted(language.glob("*.po")) if path.stem != "imagenet"}


def main() -> None:
    """Merge what the code says into every `.po` file."""
    found = sentences()
    for language in languages():
        old = catalogues(language)
        known = {
            entry.id: entry for catalog in old.values() for entry in catalog if entry.id and complete(entry.string)
        }
        missing = 0
        for name, new in found.items():
            catalog = old.get(name) or _empty(language.parent.name)
            catalog.update(new, no_fuzzy_matching=True)
            for entry in catalog:
                if entry.id in known and not complete(entry.string):
                    entry.string = known[entry.id].string
                missing += bool(entry.id) and not complete(entry.string)
            text = io.BytesIO()
            write_po(text, catalog, width=WIDTH, ignore_obsolete=True, omit_header=False, include_lineno=False)
            (language / f"{name}.po").write_bytes(text.getvalue())
        for name in old.keys() - found.keys():
            (language / f"{name}.po").unlink()
        print(f"{language.parent.name}: {len(found)} catalogues, {missing} sentences untranslated")


def complete(text: str | tuple | list) -> bool:
    """Whether a translation is there, in all its forms."""
    return all(text) if isinstance(text, (tuple, list)) else bool(text)


def _empty(locale: str | None = None) -> Catalog:
    return Catalog(
        locale,
        header_comment="# What the app says.",
        project="Transfer learning lab",
        charset="utf-8",
        creation_date=MADE,
        revision_date=MADE,
        fuzzy=False,
    )


if __name__ == "__main__":
    main()
