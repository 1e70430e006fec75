"""Real worker processes under a real scheduler: they start in order, obey Stop, and outlive the server."""

import errno
import json
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
from tests.runs.conftest import Watched, computing, kinds, looked, wait
from tl_core.base import events
from tl_core.base.locks import try_lock
from tl_core.runs import queue, scheduler, store
from tl_core.runs.executors import local
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import TICK, Scheduler
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig

Submit = Callable[..., Run]
Scheduling = Callable[..., Watched]
SERVER = """
import sys, time
from tests.runs import fakes
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import Scheduler
scheduler = Scheduler(Local([None], fakes.command(sys.argv[1])))
while True:
    scheduler.tick()
    time.sleep(0.05)
"""


def server(manner: str) -> subprocess.Popen:
    """A scheduler in a process of its own, as a server that can be killed."""
    return subprocess.Popen([sys.executable, "-c", SERVER, manner], cwd=REPOSITORY)


def begun(run: Run) -> bool:
    return "started" in kinds(run)


def stop(run: Run, begin: Watched) -> float:
    """Press Stop and wait until the run has stopped.

    Returns:
        The seconds that the scheduler's looks until then take where nothing else is at work; elsewhere they lie further
        apart, but are not more.
    """
    pressed = time.time()
    queue.stop(run.id)
    wait(lambda: store.status(run) == "stopped")
    ended = store.last_event(run).t
    return TICK * sum(pressed < tick < ended for tick in begin.ticks)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_runs_are_done_one_at_a_time_and_in_turns(submitted: Submit, scheduling: Scheduling):
    runs = [submitted(owner) for owner in ("ada", "ada", "bob")]
    scheduling(fakes.command("quick"))
    wait(lambda: all(store.status(run) == "finished" for run in runs))
    spans = []
    for run in (runs[0], runs[2], runs[1]):
        found = events.read(run.log)[0]
        assert [event.kind for event in found] == ["queued", "started", "epoch", "finished"]
        spans += [found[1].t, found[-1].t]
    assert spans == sorted(spans)


def test_each_place_has_one_run_and_tells_its_worker(submitted: Submit, scheduling: Scheduling):
    runs = [submitted() for _ in range(3)]
    begin = scheduling(fakes.command("deaf"), ["0", "1"])
    wait(lambda: sum(begun(run) for run in runs) == 2)
    assert {store.worker(run).place for run in runs[:2]} == {"0", "1"}
    looked(begin)
    assert store.status(runs[2]) == "queued" and len(begin.executor.children) == 2
    stop(runs[0], begin)
    wait(lambda: begun(runs[2]))
    assert {store.worker(run).place for run in runs[1:]} == {"0", "1"}


def test_a_worker_that_cannot_start_fails_its_run_and_the_queue_goes_on(submitted: Submit, scheduling: Scheduling):
    runs = [submitted(), submitted()]
    scheduling(fakes.command("broken"))
    wait(lambda: all(store.status(run) == "failed" for run in runs))
    failed = events.read(runs[0].log)[0][-1]
    assert "exit code 7" in str(failed.error) and "no such library" in failed.details


def test_a_run_whose_files_cannot_be_used_does_not_hold_up_the_others(submitted: Submit, scheduling: Scheduling):
    bad, good = submitted("ada"), submitted("bob")
    (bad.folder / "worker.log").mkdir()  # cannot be opened, not even by root
    scheduling(fakes.command("quick"))
    wait(lambda: store.status(good) == "finished")
    assert store.status(bad) == "queued"
    (bad.folder / "worker.log").rmdir()
    wait(lambda: store.status(bad) == "finished")


def test_a_run_that_was_laid_out_but_never_queued_is_found(
    config: RunConfig, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scheduler, "FORGOTTEN", 0.0)
    run = store.create(config, owner="ada")
    scheduling(fakes.command("quick"))
    wait(lambda: store.status(run) == "finished")


# Stop


def test_an_obedient_worker_stops_by_itself_and_resumes_where_it_was(submitted: Submit, scheduling: Scheduling):
    run = submitted()
    begin = scheduling(fakes.command("steady"))
    wait(lambda: any(event.kind == "epoch" for event in events.read(run.log)[0]))
    stop(run, begin)
    found = fakes.lines(run)[0]
    done = sum(event.kind == "epoch" for event in found)
    assert found[-1].kind == "stopped" and 1 <= done < fakes.EPOCHS
    queue.resume(run.id)
    wait(lambda: store.status(run) == "finished")
    found = fakes.lines(run)[0]
    assert [event.resumed_from for event in found if event.kind == "started"] == [0, done]
    assert [event.epoch for event in found if event.kind == "epoch"] == list(range(1, fakes.EPOCHS + 1))


def test_a_worker_that_hangs_is_ended_within_two_seconds(submitted: Submit, scheduling: Scheduling):
    run, following = submitted(), submitted()
    begin = scheduling(fakes.command("deaf"), tick=TICK)
    wait(lambda: store.best_epoch(run) == 1)
    pid = store.worker(run).pid
    took = stop(run, begin)
    print(f"a deaf worker took {took:.2f} s to stop")
    assert took < 2
    assert events.read(run.log)[0][-1].best_epoch == 1 and not (run.folder / "stop").exists() and not alive(pid)
    wait(lambda: begun(following))  # the place is free again
    assert run.id not in begin.executor.children and run.id not in begin.stopping


