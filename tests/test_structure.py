"""The directions of the architecture, and the style that every file keeps."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.registry import PAGES as PAGES_IN_MENU
from pages.tasks import registry as pages_registry
from tests.conftest import REPOSITORY
from tl_core.tasks import registry
from tl_core.tasks.registry import LABS, TASKS

HEAVY = {"tensorflow", "keras", "keras_hub", "transformers", "torch", "jax"}
TL_CORE = sorted((REPOSITORY / "tl_core").rglob("*.py"))
INITS = [path for folder in ("tl_core", "pages") for path in sorted((REPOSITORY / folder).rglob("__init__.py"))]
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


RUNS = (
    "tl_core.runs",
    "tl_core.experiments",
    "tl_core.engine",
    "tl_core.recordings",
    "tl_core.offline",
    "tl_core.pretrain",
    "tl_core.bench",
)
FORBIDDEN = {  # package -> what it does not know
    "base": ("tl_core.images", "tl_core.text", "tl_core.training", "tl_core.tasks", "tl_core.charts", *RUNS),
    "images": ("tl_core.text", "tl_core.training", "tl_core.tasks", *RUNS),
    "text": ("tl_core.images", "tl_core.training", "tl_core.tasks", *RUNS),
    "classification": ("tl_core.images", "tl_core.text", "tl_core.tasks", *RUNS),
    "training": ("tl_core.images", "tl_core.text", "tl_core.tasks", *RUNS),
    "labs": ("tl_core.tasks.text_generation", "tl_core.tasks.registry", "tl_core.charts", *RUNS),
    "labs/cut": ("tl_core.text", "tl_core.tasks.text"),  # of a lab on pictures a lab on texts uses what knows neither
    "labs/labels": ("tl_core.text", "tl_core.tasks.text"),
    "labs/sources": ("tl_core.text", "tl_core.tasks.text"),
    "labs/cut_texts": ("tl_core.images", "tl_core.tasks.image"),
    "tasks/image_classification": ("tl_core.text", "tl_core.tasks.text", "tl_core.tasks.registry", *RUNS),
    "tasks/text_generation": (
        "tl_core.images",
        "tl_core.tasks.image",
        "tl_core.tasks.text_classification",
        "tl_core.tasks.registry",
        *RUNS,
    ),
    "tasks/text_classification": (
        "tl_core.images",
        "tl_core.tasks.image",
        "tl_core.tasks.text_generation",
        "tl_core.tasks.registry",
        *RUNS,
    ),
}


PAGES_FORBIDDEN = {  # likewise among the pages; the registry of the tasks is not a task
    "ui": ("pages.registry", "pages.components", "pages.material", "pages.experiments", "pages.tasks", "pages.server"),
    "components": ("pages.material", "pages.experiments", "pages.tasks", "pages.server"),
    "server": ("pages.components", "pages.material", "pages.experiments", "pages.tasks"),
    "material": ("pages.experiments", "pages.tasks"),
    "experiments": ("pages.tasks.image", "pages.tasks.text", "pages.labs"),
    "labs": ("pages.tasks.text_generation",),  # a lab on pictures or on texts asks that task for its words
    "tasks/image_classification": ("pages.tasks.text",),
    "tasks/text_generation": ("pages.tasks.image", "pages.tasks.text_classification"),
    "tasks/text_classification": ("pages.tasks.image", "pages.tasks.text_generation"),
}


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_package_knows_nothing_of_those_above_it(part: str):
    for path in (REPOSITORY / "tl_core" / part).rglob("*.py"):
        assert not [name for name in _imported(path) if name.startswith(FORBIDDEN[part])], path


@pytest.mark.parametrize("part", PAGES_FORBIDDEN)
def test_a_package_of_pages_knows_nothing_of_those_above_it(part: str):
    for path in (REPOSITORY / "pages" / part).rglob("*.py"):
        assert not [name for name in _imported(path) if name.startswith(PAGES_FORBIDDEN[part])], path


@pytest.mark.parametrize("path", INITS, ids=lambda path: str(path.parent.relative_to(REPOSITORY)))
def test_a_package_says_in_a_line_what_it_is_for_and_what_it_does_not_know(path: Path):
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]
    assert re.search(r"[.!:] .*[Kk]nows no .+\.$", first), first


def test_the_engine_knows_no_task():
    """It asks the registry; only what the pages ask by name names them."""
    for path in (REPOSITORY / "tl_core" / "engine").glob("*.py"):
        named = [name for name in _imported(path) if name.startswith("tl_core.tasks.")]
        named = [name for name in named if not name.startswith("tl_core.tasks.registry")]
        assert not named or path.name == "client.py", path


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


def test_the_rooms_that_pages_open_come_up_without_tensorflow():
    light = [room for room in registry.ROOMS if room not in registry.HEAVY]
    modules = [f"tl_core.tasks.{task.name}.{room}" for task in TASKS.values() for room in light]
    modules += [f"pages.tasks.{task.name}.{room}" for task in TASKS.values() for room in pages_registry.ROOMS]
    light = [room for room in registry.LAB_ROOMS if room not in registry.HEAVY]
    modules += [f"tl_core.labs.{lab.name}.{room}" for lab in LABS.values() for room in light]
    modules += [f"pages.labs.{lab.name}.{room}" for lab in LABS.values() for room in pages_registry.LAB_ROOMS]
    _come_up_without_tensorflow(modules)


@pytest.mark.parametrize("room", registry.ROOMS)
@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_the_same_rooms(task: registry.Task, room: str):
    module = task.room(room)
    assert not [name for name in registry.ROOMS[room] if not hasattr(module, name)], module


@pytest.mark.parametrize("room", pages_registry.ROOMS)
@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_the_same_rooms_among_the_pages(task: registry.Task, room: str):
    module = pages_registry.room(task, room)
    assert not [name for name in pages_registry.ROOMS[room] if not hasattr(module, name)], module


@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.name)
def test_every_lab_has_its_rooms_and_a_page_of_its_name(lab: registry.Task):
    for asked, opened in (
        (registry.LAB_ROOMS, lab.room),
        (pages_registry.LAB_ROOMS, lambda room: pages_registry.room(lab, room)),
    ):
        for room, names in asked.items():
            assert not [name for name in names if not hasattr(opened(room), name)], room
    assert lab.name in PAGES_IN_MENU


def test_the_folders_of_tasks_and_labs_are_those_of_the_registry():
    for folder in ("tl_core", "pages"):
        for kind, rows in (("tasks", TASKS), ("labs", LABS)):
            found = {path.parent.name for path in (REPOSITORY / folder / kind).glob("*/__init__.py")}
            assert found == {row.name for row in rows.values()}


KINDS = {*TASKS, *(task.name for task in TASKS.values())}
CONFIGS = {task.config.__name__ for task in TASKS.values()}
OUTSIDE = [
    path
    for path in [*TL_CORE, *PAGES]
    if not {"tasks", "pretrain"} & set(path.relative_to(REPOSITORY).parts[1:-1])  # what is pretrained is a modality's
]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_outside_the_tasks_nothing_depends_on_which_task_it_is(path: Path):
    found = switches(path.read_text())
    assert not found, f"{path}: what differs between tasks is a member of the task: lines {found}"


@pytest.mark.parametrize(
    "code",
    [
        'if run.config.kind == "text": pass',
        'x = 1 if "image" != kind else 2',
        'x = kind in ("text", "sound")',
        "x = of(run.config).kind == other.config.kind",
        "x = isinstance(run.config, RunConfig)",
        "x = isinstance(run.config, (config.TextConfig, int))",
        "match kind:\n    case 'text': pass",
        "match config:\n    case TextConfig(): pass",
        'x = {"image": 1, "text": 2}[kind]',
    ],
)
def test_a_switch_over_tasks_is_seen(code: str):
    assert switches(code)


def switches(code: str) -> list[int]:
    """The lines on which something depends on which task it is."""
    return [node.lineno for node in ast.walk(ast.parse(code)) if _switches(node)]


def _switches(node: ast.AST) -> bool:
    match node:
        case ast.Compare():
            sides = [part for side in (node.left, *node.comparators) for part in (side, *getattr(side, "elts", ()))]
            return any(_is_kind(side) or _kind_of_a_config(side) for side in sides)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, types]):
            return bool(CONFIGS & {_last_name(part) for part in (types, *getattr(types, "elts", ()))})
        case ast.Match():
            patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
            values = [part.value for part in patterns if isinstance(part, ast.MatchValue)]
            classes = [_last_name(part.cls) for part in patterns if isinstance(part, ast.MatchClass)]
            return any(map(_is_kind, values)) or bool(CONFIGS & set(classes))
        case ast.Dict():
            return len([key for key in node.keys if key and _is_kind(key)]) > 1
    return False


def _is_kind(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in KINDS


def _kind_of_a_config(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "kind" and _last_name(node.value) == "config"


def _last_name(node: ast.AST) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


MODULES = {".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path for path in [*TL_CORE, *PAGES]}


def test_no_file_imports_in_a_circle():
    assert not circles(_at_import({name: name.removesuffix(".__init__") for name in MODULES}))


def test_no_package_imports_in_a_circle():
    """A task is a package of its own; other inner packages are parts of theirs, and what lies outside stands alone."""
    packages = {}
    for name in MODULES:
        folder = name.split(".")[:-1]
        deep = 3 if "tasks" in folder else 2
        packages[name] = ".".join(folder[:deep]) if len(folder) >= deep else name
    assert not circles(_at_import(packages))


def test_a_circle_is_seen():
    found = circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()})
    assert found == [{"a", "b", "c"}]


def _at_import(groups: dict[str, str]) -> dict[str, set[str]]:
    """Group -> the groups that it imports when it is imported itself; not what a function imports on use."""
    known = {name.removesuffix(".__init__"): group for name, group in groups.items()}
    graph: dict[str, set[str]] = {group: set() for group in groups.values()}
    for name, group in groups.items():
        for node in _at_module_level(ast.parse(MODULES[name].read_text())):
            wanted = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [one if one in known else node.module for one in inside]
            graph[group] |= {known[one] for one in wanted if one in known} - {group}
    return graph


def _at_module_level(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _at_module_level(node)


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Groups of nodes each of which is reached from each other."""
    reached = {start: _reached(graph, start) for start in graph}
    found: list[set[str]] = []
    for start, ends in reached.items():
        circle = {end for end in ends if start in reached[end]}
        if circle and circle not in found:
            found.append(circle)
    return found


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """All nodes at the end of a way that begins at `start`, itself only where a way leads back."""
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += graph[node]
    return seen


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
