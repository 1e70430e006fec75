"""The directions of the architecture, and the style that every file keeps."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

HEAVY = {"tensorflow", "keras", "keras_hub", "transformers", "torch", "jax"}
TL_CORE = sorted((REPOSITORY / "tl_core").rglob("*.py"))
PAGES = [REPOSITORY / "app.py", *sorted((REPOSITORY / "pages").rglob("*.py"))]


def _imported(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules |= {node.module, *(name for name in inside if _is_own_module(name))}
    return modules


def _is_own_module(name: str) -> bool:
    path = REPOSITORY.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize("path", TL_CORE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_tl_core_knows_neither_streamlit_nor_the_pages(path: Path):
    assert not {name.split(".")[0] for name in _imported(path)} & {"streamlit", "pages", "app"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_pages_import_no_framework(path: Path):
    assert not {name.split(".")[0] for name in _imported(path)} & HEAVY


RUNS = ("tl_core.runs", "tl_core.engine", "tl_core.recordings", "tl_core.offline", "tl_core.pretrain", "tl_core.bench")
FORBIDDEN = {  # package -> what it does not know
    "base": ("tl_core.images", "tl_core.text", "tl_core.training", "tl_core.tasks", "tl_core.charts", *RUNS),
    "images": ("tl_core.text", "tl_core.training", "tl_core.tasks", *RUNS),
    "text": ("tl_core.images", "tl_core.training", "tl_core.tasks", *RUNS),
    "training": ("tl_core.images", "tl_core.text", "tl_core.tasks", *RUNS),
    "tasks/image_classification": ("tl_core.text", "tl_core.tasks.text", "tl_core.tasks.registry", *RUNS),
    "tasks/text_generation": ("tl_core.images", "tl_core.tasks.image", "tl_core.tasks.registry", *RUNS),
}


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_package_knows_nothing_of_those_above_it(part: str):
    for path in (REPOSITORY / "tl_core" / part).rglob("*.py"):
        assert not [name for name in _imported(path) if name.startswith(FORBIDDEN[part])], path


def test_everything_the_pages_import_comes_up_without_tensorflow():
    modules = sorted({name for path in PAGES for name in _imported(path) if name.startswith("tl_core")})
    assert {"tl_core.tasks.text_generation.sampling", "tl_core.engine.client"} <= set(modules)
    _come_up_without_tensorflow(modules)


def test_the_engine_answers_before_it_loads_tensorflow_and_the_worker_takes_its_lock():
    _come_up_without_tensorflow(["tl_core.engine.server", "tl_core.runs.worker", "tl_core.__main__"])


def _come_up_without_tensorflow(modules: list[str]):
    program = f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    program += f"heavy = {HEAVY!r} & set(sys.modules)\nassert not heavy, heavy"
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


RENDERED = {
    "title",
    "header",
    "subheader",
    "markdown",
    "caption",
    "info",
    "warning",
    "error",
    "success",
    "toast",
    "write",
}


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name != "markdown.py"], ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_what_is_rendered_as_markdown_comes_from_the_module_that_escapes(path: Path):
    """`show` leaves the values of a message as they are: it is for charts, tables and alternative texts."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            assert not _calls(node, "show"), f"line {node.lineno}: show() in an f-string; use sentence() or problem()"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RENDERED:
            assert not any(_calls(argument, "show") for argument in node.args), f"line {node.lineno}: use sentence()"


def _calls(node: ast.AST, name: str) -> bool:
    return any(isinstance(item, ast.Call) and getattr(item.func, "id", "") == name for item in ast.walk(node))


def test_top_level_holds_only_what_belongs_there():
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("NOT A GIT CHECKOUT: the list of tracked files is not to be had")
    top = {name.split("/")[0] for name in tracked.stdout.splitlines()}
    allowed = {"app.py", "pages", "tl_core", "assets", "tests", "requirements.txt", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= allowed


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff_is_clean(command: tuple[str, ...]):
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "."], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
