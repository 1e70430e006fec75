"""The worker writes how a run went, whatever the training does."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable

import pytest

from tests.conftest import REPOSITORY
from tests.runs import fakes
from tests.runs.conftest import kinds, wait
from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.images.data import dataset as datasets
from tl_core.runs import queue, store, worker
from tl_core.runs.burial import bury
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.registry import FIRST

Submit = Callable[..., Run]


def raising(error: BaseException, begin: bool = True) -> Callable:
    def train(config, dataset, folder, emit, should_stop, *, resume, started):
        if begin:
            started(device="GPU")
        raise error

    return train


def test_a_run_from_queued_to_finished(submitted: Submit, config: RunConfig):
    run = submitted()
    seen = {}

    def train(got, dataset, folder, emit, should_stop, *, resume, started):
        seen.update(config=got, dataset=dataset, folder=folder, resume=resume, stop=should_stop())
        with try_lock(run.folder / "lock") as free:
            seen["locked"] = not free
        seen["worker"] = store.worker(run)
        started(device="NVIDIA L4", resumed_from=0)
        emit(events.Epoch(epoch=1, best=True))
        return fakes.Outcome(False, 1)

    assert worker.work(run.id, train) == 0
    assert kinds(run) == ["queued", "started", "finished"] and store.status(run) == "finished"
    assert seen["config"] == config and seen["dataset"] == datasets.load(config.data.dataset)
    assert seen["folder"] == run.folder and seen["locked"] and not seen["resume"] and not seen["stop"]
    assert seen["worker"].pid == os.getpid()
    begun, finished = (events.read(run.log)[0][n] for n in (1, -1))
    assert (begun.device, begun.pid) == ("NVIDIA L4", os.getpid())
    assert set(begun.versions) == {"python", "tensorflow", "keras", "numpy", "pillow"}
    assert finished.best_epoch == 1 and finished.metrics == {"accuracy": 0.5}
    assert worker.work(run.id, train) == 2 and kinds(run) == ["queued", "started", "finished"]


def test_stop_is_seen_within_a_tenth_of_a_second_and_cleaned_up(submitted: Submit, monkeypatch: pytest.MonkeyPatch):
    run = submitted()
    now, seen = [100.0], []
    monkeypatch.setattr(worker, "time", types.SimpleNamespace(monotonic=lambda: now[0]))

    def train(config, dataset, folder, emit, should_stop, *, resume, started):
        started()
        seen.append(should_stop())
        queue.stop(run.id)
        now[0] += 0.11
        seen.append(should_stop())
        return fakes.Outcome(True, 0)

    assert worker.work(run.id, train) == 0
    assert seen == [False, True]
    assert store.status(run) == "stopped" and not (run.folder / "stop").exists()


def test_stop_in_the_middle_of_long_work_keeps_the_best_epoch(submitted: Submit):
    run = submitted()

    def train(config, dataset, folder, emit, should_stop, *, resume, started):
        started()
        emit(events.Epoch(epoch=1, best=True))
        raise Stopped

    assert worker.work(run.id, train) == 0
    assert events.read(run.log)[0][-1].to_json().items() >= {"kind": "stopped", "best_epoch": 1}.items()


FAILURES = [
    (UserError(message("No weights."), message("Fetch them.")), "No weights. Fetch them."),
    (MemoryError(), "memory is too small"),
    (type("ResourceExhaustedError", (Exception,), {})("OOM when allocating"), "memory is too small"),
    (OSError(errno.ENOSPC, "No space left on device"), "disk of the server is full"),
    (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    (SystemExit(3), "SystemExit"),
    (KeyboardInterrupt(), "KeyboardInterrupt"),
]


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize(("error", "wanted"), FAILURES, ids=[wanted for _, wanted in FAILURES])
def test_every_failure_says_its_cause(submitted: Submit, error: BaseException, wanted: str, begin: bool):
    run = submitted()
    assert worker.work(run.id, raising(error, begin)) == 1
    assert kinds(run) == ["queued", "started", "failed"] and store.status(run) == "failed"
    failed = events.read(run.log)[0][-1]
    assert wanted in str(failed.error) and "Traceback" in failed.details


def test_a_dataset_that_was_deleted_and_settings_that_are_damaged(submitted: Submit, config: RunConfig):
    run, other = submitted(), submitted()
    (other.folder / "config.json").write_text("{")
    datasets.delete(config.data.dataset)
    for each, wanted in ((run, "is not here"), (other, "cannot be read")):
        assert worker.work(each.id, fakes.quick) == 1
        assert wanted in str(events.read(each.log)[0][-1].error)


def test_a_second_attempt_resumes(submitted: Submit):
    run = submitted()
    assert worker.work(run.id, raising(ValueError("x"))) == 1
    queue.resume(run.id)
    seen = []

    def train(*args, resume, started):
        started(resumed_from=3)
        seen.append(resume)
        return fakes.Outcome(False, 1)

    assert worker.work(run.id, train) == 0 and seen == [True]
    assert kinds(run) == ["queued", "started", "failed", "queued", "started", "finished"]


def test_a_run_that_another_worker_has_or_that_does_not_wait_is_left_alone(submitted: Submit, config: RunConfig):
    run = submitted()
    with try_lock(run.folder / "lock"):
        assert worker.work(run.id, fakes.quick) == 2
    assert kinds(run) == ["queued"]
    assert worker.work(store.create(config, owner="ada").id, fakes.quick) == 2
    with pytest.raises(UserError):
        worker.work("20260101-000000-abcdef", fakes.quick)


def test_somebody_who_only_looks_does_not_keep_the_worker_out(submitted: Submit):
    run = submitted()
    held = threading.Event()

    def look() -> None:
        with try_lock(run.folder / "lock"):
            held.set()
            time.sleep(0.3)

    threading.Thread(target=look).start()
    held.wait()
    assert worker.work(run.id, fakes.quick) == 0


def test_sigterm_is_a_stop(submitted: Submit):
    run = submitted()
    process = subprocess.Popen([*fakes.command("steady"), run.id], cwd=REPOSITORY, start_new_session=True)
    wait(lambda: "started" in kinds(run))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0 and store.status(run) == "stopped"


def test_the_command_line(submitted: Submit, config: RunConfig):
    run = submitted()
    datasets.delete(config.data.dataset)
    program = [sys.executable, "-m", "tl_core", "work"]
    done = subprocess.run([*program, "20260101-000000-abcdef"], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2 and "There is no run" in done.stderr
    assert store.status(run) == "queued"


def full(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A disk on which nothing has room any more, but what was set aside."""
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if (run.folder / store.RESERVE).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)


