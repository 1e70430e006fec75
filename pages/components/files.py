"""The files of a component: its style sheet, and its JavaScript joined with what that imports.

Streamlit takes one module as a text. A component is written as several, as a browser or node would load them, and put
together here: each file once, after those that it imports, without the words `import` and `export`. All files of a
component therefore share one set of names at their top level.
"""

import re
from pathlib import Path
from typing import TypedDict

FOLDER = Path(__file__).resolve().parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+\.js)"\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


class Files(TypedDict):
    """What `st.components.v2.component` takes: a style sheet, and one module of JavaScript."""

    css: str
    js: str


def component_files(name: str) -> Files:
    """The files of the component whose folder is `name`; read at every call, which is once, on import."""
    folder = FOLDER / name
    css = (folder / f"{name}.css").read_text(encoding="utf-8")
    return {"css": css, "js": "\n".join(_EXPORT.sub("", text) for text in _modules(folder / f"{name}.js", set()))}


def _modules(path: Path, seen: set[Path]) -> list[str]:
    """The file, after all that it imports and that is not yet seen; what imports each other comes as it is met."""
    seen.add(path)
    text = path.read_text(encoding="utf-8")
    wanted = [(path.parent / name).resolve() for name in _IMPORT.findall(text)]
    before = [module for file in wanted if file not in seen for module in _modules(file, seen)]
    return [*before, _IMPORT.sub("", text)]
