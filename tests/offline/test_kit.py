"""Class kits: packed here, carried away, installed there, checked all the way."""

import dataclasses
import hashlib
import json
import os
import shutil

import pytest

from tests.tasks.text_generation import folders
from tl_core import __main__ as command_line
from tl_core.base import paths
from tl_core.base.errors import Stopped, UserError
from tl_core.images.pretrained import weights
from tl_core.offline import fetch, kit
from tl_core.text.pretrained import hub, registry
from tl_core.text.pretrained.hub_format import FILES

WEIGHTS, DATA = os.urandom(3_000_000), os.urandom(1_200_000)


@pytest.fixture
def here(tl_home, tmp_path, monkeypatch):
    """A computer that has a weights file and a sample archive."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    weights.cache_folder().mkdir(parents=True)
    (weights.cache_folder() / "net.h5").write_bytes(WEIGHTS)
    (paths.samples() / "photos.zip").write_bytes(DATA)
    return [("weights", weights.cache_folder() / "net.h5"), ("samples", paths.samples() / "photos.zip")]


def elsewhere(tmp_path, monkeypatch):
    """Another computer, with nothing."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "other-keras"))
    monkeypatch.setenv("TL_HOME", str(tmp_path / "other-home"))


def test_what_is_packed_here_is_installed_there(here, tmp_path, monkeypatch):
    told = []
    items = kit.pack(here, tmp_path / "stick", lambda *done: told.append(done))
    assert [(item.path, item.size) for item in items] == [
        ("weights/net.h5", 3_000_000),
        ("samples/photos.zip", 1_200_000),
    ]
    assert items[0].sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert told[-1] == (4_200_000, 4_200_000) and told == sorted(told)
    assert {path.name for path in (tmp_path / "stick").rglob("*") if path.is_file()} == {
        "kit.json",
        "net.h5",
        "photos.zip",
    }
    elsewhere(tmp_path, monkeypatch)
    told.clear()
    assert kit.install(tmp_path / "stick", lambda *done: told.append(done)) == items
    assert (weights.cache_folder() / "net.h5").read_bytes() == WEIGHTS
    assert (paths.samples() / "photos.zip").read_bytes() == DATA
    assert told[-1] == (4_200_000, 4_200_000)


def test_packing_again_adds_and_installing_again_copies_nothing(here, tmp_path, monkeypatch):
    kit.pack(here[:1], tmp_path / "stick")
    assert len(kit.pack(here[1:], tmp_path / "stick")) == 2
    elsewhere(tmp_path, monkeypatch)
    kit.install(tmp_path / "stick")
    before = (weights.cache_folder() / "net.h5").stat().st_ino
    kit.install(tmp_path / "stick")
    assert (weights.cache_folder() / "net.h5").stat().st_ino == before


def test_damage_on_the_stick_is_found_and_the_rest_installed(here, tmp_path, monkeypatch):
    kit.pack(here, tmp_path / "stick")
    with open(tmp_path / "stick" / "weights" / "net.h5", "r+b") as file:
        file.seek(1_000_000)
        file.write(bytes([WEIGHTS[1_000_000] ^ 1]))
    elsewhere(tmp_path, monkeypatch)
    with pytest.raises(UserError, match=r"weights/net\.h5"):
        kit.install(tmp_path / "stick")
    assert not weights.cache_folder().exists() or not any(weights.cache_folder().iterdir())
    assert (paths.samples() / "photos.zip").read_bytes() == DATA
    (tmp_path / "stick" / "samples" / "photos.zip").unlink()
    shutil.rmtree(paths.samples())
    with pytest.raises(UserError, match=r"net\.h5, samples/photos\.zip"):
        kit.install(tmp_path / "stick")


def test_a_damaged_file_here_is_replaced(here, tmp_path):
    kit.pack(here, tmp_path / "stick")
    here[0][1].write_bytes(b"half a file")
    kit.install(tmp_path / "stick")
    assert here[0][1].read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("weights", "../../escaped.h5"),
        ("weights", "/tmp/x.h5"),
        ("weights", "..\\x.h5"),
        ("weights", "C:/x"),
        ("weights", ""),
        ("home", "x"),
    ],
)
def test_a_kit_cannot_write_elsewhere(here, tmp_path, section, name):
    kit.pack(here, tmp_path / "stick")
    manifest = json.loads((tmp_path / "stick" / "kit.json").read_text())
    manifest["files"].append({"section": section, "name": name, "size": 1, "sha256": "0" * 64})
    (tmp_path / "stick" / "kit.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="damaged"):
        kit.install(tmp_path / "stick")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 1, "files": [{"name": "x"}]}'])
def test_a_broken_manifest_is_said(here, tmp_path, text):
    (tmp_path / "kit.json").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        kit.contents(tmp_path)


def test_no_kit_and_another_version_are_said(here, tmp_path):
    with pytest.raises(UserError, match="no class kit"):
        kit.install(tmp_path / "empty")
    (tmp_path / "kit.json").write_text('{"version": 99, "files": []}')
    with pytest.raises(UserError, match="another version"):
        kit.install(tmp_path)


