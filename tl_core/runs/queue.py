"""The queue: first come, first served within an owner, fair between owners, and nothing of it in memory.

What waits is read from the run folders; what runs holds its lock. So a restarted server, or two servers on one data
folder, see the same queue. One scheduler thread per process tries to hold `scheduler.lock`; whoever has it starts
workers, ends those that do not obey Stop, and buries the dead. A worker is its own session and outlives the server.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tl_core import events, paths
from tl_core.errors import UserError
from tl_core.locks import try_lock
from tl_core.messages import message
from tl_core.runs import store
from tl_core.runs.store import Run

TICK = 0.25  # seconds between looks at the queue
GRACE = 1.2  # seconds that a worker has to obey Stop before it is killed
STARTING = 60.0  # seconds after which a worker that never said anything counts as dead
REPOSITORY = Path(__file__).resolve().parent.parent.parent

_started = threading.Lock()
_thread: threading.Thread | None = None


def submit(run_id: str) -> None:
    """Put a run at the end of its owner's queue."""
    run = store.get(run_id)
    if run.problem:
        raise run.problem
    (run.folder / "stop").unlink(missing_ok=True)
    events.append(run.log, events.Queued(owner=run.owner))


def resume(run_id: str) -> None:
    """Queue a stopped or failed run again; the worker goes on behind the last complete epoch."""
    run = store.get(run_id)
    if store.status(run) not in ("stopped", "failed"):
        raise UserError(
            message("The run {name} is neither stopped nor failed.", name=run.name),
            message("Only such runs can be resumed."),
        )
    submit(run_id)


def stop(run_id: str) -> None:
    """Ask a run to stop. One that waits has stopped at once; a worker that does not obey is ended by the scheduler."""
    run = store.get(run_id)
    (run.folder / "stop").touch()
    with try_lock(run.folder / "lock") as free:
        if free and isinstance(store.last_event(run), events.Queued):
            events.append(run.log, events.Stopped())
            (run.folder / "stop").unlink(missing_ok=True)


def waiting() -> list[Run]:
    """Queued runs in the order in which they will start.

    Owners take turns: of each owner's first waiting run, the one goes first whose owner was served longest ago.
    """
    queued: dict[str, list[tuple[float, Run]]] = {}
    served: dict[str, float] = {}
    for run in store.all():
        last = store.last_event(run)
        if isinstance(last, events.Queued):
            queued.setdefault(run.owner, []).append((last.t, run))
        elif last is not None:
            began = last.t if isinstance(last, events.Started) else run.created
            served[run.owner] = max(served.get(run.owner, 0.0), began)
    for runs in queued.values():
        runs.sort(key=lambda item: (item[0], item[1].id))
    order, now = [], time.time()
    while queued:
        owner = min(queued, key=lambda name: (served.get(name, 0.0), queued[name][0][0]))
        order.append(queued[owner].pop(0)[1])
        now += 1
        served[owner] = now
        if not queued[owner]:
            del queued[owner]
    return order


def position(run_id: str) -> int:
    """How many runs will start before this one; 0 for the next one and for one that does not wait."""
    return next((index for index, run in enumerate(waiting()) if run.id == run_id), 0)


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
        with try_lock(paths.home() / "scheduler.lock") as mine:
            scheduler = Scheduler(places)
            while mine:
                try:
                    scheduler.tick()
                except OSError as error:  # a full disk or a folder deleted under us: try again at the next tick
                    print(f"scheduler: {error}", file=sys.stderr)
                time.sleep(TICK)
        time.sleep(1.0)


class Scheduler:
    """One look at the queue after the other; use `tick()`.

    Args:
        places: from `slots`.
        command: what starts a worker; the run's id is appended.
    """

    def __init__(self, places: list[str | None], command: tuple[str, ...] = ()):
        self.places = places
        self.command = command or (sys.executable, "-m", "tl_core", "work")
        self.children: dict[str, tuple[subprocess.Popen, str | None, float]] = {}
        self.stopping: dict[str, float] = {}

    def tick(self) -> None:
        """Bury the dead, end the disobedient, start who is next."""
        running = self._running()
        free = [place for place in self.places if place not in running.values()]
        free = free[: max(0, len(self.places) - len(running))]
        if not free:
            return
        for run in waiting()[: len(free)]:
            self._spawn(run, free.pop(0))

    def _running(self) -> dict[str, str | None]:
        """Runs at work, with their places; on the way those that have ended or must end are dealt with."""
        running: dict[str, str | None] = {}
        for run in store.all():
            last = store.last_event(run)
            child = self.children.get(run.id)
            if child and child[0].poll() is not None and not isinstance(last, events.Started):
                del self.children[run.id]  # ended properly, or before it could say anything
                if isinstance(last, events.Queued) and last.t <= child[2]:
                    self._never_started(run, child[0].returncode)
                continue
            if isinstance(last, events.Queued) and child:
                running[run.id] = child[1]
                if (run.folder / "stop").exists():
                    self._obey(run, child[0].pid)
                elif time.time() - child[2] > STARTING:
                    _kill(child[0].pid)
                continue
            if not isinstance(last, events.Started):
                self.stopping.pop(run.id, None)
                continue
            if store.bury(run):
                self.children.pop(run.id, None)
                self.stopping.pop(run.id, None)
                continue
            running[run.id] = child[1] if child else next(iter(self.places))
            if (run.folder / "stop").exists():
                self._obey(run, last.pid)
        return running

    def _obey(self, run: Run, pid: int) -> None:
        """Kill the worker if Stop was asked for longer ago than the grace, and write its last word."""
        asked = self.stopping.setdefault(run.id, time.monotonic())
        if time.monotonic() - asked < GRACE:
            return
        _kill(pid)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            if run.id in self.children:
                self.children[run.id][0].poll()  # reap it, or it would hold nothing but its name
            with try_lock(run.folder / "lock") as dead:
                if dead:
                    last = store.last_event(run)
                    if isinstance(last, (events.Started, events.Queued)):
                        events.append(run.log, events.Stopped(best_epoch=_best_epoch(run)))
                    (run.folder / "stop").unlink(missing_ok=True)
                    self.stopping.pop(run.id, None)
                    self.children.pop(run.id, None)
                    return
            time.sleep(0.02)

    def _spawn(self, run: Run, place: str | None) -> None:
        environment = {**os.environ, "TL_HOME": str(paths.home()), "PYTHONUNBUFFERED": "1"}
        if place is not None:
            environment["CUDA_VISIBLE_DEVICES"] = place
        with open(run.folder / "worker.log", "ab") as log:
            child = subprocess.Popen(
                [*self.command, run.id],
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.children[run.id] = (child, place, time.time())

    def _never_started(self, run: Run, code: int) -> None:
        with try_lock(run.folder / "lock") as free:
            if not free or not isinstance(store.last_event(run), events.Queued):
                return
            error = UserError(
                message("The worker process could not start (exit code {code}).", code=code),
                message("See the details; reinstalling the requirements often helps."),
            )
            try:
                words = (run.folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-4000:]
            except OSError:
                words = ""
            events.append(run.log, events.Failed(error=error, details=words))


def _best_epoch(run: Run) -> int:
    epochs = [event for event in events.read(run.log)[0] if isinstance(event, events.Epoch) and event.best]
    return epochs[-1].epoch if epochs else 0


def _kill(pid: int) -> None:
    try:
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True)
        else:
            os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
