"""Keep the translations in step with the code: `python -m tests.translations` rewrites the `.po` files.

New sentences are added untranslated, sentences that are gone are dropped; `tests/test_translations.py` then fails
until a person has translated what is new.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "assets" / "translations"
KEYWORDS = {"_": None, "N_": None, "message": None, "ngettext": (1, 2)}
WIDTH = 110


def sentences() -> Catalog:
    """Everything in the code that is marked for translation."""
    found = Catalog(project="Transfer learning lab", charset="utf-8")
    for part in ("pages", "tl_core"):
        folder = REPOSITORY / part
        for name, line, text, comments, _context in extract_from_dir(
            folder, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            found.add(text, locations=[(f"{part}/{name}", line)], auto_comments=comments)
    return found


def stored(path: Path) -> Catalog:
    """A `.po` file."""
    with open(path, "rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def po_files() -> list[Path]:
    """The languages beside English."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))


def main() -> None:
    """Merge what the code says into every `.po` file."""
    for path in po_files():
        catalog = stored(path)
        catalog.update(sentences(), no_fuzzy_matching=True)
        text = io.BytesIO()
        write_po(text, catalog, width=WIDTH, ignore_obsolete=True, omit_header=False, include_lineno=False)
        path.write_bytes(text.getvalue())
        missing = sum(1 for entry in catalog if entry.id and not _complete(entry.string))
        print(f"{path.relative_to(REPOSITORY)}: {len(catalog)} sentences, {missing} untranslated")


def _complete(text: str | tuple | list) -> bool:
    return all(text) if isinstance(text, (tuple, list)) else bool(text)


if __name__ == "__main__":
    main()
