"""What is written of a run whose worker died without a word."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from tests.runs.test_store import logged
from tl_core.base import events
from tl_core.runs import queue, store
from tl_core.runs.burial import bury
from tl_core.runs.watch import history

__all__ = ["logged"]


@pytest.fixture(autouse=True)
def home(tl_home):
    return tl_home


def test_it_has_failed_with_the_last_of_what_was_said():
    run = logged(events.Queued(), events.Started())
    (run.folder / "worker.log").write_text("x" * 9000 + "Killed")
    bury(run)
    bury(run)
    assert store.status(run) == "failed" and len(events.read(run.log)[0]) == 3
    failed = events.read(run.log)[0][-1]
    assert "without a word" in str(failed.error) and failed.details.endswith("Killed") and len(failed.details) == 4000


def test_one_that_was_killed_because_it_did_not_stop_has_stopped():
    run = logged(events.Queued(), events.Started(), events.Epoch(epoch=2, best=True))
    (run.folder / "stop").touch()
    bury(run)
    assert store.status(run) == "stopped" and not (run.folder / "stop").exists()
    assert events.read(run.log)[0][-1].best_epoch == 2 and len(events.read(run.log)[0]) == 4


def test_one_that_has_said_its_last_word_in_the_meantime_is_left_alone():
    run = logged(events.Queued(), events.Started(), events.Finished(best_epoch=3))
    before = run.log.read_bytes()
    bury(run)
    assert run.log.read_bytes() == before


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch):
    run = logged(events.Queued(), events.Started())
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    bury(run)
    assert "disk" in str(events.read(run.log)[0][-1].error)


def test_where_the_disk_cannot_be_written_it_counts_as_failed_and_is_written_later(monkeypatch: pytest.MonkeyPatch):
    run = logged(events.Queued(), events.Started())

    def closed(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(events, "append", closed)
        bury(run)
        bury(run)
        assert store.status(run) == "failed" and len(events.read(run.log)[0]) == 2
        assert history(run).error is not None
    bury(run)
    assert store.status(run) == "failed" and len(events.read(run.log)[0]) == 3
    queue.resume(run.id)
    events.append(run.log, events.Started())
    assert store.status(run) == "running" and history(run).error is None
