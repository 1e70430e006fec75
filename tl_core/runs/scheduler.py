"""The scheduler gives the queue's runs to an executor, ends those that do not obey Stop, and buries the dead.

One thread per process tries to hold `scheduler.lock`; whoever has it schedules. How workers are started and whether
they live is the executor's business (`tl_core.runs.executors`): they may be children, strangers, or far away.
"""

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tl_core.base import events, paths
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.runs import queue, store, tail
from tl_core.runs.burial import bury, unsaid
from tl_core.runs.executors import Executor, Place
from tl_core.runs.executors.local import Local
from tl_core.runs.store import Run

TICK = 0.25  # seconds between looks at the queue; one that this process changes is looked at right away
GRACE = 1.2  # seconds that a worker has to obey Stop before it is killed
STARTING = 120.0  # seconds without a sign after which a starting worker counts as dead
FORGOTTEN = 10.0  # seconds after which a run that was laid out but never queued (a crash between) is queued

_started = threading.Lock()
_thread: threading.Thread | None = None
_said = ""  # the last complaint


def start() -> None:
    """Start this process's scheduler thread; further calls do nothing."""
    global _thread
    with _started:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_schedule, name="scheduler", daemon=True)
            _thread.start()


def _schedule() -> None:
    """Wait until no other process schedules, then do so for as long as this process lives."""
    while True:
        try:
            with try_lock(paths.home() / "scheduler.lock") as mine:
                scheduler = Scheduler(Local())
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
class _Begun:
    """A worker that this scheduler has asked for."""

    place: Place
    at: float  # seconds since 1970


class Scheduler:
    """One look at the queue after the other; use `tick()`.

    Args:
        executor: who starts workers.
    """

    def __init__(self, executor: Executor):
        self.executor = executor
        self.begun: dict[str, _Begun] = {}  # by run, from the start of its worker to the end of the run
        self.stopping: dict[str, float] = {}  # run -> when we first saw that it was asked to stop (monotonic)

    def tick(self) -> None:
        """Bury the dead, end the disobedient, start who is next, let the executor look after what it keeps ready."""
        runs = store.all()
        working, places = self._working(runs), self.executor.places()
        free = [place for place in places if place not in working.values()]
        free = free[: max(0, len(places) - len(working))]
        left = []
        for run in queue.waiting(runs):
            if run.id in working:
                continue
            if free and self._start(run, free[0]):
                working[run.id] = free.pop(0)
            else:
                left.append(run)
        self.executor.tend([run for run in runs if run.id in working], waiting=bool(left and working))

    def _working(self, runs: Sequence[Run]) -> dict[str, Place]:
        """Runs at work, with their places; on the way those that have ended or must end are dealt with."""
        working: dict[str, Place] = {}
        for run in runs:
            with _one_by_one(run):
                if self._at_work(run):
                    working[run.id] = self.executor.place(run)
            if run.id not in working:
                self.stopping.pop(run.id, None)
                continue
            if (run.folder / "stop").exists():
                with _one_by_one(run):
                    self._obey(run)
            else:
                self.stopping.pop(run.id, None)
        for run_id in self.begun.keys() - {run.id for run in runs}:  # somebody deleted the folder
            self._forget(run_id)
        return working

    def _at_work(self, run: Run) -> bool:
        """Whether a worker has this run in hand, if only just; one that died is buried."""
        last = tail.written_event(run.log)
        if last is None and not run.problem and not 0 <= time.time() - run.created <= FORGOTTEN:
            queue.submit(run.id)
        if isinstance(last, events.Started):
            if self.executor.alive(run):
                return True
            ended = self.executor.exit(run)
            bury(run, ended.code if ended else None)
        if not isinstance(last, events.Queued):
            self._forget(run.id)
            return False
        begun = self.begun.get(run.id)
        if begun is None:  # waiting, unless a worker of an earlier server is just starting
            return self.executor.alive(run)
        if (ended := self.executor.exit(run)) is not None:
            self._forget(run.id)
            if last.t > begun.at:  # that was an earlier attempt
                return False
            if ended.innocent:
                return self._start(run, begun.place, again=True)
            if not self.executor.alive(run) and isinstance(store.last_event(run), events.Queued):
                if (run.folder / "stop").exists():  # killed for that, however long dying took
                    store.close(run)
                else:
                    _never_started(run, ended.code, ended.words)
            return False
        if time.time() - max(begun.at, run.log.stat().st_mtime) > STARTING:
            self.executor.kill(run)
        return True

    def _obey(self, run: Run) -> None:
        """Kill the worker if Stop was asked for longer ago than the grace, and write its last word."""
        asked = self.stopping.setdefault(run.id, time.monotonic())
        if time.monotonic() - asked < GRACE:
            return
        self.executor.kill(run)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            if not self.executor.alive(run):
                store.close(run)
                self.stopping.pop(run.id, None)
                self._forget(run.id)
                return
            time.sleep(0.02)

    def _start(self, run: Run, place: Place, again: bool = False) -> bool:
        """Give the run a worker."""
        with _one_by_one(run):
            self.executor.start(run, place, again=again)
            self.begun[run.id] = _Begun(place, time.time())
            return True
        return False

    def _forget(self, run_id: str) -> None:
        if self.begun.pop(run_id, None) is not None:
            self.executor.forget(run_id)


def _never_started(run: Run, code: int, words: str) -> None:
    error = unsaid(code) or UserError(
        message("The worker process could not start (exit code {code}).", code=code),
        message("See the details; reinstalling the requirements often helps."),
    )
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
