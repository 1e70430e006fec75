"""The scheduler starts workers for the queue, ends those that do not obey Stop, and buries the dead.

One thread per process tries to hold `scheduler.lock`; whoever has it schedules. A worker is its own session and
outlives the server; the next server finds it by its lock and by what it wrote down of itself. Where there is a spare
(`tl_core.runs.spare`), it becomes the next run's worker, which then need not load TensorFlow first.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tl_core import events, paths, processes
from tl_core.errors import UserError
from tl_core.locks import try_lock
from tl_core.messages import message
from tl_core.runs import queue, store
from tl_core.runs.spare import Spare, environment
from tl_core.runs.store import Run

TICK = 0.25  # seconds between looks at the queue; one that this process changes is looked at right away
SWEEP = 30.0  # seconds between looks for what dead processes left
GRACE = 1.2  # seconds that a worker has to obey Stop before it is killed
STARTING = 120.0  # seconds without a sign after which a starting worker counts as dead
FORGOTTEN = 10.0  # seconds after which a run that was laid out but never queued (a crash between) is queued

_started = threading.Lock()
_thread: threading.Thread | None = None
_said = ""  # the last complaint


def slots() -> list[str | None]:
    """Where a run may work: one place for each GPU (its index), or a single one on the CPU (None)."""
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is not None:
        return [name.strip() for name in wanted.split(",") if name.strip() not in ("", "-1")] or [None]
    if shutil.which("nvidia-smi") is None:
        return [None]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return [None]
    return [str(index) for index, line in enumerate(listed.splitlines()) if line.startswith("GPU")] or [None]


def start() -> None:
    """Start this process's scheduler thread; further calls do nothing."""
    global _thread
    with _started:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_schedule, name="scheduler", daemon=True)
            _thread.start()


def _schedule() -> None:
    """Wait until no other process schedules, then do so for as long as this process lives."""
    places = slots()
    while True:
        try:
            with try_lock(paths.home() / "scheduler.lock") as mine:
                scheduler = Scheduler(places)
                while mine:
                    try:
                        scheduler.tick()
                    except Exception:  # a full disk or a folder deleted under us: the queue must go on at the next tick
                        traceback.print_exc(file=sys.stderr)
                        time.sleep(1.0)
                    queue.changed.wait(TICK)
                    queue.changed.clear()
        except OSError as error:  # the data folder cannot be made or written: as soon as it can be, the queue goes on
            _complain(f"scheduler: {error}")
        time.sleep(1.0)


@dataclass
class _Child:
    """A worker that this process has started."""

    process: subprocess.Popen
    place: str | None
    started: float  # seconds since 1970
    spare: bool  # whether it was the spare


