"""The download routes: a run's model and its folder, whole, under a name that says which run it is."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from pages.server.downloads import DOWNLOADS
from tests.pages import test_routes
from tests.pages.made import drawn, recipe, run_of

pytestmark = pytest.mark.usefixtures("tl_home")


@pytest.fixture
def get():
    return lambda path: test_routes.ask("GET", path, routes=DOWNLOADS)


@pytest.fixture
def run():
    made = run_of(recipe(drawn()), name="Lesson 1: roses/tulips?")
    (made.folder / "model.keras").write_bytes(b"model" * 1000)
    (made.folder / "checkpoint").mkdir()
    (made.folder / "checkpoint" / "state").write_bytes(b"large")
    return made


def test_the_model_comes_as_it_lies_on_the_disk(get, run):
    status, headers, body = get(f"/tl/model/{run.id}")
    assert status == 200
    assert body == b"model" * 1000
    assert f'filename="Lesson-1-roses-tulips-{run.id}.keras"' in headers["content-disposition"]


def test_the_folder_comes_as_a_zip_without_checkpoints_and_leaves_nothing_behind(get, run, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    status, headers, body = get(f"/tl/run/{run.id}")
    assert status == 200
    assert headers["content-type"] == "application/zip"
    names = {Path(name).name for name in zipfile.ZipFile(io.BytesIO(body)).namelist()}
    assert {"config.json", "meta.json", "events.jsonl", "model.keras"} <= names
    assert "state" not in names
    assert set(tmp_path.iterdir()) == before


def test_a_name_in_another_script_is_kept(get):
    run = run_of(recipe(drawn()), name="玫瑰")
    (run.folder / "model.keras").write_bytes(b"m")
    _status, headers, _body = get(f"/tl/model/{run.id}")
    assert "%E7%8E%AB%E7%91%B0" in headers["content-disposition"]


@pytest.mark.parametrize("path", ["/tl/model/20200101-000000-abcdef", "/tl/run/20200101-000000-abcdef", "/tl/run/.."])
def test_what_is_not_there_is_not_found(get, path):
    assert get(path)[0] == 404


def test_a_run_without_a_model_has_none_to_give(get):
    assert get(f"/tl/model/{run_of(recipe(drawn())).id}")[0] == 404
