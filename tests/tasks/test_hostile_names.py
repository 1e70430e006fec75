"""Names that would do harm if anybody took them for more than names: what is handed out stays what it is.

What pages make of such names is looked at in `tests/pages/test_hostile.py` and, in a browser, in
`tests/browser/test_hostile_in_browser.py`; that models know their classes by them, in `test_taken_home.py`.
"""

import ast
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from pages.server.downloads import DOWNLOADS
from tests.images.data.drawing import jpeg
from tests.pages.test_routes import ask
from tests.tasks.image_classification import toys
from tests.tasks.text_classification import tiny
from tests.tasks.text_generation import folders
from tl_core.base import records
from tl_core.images.data import dataset as datasets
from tl_core.images.data.ingest import ingest
from tl_core.runs import store
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig
from tl_core.tasks.text_classification.config import DataConfig, EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_generation import card
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, labelled
from tl_core.text.pretrained import hub_format

HOSTILE = (
    '"""\nevil()\n"""',
    "'); evil() #",
    "{evil}%(evil)s",
    "../../../evil",
    "..\\evil",
    "/evil",
    "..",
    "[x](http://evil) **b** $m$ <img src=//evil>",
    "a\x00\x07\x1b[31m\r\nevil: 1",
    "\u202elive",
    "| evil |\n| --- |",
    "玫瑰",
    "evil" * 500,
)
FOLDER = '"""; evil() #\n\'{evil} [x](http:evil)'  # as a folder of this system may be called
WRITTEN = "\n\n".join(f"{name} said the {letter} fox." for name in HOSTILE[:8] for letter in "abcdefghijklmno")


def images(tmp: Path) -> registry.Config:
    """Pictures whose classes have such names, and weights in such a file."""
    files = [(f"{number}/{n}.jpg", jpeg(10 * number + n)) for number in range(len(HOSTILE)) for n in range(4)]
    made = ingest(files, name=HOSTILE[-1])
    for number, name in enumerate(HOSTILE):
        label = made.classes.index(str(number))
        made = datasets.relabel(made, [image.key for image in made.images if image.label == label], name)
    weights = toys.pretrained(tmp / f"{FOLDER}.weights.h5")
    return toys.config(made, backbone=BackboneConfig("mobilenet_0.25", weights, 128))


def texts(tmp: Path) -> registry.Config:
    """A text of such a name that says such things, such a prompt, and a model in such a folder."""
    base = tmp / FOLDER
    base.mkdir()
    text = corpus.paste(WRITTEN, name=HOSTILE[0])
    return TextConfig(text.id, str(folders.write(base)), prompt=" ".join(HOSTILE), context=16)


def opinions(tmp: Path) -> registry.Config:
    """Texts of such classes that say such things, and an encoder in such a folder."""
    rows = [(f"{name} {n}", name, None, f"{name} {n}") for name in HOSTILE for n in range(4)]
    made = labelled.from_rows(rows, name=HOSTILE[0])
    return TextClassificationConfig(DataConfig(made.id, 0.3), EncoderConfig(str(tiny.write(tmp / FOLDER)), length=16))


CASES: dict[str, Callable[[Path], registry.Config]] = {
    "image_classification": images,
    "text_generation": texts,
    "text_classification": opinions,
}


@pytest.fixture(params=CASES)
def run(request, tl_home, tmp_path) -> store.Run:
    """A run of each task with such names in all places."""
    return store.create(CASES[request.param](tmp_path), owner="", name=HOSTILE[0] + HOSTILE[8])


def test_a_script_holds_names_as_words_alone_and_its_files_stay_in_their_folder(run: store.Run):
    status, headers, body = ask("GET", f"/tl/code/{run.id}", routes=DOWNLOADS)
    assert status == 200
    harmless(headers)
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        names = packed.namelist()
        script = ast.parse(packed.read("train.py"))
    assert len(names) == len(set(names))
    for name in names:
        assert not name.startswith("/") and "\\" not in name and ".." not in PurePosixPath(name).parts
        assert name.isprintable(), "no sign that moves a terminal's or a reader's eye"
        assert all(len(part.encode()) <= 255 for part in PurePosixPath(name).parts), "a file system takes it"
    spoken = {node.id for node in ast.walk(script) if isinstance(node, ast.Name)}
    spoken |= {node.attr for node in ast.walk(script) if isinstance(node, ast.Attribute)}
    assert "keras" in spoken and not [word for word in spoken if "evil" in word]
    assert "evil" not in (ast.get_docstring(script) or "")


def test_a_folder_taken_home_has_a_plain_name_and_a_config_that_is_read_as_it_was(run: store.Run):
    status, headers, _body = ask("GET", f"/tl/run/{run.id}", routes=DOWNLOADS)
    assert status == 200
    harmless(headers)
    assert registry.config(records.load(run.folder / "config.json")) == run.config


def harmless(headers: dict[str, str]) -> None:
    """The name under which a browser keeps a download is one word of plain signs."""
    said = headers["content-disposition"]
    assert re.fullmatch(r"""attachment; filename(?:="[\w.-]{1,120}"|\*=utf-8''[\w.%-]{1,400})""", said), said


def test_a_card_says_nothing_of_them(tl_home, tmp_path):
    config = texts(tmp_path)
    said = card.card(hub_format.read_shape(Path(config.model)), replace(config, context=32), {"perplexity": 2.0})
    assert "evil" not in said and "\x1b" not in said