class Scheduler:
    """One look at the queue after the other; use `tick()`.

    Args:
        places: from `slots`.
        command: what starts a worker; the run's id is appended, or `--warm` for a spare.
    """

    def __init__(self, places: list[str | None], command: tuple[str, ...] = ()):
        self.places = places
        self.command = command or (sys.executable, "-m", "tl_core", "work")
        self.spare = Spare((*self.command, "--warm"))
        self.children: dict[str, _Child] = {}
        self.stopping: dict[str, float] = {}  # run -> when we first saw that it was asked to stop (monotonic)
        self.swept = -SWEEP  # monotonic

    def tick(self) -> None:
        """Bury the dead, end the disobedient, start who is next, look after the spare."""
        runs = store.all()
        working = self._working(runs)
        free = [place for place in self.places if place not in working.values()]
        free = free[: max(0, len(self.places) - len(working))]
        left = []
        for run in queue.waiting(runs):
            if run.id in working:
                continue
            if free and self._spawn(run, free[0]):
                working[run.id] = free.pop(0)
            else:
                left.append(run)
        self.spare.tend([run for run in runs if run.id in working], waiting=bool(left and working))
        if time.monotonic() - self.swept > SWEEP:
            self.swept = time.monotonic()
            processes.sweep()

    def _working(self, runs: Sequence[Run]) -> dict[str, str | None]:
        """Runs at work, with their places; on the way those that have ended or must end are dealt with."""
        working: dict[str, str | None] = {}
        for run in runs:
            with _one_by_one(run):
                if self._at_work(run):
                    working[run.id] = self._place(run)
            if run.id not in working:
                self.stopping.pop(run.id, None)
                continue
            if (run.folder / "stop").exists():
                with _one_by_one(run):
                    self._obey(run)
            else:
                self.stopping.pop(run.id, None)
        for run_id in self.children.keys() - {run.id for run in runs}:  # somebody deleted the folder
            processes.kill(self.children.pop(run_id).process.pid)
        return working

    def _at_work(self, run: Run) -> bool:
        """Whether a worker has this run in hand, if only just; one that died is buried."""
        last, child = store.last_event(run), self.children.get(run.id)
        exited = child is not None and child.process.poll() is not None
        if last is None and not run.problem and not 0 <= time.time() - run.created <= FORGOTTEN:
            queue.submit(run.id)
        if isinstance(last, events.Started):
            if store.bury(run, child.process.returncode if exited else None):
                self.children.pop(run.id, None)
                return False
            return True
        if not isinstance(last, events.Queued):
            if exited:
                del self.children[run.id]
            return False
        if exited:
            del self.children[run.id]
            if last.t > child.started:
                return False
            if child.spare:  # it died as the run was handed over, which is not the run's fault
                return self._spawn(run, child.place, plain=True)
            self._never_started(run, child.process.returncode)
            return False
        if child is None:  # waiting, unless a worker of an earlier server is just starting
            return _is_held(run)
        if time.time() - max(child.started, run.log.stat().st_mtime) > STARTING:
            processes.kill(child.process.pid)
        return True

    def _place(self, run: Run) -> str | None:
        if run.id in self.children:
            return self.children[run.id].place
        adopted = store.worker(run)  # started by an earlier server
        return adopted.place if adopted else self.places[0]

    def _obey(self, run: Run) -> None:
        """Kill the worker if Stop was asked for longer ago than the grace, and write its last word."""
        asked = self.stopping.setdefault(run.id, time.monotonic())
        if time.monotonic() - asked < GRACE:
            return
        child = self.children.get(run.id)
        if child is not None and child.process.poll() is None:
            processes.kill(child.process.pid)
        elif _is_worker(run):  # started by an earlier server
            processes.kill(store.worker(run).pid)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            if child is not None:
                child.process.poll()  # reap it, or it would hold nothing but its name
            with try_lock(run.folder / "lock") as dead:
                if dead:
                    store.close(run)
                    self.stopping.pop(run.id, None)
                    self.children.pop(run.id, None)
                    return
            time.sleep(0.02)

    def _spawn(self, run: Run, place: str | None, plain: bool = False) -> bool:
        """Give the run a worker: the spare, unless a `plain` one is asked for or there is none."""
        with _one_by_one(run), open(run.folder / "worker.log", "ab") as log:
            process = None if plain else self.spare.hand_over(run, place)
            was_spare = process is not None
            if process is None:
                process = processes.start([*self.command, run.id], log, environment=environment(place))
            self.children[run.id] = _Child(process, place, time.time(), was_spare)
        return run.id in self.children

    def _never_started(self, run: Run, code: int) -> None:
        with try_lock(run.folder / "lock") as free:
            if not free or not isinstance(store.last_event(run), events.Queued):
                return
            error = store.unsaid(code) or UserError(
                message("The worker process could not start (exit code {code}).", code=code),
                message("See the details; reinstalling the requirements often helps."),
            )
            try:
                words = (run.folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-4000:]
            except OSError:
                words = ""
            events.append(run.log, events.Failed(error=error, details=words))


@contextlib.contextmanager
def _one_by_one(run: Run) -> Iterator[None]:
    """What goes wrong with one run's files must not hold up the others."""
    try:
        yield
    except (OSError, UserError) as error:
        _complain(f"scheduler: {run.id}: {error}")


def _complain(sentence: str) -> None:
    """Say it on standard error, once as long as it is the same."""
    global _said
    if sentence != _said:
        _said = sentence
        print(sentence, file=sys.stderr, flush=True)


def _is_held(run: Run) -> bool:
    """Whether a worker has the run's lock."""
    if not (run.folder / "lock").exists():
        return False
    with try_lock(run.folder / "lock") as free:
        return not free


def _is_worker(run: Run) -> bool:
    """Whether the process that took the run last surely still has it: its number may be somebody else's by now."""
    worker = store.worker(run)
    if worker is None or worker.host != socket.gethostname() or not _is_held(run):
        return False
    return worker.born == processes.born(worker.pid)  # a system that cannot be asked says None: the held lock must do