@pytest.mark.parametrize("manner", ["booting", "asleep"])
def test_stop_while_the_worker_is_starting(manner: str, submitted: Submit, scheduling: Scheduling):
    run = submitted()
    begin = scheduling(fakes.command(manner), tick=TICK)
    wait(lambda: store.worker(run) if manner == "asleep" else run.id in begin.executor.children)
    took = stop(run, begin)
    print(f"a worker that was {manner} took {took:.2f} s to stop")
    assert took < 2 and kinds(run) == ["queued", "stopped"]


def test_a_starting_worker_that_takes_long_to_die_of_a_stop_has_stopped_and_not_failed(
    submitted: Submit, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        scheduler, "GRACE", 60.0
    )  # so that it is found dead by a later look than the one that killed it
    run = submitted()
    begin = scheduling(fakes.command("booting"), tick=TICK)
    wait(lambda: run.id in begin.executor.children)
    (run.folder / "stop").touch()
    begin.executor.children[run.id].process.kill()
    wait(lambda: kinds(run) != ["queued"])
    assert kinds(run) == ["queued", "stopped"] and not (run.folder / "stop").exists()


def test_stop_then_resume_then_stop_gives_the_second_worker_its_time(submitted: Submit, scheduling: Scheduling):
    run = submitted()
    begin = scheduling(fakes.command("steady"))
    for attempt in (1, 2):
        wait(lambda attempt=attempt: kinds(run).count("started") == attempt)
        child = begin.executor.children[run.id].process
        stop(run, begin)
        wait(lambda: not begin.stopping)
        assert child.poll() in (0, None)  # it was not killed
        if attempt == 1:
            queue.resume(run.id)
    assert kinds(run) == ["queued", "started", "stopped"] * 2


def test_a_worker_that_never_says_anything_is_given_up(
    submitted: Submit, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scheduler, "STARTING", 0.5)
    run = submitted()
    scheduling(fakes.command("booting"))
    wait(lambda: store.status(run) == "failed")
    assert "could not start" in str(events.read(run.log)[0][-1].error)


def test_a_run_whose_folder_was_deleted_by_hand_loses_its_worker(submitted: Submit, scheduling: Scheduling):
    run, following = submitted(), submitted("bob")
    begin = scheduling(fakes.command("deaf"))
    wait(lambda: begun(run))
    pid = store.worker(run).pid
    run.folder.rename(run.folder.with_name(".gone"))
    wait(lambda: not alive(pid))
    wait(lambda: begun(following))
    assert set(begin.executor.children) == {following.id}


# Several schedulers, and servers that come and go


def test_two_schedulers_on_one_folder_do_no_run_twice(submitted: Submit, scheduling: Scheduling):
    runs = [submitted(f"{n}") for n in range(6)]
    for _ in range(2):
        scheduling(fakes.command("quick"), tick=0.01)
    wait(lambda: all(store.status(run) == "finished" for run in runs))
    for run in runs:
        assert kinds(run) == ["queued", "started", "finished"]


def test_only_one_process_schedules_and_another_takes_over(tl_home: Path):
    ticks = tl_home / "ticks"
    program = f"""
import os, time
from tl_core.runs import scheduler
def tick(self):
    with open({str(ticks)!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
scheduler.Scheduler.tick = tick
scheduler.TICK = 0.02
for _ in range(3):
    scheduler.start()
time.sleep(60)
"""
    servers = [subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY) for _ in range(2)]
    try:
        wait(lambda: ticks.exists() and len(ticks.read_text().split()) > 20)
        time.sleep(0.5)
        (first,) = set(ticks.read_text().split())
        assert int(first) in [process.pid for process in servers]
        os.kill(int(first), signal.SIGKILL)
        wait(lambda: len(set(ticks.read_text().split())) == 2)
    finally:
        for process in servers:
            process.kill()
            process.wait()


@pytest.mark.parametrize("manner", ["deaf", "asleep"])
def test_a_new_server_adopts_a_worker_and_can_stop_it(manner: str, submitted: Submit, scheduling: Scheduling):
    run, following = submitted(), submitted("bob")
    old = server(manner)
    worker = wait(lambda: store.worker(run) if manner == "asleep" or begun(run) else None)
    os.kill(old.pid, signal.SIGKILL)
    old.wait()
    begin = scheduling(fakes.command("quick"), tick=TICK)
    looked(begin)
    assert alive(worker.pid) and store.worker(run) == worker
    assert store.status(following) == "queued" and begin.executor.children == {}  # its place is taken
    took = stop(run, begin)
    print(f"an adopted worker that was {manner} took {took:.2f} s to stop")
    assert took < 2
    assert not alive(worker.pid)
    wait(lambda: store.status(following) == "finished")