def test_a_stick_that_is_too_small_is_said_before_anything_is_copied(here, tmp_path, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(kit.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with pytest.raises(UserError, match="1 MB free; the class kit needs 4 MB"):
        kit.pack(here, tmp_path / "stick")
    assert not list((tmp_path / "stick").iterdir())


def test_a_folder_that_is_a_file_is_said(here, tmp_path):
    (tmp_path / "stick").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        kit.pack(here, tmp_path / "stick")


def test_stop_leaves_a_kit_that_holds_what_it_says(here, tmp_path):
    calls = iter([False] * 4 + [True] * 9)
    with pytest.raises(Stopped):
        kit.pack(here, tmp_path / "stick", should_stop=lambda: next(calls))
    assert [item.path for item in kit.contents(tmp_path / "stick")] == ["weights/net.h5"]
    assert not list((tmp_path / "stick").rglob("*.copying"))


def test_a_language_model_is_packed_with_its_licence_and_found_elsewhere_without_a_network(
    here, tmp_path, monkeypatch, capsys
):
    hub_server = folders.Hub(folders.write(tmp_path / "model"))
    row = dataclasses.replace(registry.CHECKPOINTS["gpt2"], name="tiny", repository="tl/tiny", title="Tiny")
    monkeypatch.setitem(registry.CHECKPOINTS, "tiny", row)
    monkeypatch.setenv("HF_ENDPOINT", hub_server.url)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TL_WEIGHTS_TIMEOUT", "2")
    monkeypatch.setattr(hub, "PAUSE", 0.01)
    stick = str(tmp_path / "stick")
    hub_server.faults = [500, "break"]
    assert command_line.main(["fetch", "tiny", "--class-kit", stick]) == 0
    assert "tiny, 548.1 MB: MIT" in capsys.readouterr().out
    packed = [item.name for item in kit.contents(tmp_path / "stick")]
    assert sorted(name.rsplit("/", 1)[1] for name in packed) == sorted([*FILES, "main"])
    assert command_line.main(["fetch", "--list"]) == 0
    listed = capsys.readouterr().out
    assert "Tiny" in listed and "4/4" in listed and "DistilGPT-2" in listed and "0/4" in listed
    hub_server.close()
    elsewhere(tmp_path, monkeypatch)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "other-hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert registry.find("tiny") is None
    assert command_line.main(["fetch", "tiny"]) == 1
    assert "python -m tl_core fetch tiny --class-kit DIR" in capsys.readouterr().err
    assert command_line.main(["fetch", "--from", stick]) == 0
    source = registry.obtain("tiny")
    assert source.kind == "cache" and source.revision == "c" * 40
    for name in FILES:
        assert (source.folder / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    assert command_line.main(["fetch", "tiny"]) == 0
    assert "already here" in capsys.readouterr().out


def test_a_kit_holds_gpt2_unless_something_else_is_named(here, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(fetch, "_fetch_all", lambda jobs: asked.extend(job.name for job in jobs) or [])
    assert command_line.main(["fetch", "--class-kit", str(tmp_path / "stick")]) == 0
    assert "gpt2" in asked and "cats_dogs" in asked and any("vgg16" in name for name in asked)
    asked.clear()
    command_line.main(["fetch", "gpt2", "tales"])
    assert asked == ["gpt2"], "the bundled model needs no fetching"


def test_the_command_packs_and_installs(here, tmp_path, monkeypatch, capsys):
    from tl_core.base import archives
    from tl_core.images.data import samples
    from tl_core.images.data.samples import SAMPLES
    from tl_core.images.pretrained.backbones import BACKBONES, WeightsFile, backbone

    monkeypatch.setenv("TL_WEIGHTS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("tl_core.base.download.PAUSE", 0.01)
    file = WeightsFile("net.h5", "net.h5", len(WEIGHTS), hashlib.md5(WEIGHTS).hexdigest())
    row = dataclasses.replace(backbone("vgg16"), no_top={224: file}, sizes={224: 7})
    monkeypatch.setitem(BACKBONES, "vgg16", row)
    archive = samples.Archive("photos.zip", "http://127.0.0.1:9/photos.zip", len(DATA))
    monkeypatch.setitem(SAMPLES, "cats_dogs", dataclasses.replace(SAMPLES["cats_dogs"], archives=(archive,)))
    stick = str(tmp_path / "stick")
    assert command_line.main(["fetch", "vgg16", "--samples", "cats_dogs", "--class-kit", stick]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 files are ready" in out and "holds 2 files (4.2 MB)" in out and f"fetch --from {stick}" in out
    elsewhere(tmp_path, monkeypatch)
    assert command_line.main(["fetch", "--from", stick]) == 0
    assert "2 files of the class kit are installed" in capsys.readouterr().out
    assert weights.cached(file) and archives.cached(archive)
    assert command_line.main(["fetch", "resnet50", "--class-kit", stick]) == 1  # no network: packs what there is
    printed = capsys.readouterr()
    assert "holds 2 files" in printed.out and "Missing: resnet50" in printed.err
    assert command_line.main(["fetch", "--from", str(tmp_path / "nothing")]) == 1
    assert "no class kit" in capsys.readouterr().err
