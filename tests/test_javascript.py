"""The components' JavaScript: unit tests that node runs, a lint, and what Python makes of the files."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import playwright
import pytest

from pages.components.files import FOLDER, component_files
from tests.conftest import REPOSITORY
from tests.javascript import lint

FILES = sorted(FOLDER.rglob("*.js"))
COMPONENTS = sorted(path.parent.name for path in FILES if path.stem == path.parent.name)
UNIT_TESTS = sorted((REPOSITORY / "tests" / "javascript").glob("*.test.mjs"))
PLAYWRIGHT = Path(playwright.__file__).parent / "driver" / "node"  # the browser tests bring a node of their own
NAMES = [path.relative_to(FOLDER).as_posix() for path in FILES]


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node") or (str(PLAYWRIGHT) if os.access(PLAYWRIGHT, os.X_OK) else "")
    if not found:
        pytest.skip("NO NODE: the JavaScript was neither checked nor tested (Debian: apt install nodejs)")
    return found


def _run(*command: object, text: str = "") -> str:
    done = subprocess.run(
        [str(part) for part in command], input=text, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name)
def test_the_unit_tests_pass(node: str, path: Path):
    said = _run(node, "--test", "--test-reporter=tap", path)
    assert int(re.search(r"^# pass (\d+)$", said, re.MULTILINE)[1]) >= 2, said  # a file without tests would pass too


def test_a_unit_test_that_fails_is_seen(node: str, tmp_path: Path):
    path = tmp_path / "bad.test.mjs"
    path.write_text('import assert from "node:assert/strict"\nimport { test } from "node:test"\n')
    with path.open("a") as file:
        file.write('test("one is two", () => assert.equal(1, 2))\n')
    with pytest.raises(AssertionError, match="one is two"):
        _run(node, "--test", "--test-reporter=tap", path)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_file_is_a_module(node: str, path: Path):
    _run(node, "--check", path)


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_streamlit_is_given_is_one_module_with_one_default(node: str, tmp_path: Path, name: str):
    joined = component_files(name)["js"]
    path = tmp_path / "joined.mjs"
    path.write_text(joined, encoding="utf-8")
    _run(node, "--check", path)  # two files of a component with the same name at their top level are an error here
    assert re.findall(r"^(?:import|export)\b.*?\b(?=function|\{)", joined, re.MULTILINE) == ["export default "]
    assert joined.count("function element(") == 1


def test_a_folder_of_components_has_javascript_css_and_python():
    for others in ("*/*.css", "*/__init__.py"):
        assert sorted(path.parent.name for path in FOLDER.glob(others)) == COMPONENTS


def test_a_zip_is_byte_for_byte_that_of_python(node: str, tmp_path: Path):
    files = {
        "花/雏菊/1.jpg": b"\xff\xd8\xff" + bytes(range(256)) * 300,
        "花/玫瑰/é.jpg": b"x",
        "花/空/": b"",
    }
    packing = (FOLDER / "drop" / "packing.js").as_uri()
    program = f"""
        import {{ readFileSync }} from "node:fs"
        import {{ packed }} from "{packing}"
        const given = Object.entries(JSON.parse(readFileSync(0, "utf8")))
        const files = given.map(([path, hex]) => ({{ path, file: new Blob([Buffer.from(hex, "hex")]) }}))
        const blob = await packed(files, (path) => {{ throw new Error(path) }})
        process.stdout.write(Buffer.from(await blob.arrayBuffer()).toString("hex"))"""
    given = json.dumps({path: data.hex() for path, data in files.items()})
    made = bytes.fromhex(_run(node, "--input-type=module", "-e", program, text=given))
    assert made == _zipped(files)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def _zipped(files: dict[str, bytes]) -> bytes:
    """What Python's own writer makes of the files: stored, of 1 January 1980, made on no particular system."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)
            entry.create_system = 0
            archive.writestr(entry, data)
            entry.external_attr = 0
    return out.getvalue()


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_lint_finds_nothing(path: Path):
    code = path.read_text(encoding="utf-8")
    assert not lint.faults(code)
    assert path.name == "shared.js" or "createElement" not in code, "element() and icon() of shared.js"


def test_what_is_exported_is_imported_somewhere():
    wanted = set()
    for path in [*FILES, *UNIT_TESTS]:
        for name, file in lint.imported(path.read_text(encoding="utf-8")).items():
            wanted.add(((path.parent / file).resolve(), name))
    offered = {(path, name) for path in FILES for name in lint.exported(path.read_text(encoding="utf-8"))}
    assert offered <= wanted, offered - wanted


@pytest.mark.parametrize(
    "code",
    [
        "node.innerHTML = text",
        "node.insertAdjacentHTML('beforeend', text)",
        "eval(text)",
        "export const f = (a) => a == 1",
        "export const f = (a) => `${a != 1}`",
        "export function f() { var a = 1 }",
        "console.log(1)",
        "const unused = 1",
        "function unused() {}",
        'import { unused } from "./a.js"',
        "export const f = () => forgotten()",
        "export const f = () => [...forgotten(1)]",
        "export const f = () => FORGOTTEN.length",
        "export const f = (a) => a.replace(/'/g, `${forgotten(a)}`)",
    ],
)
def test_a_fault_is_seen(code: str):
    assert lint.faults(code), code


@pytest.mark.parametrize(
    "code",
    [
        "export const f = (a) => a === 1 && a !== 2 && a <= 3 && a >= 4",
        "export const f = () => 'a == b; var c; eval(d)' // console.log(unknown())",
        'export const f = (a) => a.replace(/"|[/"]/g, "").split("/ eval( /")',
        "export const f = (one, { two }) => one(two(`unknown(${one(1)}) == {`))",
        "const used = () => 1\nexport const f = () => used()",
        "/* var\n == */\nexport function f(call) {\n  for (const [a] of call()) call(a / 2 / 3)\n}",
    ],
)
def test_nothing_is_seen_where_nothing_is_wrong(code: str):
    assert not lint.faults(code)
