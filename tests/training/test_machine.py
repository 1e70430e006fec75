"""How fast this computer is: measured once, believed on this computer alone."""

import json
import shutil
import socket

import pytest

from tl_core.base import paths, processes
from tl_core.tasks.text_generation import estimate
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.training import machine

TALES = CHECKPOINTS["tales"].shape


@pytest.fixture
def no_graphics_processor(tl_home, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


def test_it_is_measured_once_and_the_nearest_block_is_asked(no_graphics_processor):
    assert machine.known() == () and machine.rate(1024, 256) is None
    assert estimate.measured(TextConfig("x"), TALES) is None
    machine.measure(lambda: False)
    found = {(each.tokens, each.width): each.rate for each in machine.known()}
    assert found.keys() == set(machine.SIZES) and min(found.values()) > 1e8
    assert machine.rate(2000, 300) == found[1024, 256] and machine.rate(100, 5000) == found[512, 768]
    written = (paths.home() / "machine.json").read_bytes()
    machine.measure(lambda: False)
    assert (paths.home() / "machine.json").read_bytes() == written
    assert estimate.measured(TextConfig("x"), TALES) == found[1024, 256]


def test_whoever_waits_for_a_run_measures_no_longer_once_it_is_there(no_graphics_processor, monkeypatch):
    """The first figures would delay the run; the next process that waits measures."""
    measured = []
    monkeypatch.setattr(machine, "_seconds", lambda *size: measured.append(size) or 1.0)
    machine.measure(lambda: len(measured) == 3)
    assert len(measured) == 3 and machine.known() == ()
    machine.measure(lambda: False)
    assert len(measured) == 7 and len(machine.known()) == 2


def test_a_graphics_processor_is_left_to_the_run_that_gets_it(tl_home, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    machine.measure(lambda: False)
    assert machine.known() == ()


@pytest.mark.parametrize(
    "text",
    [
        "nothing of the kind",
        json.dumps({"host": "elsewhere", "cores": processes.cores(), "blocks": []}),
        json.dumps({"host": socket.gethostname(), "cores": 4096, "blocks": []}),
        json.dumps({"host": socket.gethostname(), "cores": processes.cores(), "blocks": [{"tokens": 1, "width": "x"}]}),
    ],
    ids=["damaged", "another computer", "other cores", "no number"],
)
def test_what_is_not_of_this_computer_is_not_believed(tl_home, text):
    (paths.home() / "machine.json").write_text(text)
    assert machine.known() == () and machine.rate(1, 1) is None


def test_a_disk_that_cannot_be_written_is_no_matter(no_graphics_processor, monkeypatch):
    monkeypatch.setattr(machine, "_place", lambda: paths.home() / "gone" / "machine.json")
    machine.measure(lambda: False)
    assert machine.known() == ()
