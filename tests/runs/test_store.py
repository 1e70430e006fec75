"""Runs are folders: whatever lies in them, the list of runs can be read."""

import contextlib
import errno
import json
import os
import time
import zipfile
from pathlib import Path

import pytest

from tests.runs.conftest import computing
from tl_core.base import events, paths
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.runs import store, tail
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, RunConfig

pytestmark = pytest.mark.usefixtures("tl_home")
CONFIG = RunConfig(DataConfig("0123456789abcdef"), BackboneConfig("vgg16"))


def logged(*found: events.Event) -> store.Run:
    run = store.create(CONFIG, owner="ada")
    for event in found:
        events.append(run.log, event)
    return run


def test_create_and_get():
    run = store.create(CONFIG, owner="ada", name="  First  ")
    assert store.get(run.id) == run and run.config == CONFIG and run.problem is None
    assert (run.name, run.owner, run.tags) == ("First", "ada", ())
    assert abs(run.created - time.time()) < 5
    assert json.loads((run.folder / "config.json").read_text())["backbone"]["name"] == "vgg16"
    assert store.create(CONFIG, owner="ada").name.startswith("VGG16 ")
    assert not [path for path in paths.runs().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("id", ["", "x", "../../etc", None, "20260101-000000-abcdef", "20260101-000000-ABCDEF/"])
def test_ids_that_name_nothing(id: str):
    for look in (store.get, store.delete):
        with pytest.raises(UserError, match="There is no run"):
            look(id)


def test_all_lists_newest_first_and_skips_what_is_no_run():
    runs = [store.create(CONFIG, owner="ada") for _ in range(3)]
    (paths.runs() / "notes").mkdir()
    (paths.runs() / ".new-x").mkdir()
    (paths.runs() / "file.txt").write_text("x")
    assert [run.id for run in store.all()] == sorted((run.id for run in runs), reverse=True)
    events.append(runs[1].log, events.Stopped())
    store.delete(runs[1].id)
    assert runs[1].id not in [run.id for run in store.all()]


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"data": 1}', b"\xff\xfe"])
def test_unreadable_settings_leave_the_run_in_the_list(content: str | bytes):
    run = store.create(CONFIG, owner="ada")
    (run.folder / "config.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    again = store.get(run.id)
    assert again.config is None and "cannot be read" in str(again.problem) and again in store.all()
    (run.folder / "config.json").unlink()
    assert store.get(run.id).problem is not None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": 7, "tags": "ab", "owner": null, "created": "x"}', "null"])
def test_damaged_meta_falls_back(content: str):
    run = store.create(CONFIG, owner="ada")
    (run.folder / "meta.json").write_text(content)
    again = store.get(run.id)
    assert again.tags == () and again.owner == "" and again.name and again.created > 0
    assert store.rename(run.id, "new").name == "new"


def test_rename_and_tag_in_quick_succession():
    run = store.create(CONFIG, owner="ada")
    for n in range(50):
        assert store.rename(run.id, f"name {n:02}").name == f"name {n:02}" == store.get(run.id).name
        assert store.tag(run.id, [f"t{n:02}"]).tags == (f"t{n:02}",)
    assert store.rename(run.id, "x" * 200).name == "x" * 80
    assert store.rename(run.id, "  ").name.startswith("VGG16")
    assert store.tag(run.id, [" a ", "a", "", "b" * 50, *"0123456789"]).tags == ("a", "b" * 30, *"01234567")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], "queued"),
        ([events.Queued()], "queued"),
        ([events.Queued(), events.Started(), events.Finished()], "finished"),
        ([events.Queued(), events.Stopped()], "stopped"),
        ([events.Queued(), events.Started(), events.Failed()], "failed"),
        ([events.Queued(), events.Started(), events.Failed(), events.Queued()], "queued"),
    ],
)
def test_status_is_what_the_log_says(found: list[events.Event], status: str):
    run = logged(*found)
    assert store.status(run) == status
    if status == "queued":
        with pytest.raises(UserError, match="is active"):
            store.delete(run.id)
    else:
        store.delete(run.id)
        assert not run.folder.exists()


