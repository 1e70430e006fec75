"""The download routes: a run's model and its folder, whole, under a name that says which run it is."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from pages.server.downloads import DOWNLOADS
from pages.ui.visitors import COOKIE
from tests.pages import test_routes
from tests.pages.made import ME, SECRET, drawn, recipe, run_of
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.runs import store
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.progress import Sample
from tl_core.text.data import corpus, samples

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


def test_what_leaves_the_server_names_nobody(get, run):
    _status, _headers, body = get(f"/tl/run/{run.id}")
    packed = zipfile.ZipFile(io.BytesIO(body))
    for name in packed.namelist():
        assert SECRET.encode() not in packed.read(name), name
        assert ME.encode() not in packed.read(name), name
    assert store.get(run.id).owner == ME


@pytest.mark.parametrize("cookie", ["", SECRET, "somebody-else"])
def test_what_shows_a_private_text_is_for_its_owner_alone(cookie):
    text = corpus.paste("The fox and the hen.", name="Diary", owner=ME)
    run = run_of(TextConfig(text.id), Sample(text="the fox").event())
    (run.folder / "model").mkdir()
    (run.folder / "model" / "model.safetensors").write_bytes(b"weights")
    (run.folder / "hub-format.zip").write_bytes(b"zip")
    (run.folder / "keras-hub-preset.zip").write_bytes(b"zip")
    headers = {"cookie": f"{COOKIE}={cookie}", "x-forwarded-for": "10.0.0.9"}
    for path in (f"/tl/run/{run.id}", f"/tl/model/{run.id}/hub", f"/tl/model/{run.id}"):
        status, _headers, _body = test_routes.ask("GET", path, headers=headers, routes=DOWNLOADS)
        assert status == (200 if cookie == SECRET else 404), path


def test_a_text_that_the_app_wrote_may_be_taken_home_by_all(get):
    run = run_of(TextConfig(samples.bring_in("lesson", ME).id), owner="somebody")
    assert get(f"/tl/run/{run.id}")[0] == 200


def test_the_script_comes_with_its_pictures_by_part_and_class(get):
    dataset = drawn()
    run = run_of(recipe(dataset), name="Seeing")
    status, headers, body = get(f"/tl/code/{run.id}")
    assert status == 200
    assert f'filename="Seeing-{run.id}-script.zip"' in headers["content-disposition"]
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert "train.py" in names
    pictures = [name for name in names if name.endswith(".jpg")]
    assert {name.rsplit("/", 1)[0] for name in pictures} == {
        f"{part}/{name}" for part in ("training", "validation") for name in dataset.classes
    }
    assert len(pictures) == len(set(pictures)) <= len(dataset.images)
    datasets.delete(dataset.id)
    assert get(f"/tl/code/{run.id}")[0] == 404


@pytest.mark.parametrize(
    "log",
    [events.Phase(phase="head", precision="mixed_bfloat16"), events.Started(precision="mixed_bfloat16")],
    ids=["now", "earlier versions"],
)
def test_the_script_computes_in_the_precision_that_the_run_chose(get, log):
    run = run_of(recipe(drawn()))
    assert run.config.precision == "auto"
    events.append(run.log, log)
    script = zipfile.ZipFile(io.BytesIO(get(f"/tl/code/{run.id}")[2])).read("train.py").decode()
    assert 'keras.config.set_dtype_policy("mixed_bfloat16")' in script


@pytest.mark.parametrize("cookie", ["", SECRET])
def test_the_script_of_a_private_text_comes_with_the_text_for_its_owner_alone(cookie):
    text = corpus.paste("The fox and the hen. " * 60, name="Diary", owner=ME)
    run = run_of(TextConfig(text.id))
    headers = {"cookie": f"{COOKIE}={cookie}", "x-forwarded-for": "10.0.0.9"}
    status, _headers, body = test_routes.ask("GET", f"/tl/code/{run.id}", headers=headers, routes=DOWNLOADS)
    assert status == (200 if cookie == SECRET else 404)
    if status == 200:
        packed = zipfile.ZipFile(io.BytesIO(body))
        assert packed.read("training.txt").decode() + packed.read("validation.txt").decode() == text.text
        assert "base/model.safetensors" in packed.namelist()