def test_a_worker_goes_on_while_there_is_no_server(submitted: Submit):
    run = submitted()
    old = server("steady")
    wait(lambda: begun(run))
    os.kill(old.pid, signal.SIGKILL)
    old.wait()
    wait(lambda: store.status(run) == "finished")


def test_a_new_server_buries_a_worker_that_died_meanwhile(submitted: Submit, scheduling: Scheduling):
    run, following = submitted(), submitted("bob")
    old = server("deaf")
    wait(lambda: begun(run))
    os.kill(old.pid, signal.SIGKILL)
    old.wait()
    os.kill(store.worker(run).pid, signal.SIGKILL)
    scheduling(fakes.command("quick"))
    wait(lambda: store.status(following) == "finished")
    assert kinds(run) == ["queued", "started", "failed"]


def test_a_worker_whose_disk_did_not_take_its_last_words_has_its_scheduler_say_so(
    submitted: Submit, scheduling: Scheduling
):
    run = submitted()
    scheduling(fakes.command("shut"))
    wait(lambda: "failed" in kinds(run))
    failed = store.last_event(run)
    assert "may not write to its disk: Read-only" in str(failed.error.what)
    assert "goes on by itself" in str(failed.error.remedy) and "Read-only" in failed.details


def test_a_process_that_only_has_the_number_of_a_worker_is_never_killed(
    submitted: Submit, scheduling: Scheduling, monkeypatch: pytest.MonkeyPatch
):
    """The lock is held by somebody else; the number in worker.json belongs to a process of another kind by now."""
    monkeypatch.setattr(scheduler, "GRACE", 0.1)
    run = submitted()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        events.append(run.log, events.Started(pid=bystander.pid))
        store.announce(run, None)
        text = (run.folder / "worker.json").read_text()
        (run.folder / "worker.json").write_text(text.replace(str(os.getpid()), str(bystander.pid)))
        with try_lock(run.folder / "lock"):
            begin = scheduling(fakes.command("quick"))
            queue.stop(run.id)
            looked(begin)
            time.sleep(2 * scheduler.GRACE)
            looked(begin)  # with its grace over
            assert bystander.poll() is None
        wait(lambda: store.status(run) in ("failed", "stopped"))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_places_are_the_gpus_that_may_be_used(monkeypatch: pytest.MonkeyPatch):
    for wanted, places in (("", [None]), ("-1", [None]), ("0", ["0"]), ("1, 3", ["1", "3"]), ("GPU-x", ["GPU-x"])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", wanted)
        assert local.gpus() == places
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(local.shutil, "which", lambda name: None)
    assert local.gpus() == [None]
    monkeypatch.setattr(local.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    for text, places in (("GPU 0: L4\nGPU 1: L4\n", ["0", "1"]), ("No devices\n", [None])):
        done = subprocess.CompletedProcess([], 0, text, "")
        monkeypatch.setattr(local.subprocess, "run", lambda *a, done=done, **k: done)
        assert local.gpus() == places


def test_a_look_at_a_long_queue_is_cheap(config: RunConfig):
    for n in range(500):
        run = store.create(config, owner=f"{n % 30}")
        queue.submit(run.id)
        if n % 10:
            events.append(run.log, events.Started())
            events.append(run.log, events.Finished())
    watching = Scheduler(Local([], ()))

    def look() -> None:
        watching.tick()
        queue.waiting()

    look()
    seconds, reading = computing(look), computing(lambda: [run.log.read_bytes() for run in store.all()])
    print(f"500 runs, 50 of them waiting: {seconds * 1000:.1f} ms; reading their logs: {reading * 1000:.1f} ms")
    assert seconds < 6 * reading


def test_a_data_folder_that_cannot_be_written_yet_is_scheduled_as_soon_as_it_can_be(
    tl_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    looks = []

    def closed(path: Path):
        looks.append(path)
        if len(looks) < 4:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return try_lock(path)

    class Once:
        def __init__(self, executor: object):
            pass

        def tick(self) -> None:
            raise SystemExit  # ends the endless loop of this test's thread

    monkeypatch.setattr(scheduler, "try_lock", closed)
    monkeypatch.setattr(scheduler, "Scheduler", Once)
    monkeypatch.setattr(scheduler, "_said", "")
    monkeypatch.setattr(scheduler.time, "sleep", lambda seconds: None)
    with pytest.raises(SystemExit):
        scheduler._schedule()
    assert len(looks) == 4
    assert capsys.readouterr().err.count("Read-only file system") == 1, "it is said, but not every second"


def test_damaged_settings_without_a_log_stop_nobody(config: RunConfig, submitted: Submit, scheduling: Scheduling):
    """Laid out, then damaged, before anybody queued it: submitting it failed at every look, for everybody."""
    bad = store.create(config, owner="eve")
    (bad.folder / "config.json").write_text("{")
    meta = json.loads((bad.folder / "meta.json").read_text())
    (bad.folder / "meta.json").write_text(json.dumps(meta | {"created": 1.0}))
    assert store.status(store.get(bad.id)) == "failed"
    good = submitted()
    scheduling(fakes.command("quick"))
    wait(lambda: store.status(good) == "finished")
    store.delete(bad.id)
