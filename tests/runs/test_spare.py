"""The spare: there when somebody wants it, handed one run, and harmless whenever it dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.runs import fakes
from tests.runs.conftest import kinds, wait
from tests.runs.test_scheduler import alive, begun, stop
from tl_core.base import events, paths, processes
from tl_core.runs import queue, store
from tl_core.runs.executors import spare
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import TICK, Scheduler
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig

Submit = Callable[..., Run]
Scheduling = Callable[..., Scheduler]
SERVER = """
import sys, time
from tests.runs import fakes
from tl_core.runs.executors import spare
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import Scheduler
spare.available = lambda: spare.ENOUGH
scheduler = Scheduler(Local([None], fakes.command(sys.argv[1])))
while True:
    spare.want()
    scheduler.tick()
    if scheduler.executor.spare.process:
        print(scheduler.executor.spare.process.pid, flush=True)
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory enough for a spare, whatever else this machine does, and no second one after one that died."""
    monkeypatch.setattr(spare, "available", lambda: spare.ENOUGH)
    monkeypatch.setattr(spare, "REST", 1e9)  # longer than a slow machine takes for any test


def wanted(scheduler: Scheduler, ready: bool = True) -> subprocess.Popen:
    """Want a spare as a page does, until there is one that waits for its run."""

    def there() -> subprocess.Popen | None:
        spare.want()
        return scheduler.executor.spare.process

    process = wait(there)
    if ready:
        wait(lambda: "ready" in (paths.home() / "spare.log").read_text())
    return process


def ticks(scheduler: Scheduler, count: int = 3) -> None:
    """Wait until the scheduler has looked at everything some more times."""
    looked = []
    tend = scheduler.executor.spare.tend
    scheduler.executor.spare.tend = lambda *a, **k: looked.append(tend(*a, **k))
    wait(lambda: len(looked) >= count)
    del scheduler.executor.spare.tend


def pid_of(run: Run) -> int:
    return next(event.pid for event in events.read(run.log)[0] if isinstance(event, events.Started))


# Wanted or not


def test_the_spare_becomes_the_next_runs_worker(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"))
    waiting = wanted(begin)
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    assert kinds(run) == ["queued", "started", "finished"]
    assert pid_of(run) == waiting.pid == store.worker(run).pid
    assert (run.folder / "worker.log").read_text() == "quickly done\n"
    assert (paths.home() / "spare.log").read_text() == "ready\n"
    assert wanted(begin).pid != waiting.pid  # one process a run: the next spare is another one
    wait(lambda: not alive(waiting.pid))


def test_nobody_wants_one_nobody_gets_one(submitted: Submit, scheduling: Scheduling):
    spare.want()  # before this scheduler began: who knows whether anybody is still there
    wish = paths.home() / "wanted"
    os.utime(wish, (time.time() - 60, time.time() - 60))
    begin = scheduling(fakes.command("quick"))
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    ticks(begin)
    assert begin.executor.spare.process is None


def test_wherever_a_worker_works_its_numpy_has_one_thread():
    assert spare.environment(None)["OPENBLAS_NUM_THREADS"] == spare.environment("1")["OPENBLAS_NUM_THREADS"] == "1"
    assert spare.environment("1")["CUDA_VISIBLE_DEVICES"] == "1" and "CUDA_VISIBLE_DEVICES" not in spare.environment(
        None
    )


def test_it_can_be_switched_off(submitted: Submit, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch):
    begin = scheduling(fakes.command("quick"))
    process = wanted(begin)
    monkeypatch.setenv("TL_WARM", "0")
    wait(lambda: not alive(process.pid))
    (paths.home() / "wanted").unlink()
    spare.want()
    assert not (paths.home() / "wanted").exists()
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    ticks(begin)
    assert begin.executor.spare.process is None


def test_it_is_let_go_when_nobody_has_wanted_it_for_long(scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"))
    process = wanted(begin)
    ticks(begin)
    assert begin.executor.spare.process is process and alive(process.pid)
    begin.executor.spare.used -= 2 * spare.KEPT
    long_ago = time.time() - spare.KEPT - 1
    os.utime(paths.home() / "wanted", (long_ago, long_ago))
    wait(lambda: begin.executor.spare.process is None and not alive(process.pid))


def test_it_is_let_go_with_its_data_folders_wish(scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"))
    process = wanted(begin)
    (paths.home() / "wanted").unlink()
    wait(lambda: not alive(process.pid))


def test_memory_decides(submitted: Submit, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spare, "available", lambda: spare.ENOUGH - 1)
    begin = scheduling(fakes.command("quick"))
    ticks(begin, 1)
    spare.want()
    ticks(begin)
    assert begin.executor.spare.process is None
    monkeypatch.setattr(spare, "available", lambda: spare.ENOUGH)
    process = wanted(begin)
    monkeypatch.setattr(spare, "available", lambda: spare.SHORT)
    ticks(begin)
    assert begin.executor.spare.process is process
    monkeypatch.setattr(spare, "available", lambda: spare.SHORT - 1)
    wait(lambda: begin.executor.spare.process is None and not alive(process.pid))
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    assert begin.executor.spare.process is None


def test_the_memory_that_is_available_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < spare.available() <= most
    monkeypatch.setattr(Path, "read_text", lambda self: (_ for _ in ()).throw(FileNotFoundError))  # as on macOS
    assert spare.available() == most / 4


# Beside runs


def test_none_is_started_before_a_runs_first_epoch(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("asleep"))
    run = submitted()
    wait(lambda: store.worker(run))
    spare.want()
    ticks(begin)
    assert begin.executor.spare.process is None
    stop(run, begin)
    wait(lambda: begin.executor.spare.process)


def test_a_run_that_is_resumed_counts_from_its_new_beginning(submitted: Submit, scheduling: Scheduling):
    run = submitted()
    events.append(run.log, events.Started())
    events.append(run.log, events.Epoch(epoch=1))
    events.append(run.log, events.Stopped(best_epoch=1))
    queue.resume(run.id)
    begin = scheduling(fakes.command("asleep"))
    wait(lambda: store.worker(run))
    spare.want()
    ticks(begin)
    assert begin.executor.spare.process is None


def test_one_is_started_beside_a_run_that_has_an_epoch_and_for_whoever_waits(submitted: Submit, scheduling: Scheduling):
    run = submitted()
    begin = scheduling(fakes.command("deaf"))
    wait(lambda: store.best_epoch(run) == 1)
    ticks(begin)
    assert begin.executor.spare.process is None  # no page was opened
    following = submitted("bob")
    process = wait(lambda: begin.executor.spare.process)  # but now somebody waits for a place
    assert store.status(following) == "queued"
    stop(run, begin)
    wait(lambda: begun(following))
    assert store.worker(following).pid == process.pid


def test_a_spare_takes_on_the_place_of_its_run(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"), ["3"])
    process = wanted(begin)
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    started = next(event for event in events.read(run.log)[0] if isinstance(event, events.Started))
    assert (started.pid, started.device, store.worker(run).place) == (process.pid, "3", "3")


@pytest.mark.slow
def test_thirty_runs_at_once_are_each_done_once(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"), tick=0.01)
    process = wanted(begin)
    runs = [submitted(f"student {number}") for number in range(30)]
    wait(lambda: all(store.status(run) == "finished" for run in runs), 120)
    assert all(kinds(run) == ["queued", "started", "finished"] for run in runs)
    pids = [pid_of(run) for run in runs]
    assert pids[0] == process.pid and len(set(pids)) == len(runs)
    wait(lambda: begin.executor.spare.process is None)  # nobody waits any more, and no page was opened since


def test_two_schedulers_on_one_folder_do_no_run_twice(submitted: Submit, scheduling: Scheduling):
    begun_ones = [scheduling(fakes.command("quick"), tick=0.01) for _ in range(2)]
    for begin in begun_ones:
        wanted(begin)
    runs = [submitted(f"{number}") for number in range(6)]
    wait(lambda: all(store.status(run) == "finished" for run in runs))
    assert all(kinds(run) == ["queued", "started", "finished"] for run in runs)


# Death at every moment


def test_a_killed_spare_is_missed_by_nobody(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("quick"))
    process = wanted(begin)
    process.kill()
    wait(lambda: begin.executor.spare.process is None)
    spare.want()
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    assert pid_of(run) != process.pid
    assert begin.executor.spare.process is None  # it rests, so that a broken TensorFlow is not loaded again and again
    begin.executor.spare.rests_until = 0.0
    assert wanted(begin).pid != process.pid


def test_a_spare_that_cannot_load_is_not_tried_again_and_again(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("stillborn"), tick=0.01)
    process = wanted(begin, ready=False)
    wait(lambda: begin.executor.spare.process is None)
    spare.want()
    ticks(begin, 20)
    assert begin.executor.spare.process is None and process.returncode == 0
    run = submitted()
    wait(lambda: store.status(run) == "finished")


@pytest.mark.parametrize("manner", ["quick", "loading"])
def test_a_spare_that_is_dead_when_a_run_comes_costs_it_nothing(manner: str, submitted: Submit):
    """It has died since the last look; the scheduler notices when it writes to it."""
    begin = Scheduler(Local([None], fakes.command(manner)))
    spare.want()
    os.utime(paths.home() / "wanted", (time.time() + 1, time.time() + 1))
    begin.tick()
    process = begin.executor.spare.process
    os.kill(process.pid, signal.SIGKILL)
    wait(lambda: not alive(process.pid))
    run = submitted()
    try:
        wait(lambda: begin.tick() or store.status(run) == "finished")
    finally:
        begin.executor.spare.let_go()
    assert kinds(run) == ["queued", "started", "finished"] and pid_of(run) != process.pid


def test_a_spare_that_dies_at_hand_over_loses_no_run(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("fleeting"))
    process = wanted(begin)
    run = submitted()
    wait(lambda: store.status(run) == "finished")
    assert kinds(run) == ["queued", "started", "finished"]
    assert process.returncode == 3 and pid_of(run) != process.pid


def test_a_spare_that_is_killed_while_it_still_loads_loses_no_run(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("loading"))
    process = wanted(begin, ready=False)
    run = submitted()
    wait(lambda: run.id in begin.executor.children)
    assert begin.executor.children[run.id].process is process  # handed over all the same
    ticks(begin)
    assert kinds(run) == ["queued"]
    process.kill()
    wait(lambda: store.status(run) == "finished")
    assert kinds(run) == ["queued", "started", "finished"]


def test_stop_while_the_spare_still_loads(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("loading"), tick=TICK)
    wanted(begin, ready=False)
    run = submitted()
    wait(lambda: run.id in begin.executor.children)
    assert stop(run, begin) < 2
    following = submitted()
    wait(lambda: store.status(following) == "finished")
    assert kinds(run) == ["queued", "stopped"]


def test_a_spare_killed_as_a_worker_fails_its_run_as_any_worker_does(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("deaf"))
    process = wanted(begin)
    run, following = submitted(), submitted("bob")
    wait(lambda: store.best_epoch(run) == 1)
    process.kill()
    wait(lambda: store.status(run) == "failed")
    assert "ended without a word" in str(events.read(run.log)[0][-1].error)
    wait(lambda: begun(following))
    assert kinds(run) == ["queued", "started", "failed"]


def test_a_spare_that_hangs_as_a_worker_is_ended_by_stop(submitted: Submit, scheduling: Scheduling):
    begin = scheduling(fakes.command("deaf"), tick=TICK)
    process = wanted(begin)
    run = submitted()
    wait(lambda: store.best_epoch(run) == 1)
    assert stop(run, begin) < 2
    wait(lambda: not alive(process.pid))


def test_a_spare_ends_with_its_server_and_a_worker_that_was_one_does_not(submitted: Submit, scheduling: Scheduling):
    server = subprocess.Popen([sys.executable, "-c", SERVER, "deaf"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    first = int(server.stdout.readline())
    run = submitted()
    wait(lambda: store.best_epoch(run) == 1)
    second = int(next(line for line in server.stdout if int(line) != first))
    server.kill()
    server.wait()
    server.stdout.close()
    wait(lambda: not alive(second))
    worker = store.worker(run)
    assert worker.pid == first and alive(first) and worker.born == processes.born(first)
    begin = scheduling(fakes.command("quick"), tick=TICK)  # the next server
    ticks(begin)
    assert store.status(run) == "running" and begin.executor.children == {}
    assert stop(run, begin) < 2
    wait(lambda: not alive(first))


# The real one


@pytest.mark.slow
def test_a_warm_worker_writes_the_log_of_a_cold_one(config: RunConfig, scheduling: Scheduling):
    begin = scheduling((sys.executable, "-m", "tl_core", "work"))
    logs = {}
    for warm in (False, True):
        if warm:
            process = wait(lambda: spare.want() or begin.executor.spare.process, 60)
        run = store.create(config, owner="ada")
        queue.submit(run.id)
        wait(lambda run=run: store.status(run) == "finished", 180)
        assert not warm or pid_of(run) == process.pid
        logs[warm] = [_timeless(event) for event in events.read(run.log)[0] if not isinstance(event, events.Batch)]
        assert (run.folder / "model.keras").is_file()
    # The cold one was first, so it computed the features; all else is the same, digit for digit.
    assert [line for line in logs[False] if line.get("phase") != "features"] == logs[True]
    assert sum(line["kind"] == "epoch" for line in logs[True]) == config.epochs


def _timeless(event: events.Event) -> dict:
    """What an event says besides when, how fast, at what cost and by whom."""
    changing = ("t", "pid", "seconds", "validation_seconds", "rate", "processor_seconds", "memory")
    return {name: value for name, value in event.to_json().items() if name not in changing}


def test_it_looks_at_no_device_before_it_knows_its_place():
    """TensorFlow fixes what it may use at the first look, so the place must come before."""
    program = """
import io, json, os, sys
from tl_core.tasks import registry
registry.FIRST.room("training")
from tensorflow.python.eager import context
assert context.context_safe() is None
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import tensorflow as tf
tf.config.list_physical_devices()
assert context.context_safe() is not None
"""
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)
