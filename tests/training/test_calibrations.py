"""What was tried on this computer: asked for once, found by whoever asks for the same, believed for an hour."""

import os
import time
from dataclasses import dataclass

import pytest

from tl_core.training import calibrations


@dataclass(frozen=True)
class Found:
    seconds: float


@pytest.fixture(autouse=True)
def no_graphics_processor(tl_home, monkeypatch):
    monkeypatch.setattr(calibrations.shutil, "which", lambda name: None)


def test_the_last_wish_is_tried_once_and_found_under_its_settings():
    tried = []

    def measure(settings):
        tried.append(settings)
        return Found(2.5)

    calibrations.attempt(measure)
    assert not tried, "nobody has asked for anything"
    calibrations.want({"size": 96})
    calibrations.want({"size": 128})
    calibrations.attempt(measure)
    calibrations.want({"size": 128})
    calibrations.attempt(measure)
    assert tried == [{"size": 128}]
    assert calibrations.known({"size": 128}, Found) == Found(2.5)
    assert calibrations.known({"size": 96}, Found) is None


def test_an_old_result_is_not_believed_and_an_old_wish_not_tried():
    calibrations.want({"size": 96})
    calibrations.attempt(lambda settings: Found(1.0))
    long_ago = time.time() - calibrations.KEPT - 1
    os.utime(calibrations._place({"size": 96}), (long_ago, long_ago))
    assert calibrations.known({"size": 96}, Found) is None
    calibrations.want({"size": 96})
    os.utime(calibrations._folder() / "wanted.json", (long_ago, long_ago))
    calibrations.attempt(lambda settings: pytest.fail("nobody waits for it any more"))


def test_what_cannot_be_tried_or_read_is_left_alone():
    def fails(settings):
        raise RuntimeError

    calibrations.want({"size": 96})
    calibrations.attempt(fails)
    assert calibrations.known({"size": 96}, Found) is None
    calibrations._place({"size": 96}).write_text('{"seconds": "long"}')
    assert calibrations.known({"size": 96}, Found) is None
