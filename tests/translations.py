"""Keep the translations in step with the code: `python -m tests.translations` rewrites the `.po` files.

New sentences are added untranslated, sentences that are gone are dropped; `tests/test_translations.py` then fails
until a person has translated what is new.
"""

import ast
import io
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "assets" / "translations"
KEYWORDS = {"_": 1, "N_": 1, "message": 1, "ngettext": 2}  # function -> how many texts it takes
WIDTH = 110


def sentences() -> Catalog:
    """Everything in the code that is marked for translation.

    Read from the syntax tree: Babel's own reader of Python 3.11 does not see calls inside f-strings.
    """
    found = Catalog(project="Transfer learning lab", charset="utf-8")
    for path in sorted([*(REPOSITORY / "pages").rglob("*.py"), *(REPOSITORY / "tl_core").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS):
                continue
            texts = [text.value for text in node.args[: KEYWORDS[node.func.id]] if isinstance(text, ast.Constant)]
            if len(texts) == KEYWORDS[node.func.id] and all(isinstance(text, str) for text in texts):
                where = [(path.relative_to(REPOSITORY).as_posix(), node.lineno)]
                found.add(tuple(texts) if len(texts) > 1 else texts[0], locations=where)
    return found


def stored(path: Path) -> Catalog:
    """A `.po` file."""
    with open(path, "rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def po_files(domain: str = "messages") -> list[Path]:
    """The languages beside English: our sentences, or ("imagenet") the names of ImageNet's classes."""
    return sorted(FOLDER.glob(f"*/LC_MESSAGES/{domain}.po"))


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