def test_the_status_is_what_the_log_says_whoever_holds_the_lock():
    run = logged(events.Queued(), events.Started())
    for held in (True, False):
        with contextlib.ExitStack() as holding:
            if held:
                holding.enter_context(try_lock(run.folder / "lock"))
            assert store.status(run) == "running"
            (run.folder / "stop").touch()
            assert store.status(run) == "stopping"
            (run.folder / "stop").unlink()
    assert len(events.read(run.log)[0]) == 2


def test_a_full_disk_leaves_no_half_run(monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="disk"):
        store.create(CONFIG, owner="ada")
    monkeypatch.undo()
    assert list(paths.runs().iterdir()) == []


def test_archive_holds_the_run_without_its_private_files():
    run = logged(events.Queued(), events.Started(), events.Finished())
    (run.folder / "checkpoint").mkdir()
    (run.folder / "checkpoint" / "state").write_bytes(bytes(1000))
    for name in ("stop", "lock", "worker.json", "model.keras", "labels.json"):
        (run.folder / name).write_text("x")
    with store.archive(run.id) as path:
        names = zipfile.ZipFile(path).namelist()
        assert zipfile.ZipFile(path).testzip() is None
    assert {name.removeprefix(f"{run.id}/") for name in names} == {
        "config.json", "meta.json", "events.jsonl", "model.keras", "labels.json"
    }  # fmt: skip
    assert not path.exists()


def test_best_epoch():
    assert store.best_epoch(logged()) == 0
    epochs = [events.Epoch(epoch=n, best=n in (1, 3)) for n in range(1, 6)]
    assert store.best_epoch(logged(events.Queued(), events.Started(), *epochs)) == 3


# The last event that decides


def test_the_deciding_event_is_found_however_long_the_curve_and_read_on_from_there():
    run = logged(events.Queued(), events.Started(pid=5))
    with open(run.log, "ab") as file:
        for step in range(3000):
            file.write(b'{"kind":"batch","t":1.0,"phase":"\\"queued\\"","step":%d}\n' % step)
    assert run.log.stat().st_size > 4 * tail.BLOCK
    assert store.last_event(run).pid == 5
    for step in range(5):
        events.append(run.log, events.Batch(step=step))
        assert store.last_event(run).pid == 5
    events.append(run.log, events.Finished(best_epoch=9))
    assert store.last_event(run).best_epoch == 9
    tail._known.clear()
    assert store.last_event(run).best_epoch == 9


def test_a_torn_line_decides_nothing_until_it_is_whole():
    run = logged(events.Queued())
    line = b'{"kind":"started","t":1.0,"pid":7}\n'
    with open(run.log, "ab") as file:
        file.write(line[:20])
    for fresh in (False, True):
        if fresh:
            tail._known.clear()
        assert store.last_event(run).kind == "queued"
    with open(run.log, "ab") as file:
        file.write(line[20:])
    assert store.last_event(run).pid == 7


@pytest.mark.parametrize("block", [16, 50, 333])
def test_lines_across_blocks_are_put_together(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tail, "BLOCK", block)
    run = logged(events.Phase(phase="x" * 100), events.Started(pid=3), events.Batch(step=1), events.Batch(step=2))
    assert store.last_event(run).pid == 3
    with open(run.log, "ab") as file:
        file.write(b"torn")
    tail._known.clear()
    assert store.last_event(run).pid == 3


def test_a_log_that_was_replaced_is_read_anew():
    run = logged(events.Queued(), events.Started(), events.Finished())
    assert store.last_event(run).kind == "finished"
    other = run.folder / "other"
    events.append(other, events.Queued())
    os.replace(other, run.log)
    assert store.last_event(run).kind == "queued"
    run.log.unlink()
    assert store.last_event(run) is None


def test_looking_at_five_hundred_runs_is_cheap():
    for n in range(500):
        run = store.create(CONFIG, owner=f"{n % 30}")
        lines = b'{"kind":"batch","t":1.0,"step":1}\n' * 200
        events.append(run.log, events.Queued())
        events.append(run.log, events.Started())
        run.log.write_bytes(run.log.read_bytes() + lines)
        events.append(run.log, events.Finished())

    def look() -> None:
        assert {store.last_event(run).kind for run in store.all()} == {"finished"}

    look()
    seconds, reading = computing(look), computing(lambda: [run.log.read_bytes() for run in store.all()])
    print(f"500 runs: {seconds * 1000:.1f} ms; reading their logs: {reading * 1000:.1f} ms")
    assert seconds < 3 * reading