def test_a_run_that_runs_out_of_disk_says_so_on_the_full_disk(submitted: Submit, monkeypatch: pytest.MonkeyPatch):
    run = submitted()

    def train(config, dataset, folder, emit, should_stop, *, resume, started):
        started()
        full(monkeypatch, run)
        emit(events.Epoch(epoch=1))

    assert worker.work(run.id, train) == 1
    assert kinds(run) == ["queued", "started", "failed"]
    failed = store.last_event(run)
    assert "disk" in str(failed.error.what) and "Free some space" in str(failed.error.remedy)
    assert not (run.folder / store.RESERVE).exists()


def test_tensorflow_calls_a_full_disk_exhausted_and_it_is_not_the_memory():
    exhausted = type("ResourceExhaustedError", (Exception,), {})
    assert "disk" in str(worker._explained(exhausted("/x/model.h5; No space left on device"), FIRST).what)
    assert "memory" in str(worker._explained(exhausted("OOM when allocating tensor"), FIRST).what)


def test_a_worker_that_died_on_a_full_disk_is_not_called_out_of_memory(submitted: Submit, monkeypatch):
    run = submitted()
    events.append(run.log, events.Started())
    store.keep_room(run)
    full(monkeypatch, run)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=0))
    bury(run)
    assert store.status(run) == "failed"
    assert "disk of the server is full" in str(store.last_event(run).error.what)


def test_a_run_whose_end_cannot_be_written_has_failed_all_the_same(submitted: Submit, monkeypatch: pytest.MonkeyPatch):
    run = submitted()
    events.append(run.log, events.Started())

    def closed(path: object, event: events.Event) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(events, "append", closed)
        bury(run)
        assert store.status(run) == "failed" and kinds(run) == ["queued", "started"]
    bury(run)
    assert store.status(run) == "failed" and kinds(run)[-1] == "failed", "it is said as soon as it can be"
    assert "may not write to its disk: Read-only" in str(store.last_event(run).error.what)


@pytest.mark.parametrize(("does", "went_well"), [("time.sleep(60)", True), ("sys.exit(3)", False)])
def test_what_is_tried_for_an_estimate_ends_as_soon_as_a_run_comes(tl_home, monkeypatch, does, went_well):
    real, begun = worker.processes.start, []

    def start(command, output):
        assert command[-1] == "--calibrate"
        begun.append(real((sys.executable, "-c", f"import sys, time; {does}"), output))
        return begun[-1]

    monkeypatch.setattr(worker.processes, "start", start)
    looks = iter(range(1000))
    assert worker._calibrated(lambda wait: does.startswith("time") and next(looks) > 1) == went_well
    assert begun[0].poll() is not None
