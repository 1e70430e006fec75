"""The spare: one process that has TensorFlow and Keras loaded and waits to become the next run's worker.

Loading them takes seconds, longer than training a small head. What the scheduler does about it:

- It keeps one spare at most, while somebody wants one: a page from which a training starts was opened (`want`) within
  the last 15 minutes and since the last spare was used, or a run waits for a place.
- It starts none while a run has yet to complete its first epoch, which that would delay, and none with less than 2.5 GB
  of memory available; with less than 1.5 GB the spare is let go. A spare takes 0.7 GB, of which 0.25 GB are its own and
  the rest is code that it shares with the engine and the workers. `TL_WARM=0` switches it off.
- A run is handed to it even while it is still loading: the rest of that is shorter than all of it.
- It serves one run, as a worker like any other. If it dies before the run has begun, the run gets a plain worker.

A spare reads one line, `{"run": …, "place": …}`, from its standard input. Until then it ends as soon as that does, with
the server; afterwards it outlives the server like every worker. It looks at no device before it knows its place. What
it says goes to $TL_HOME/spare.log, and from then on to its run's worker.log.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tl_core.base import events, paths, processes
from tl_core.runs import store
from tl_core.runs.store import Run

KEPT = 900.0  # seconds that a wish for a spare holds
REST = 30.0  # seconds without another spare after one that died or could not start
ENOUGH = 2.5e9  # bytes of memory that must be available to start one: room for it, its run's network and the engine
SHORT = 1.5e9  # bytes below which it is let go


def want() -> None:
    """Say that somebody may soon start a run: called by every page from which that is possible; takes microseconds.

    Whichever process schedules hears of it, by the age of a file.
    """
    if enabled():
        with contextlib.suppress(OSError):  # a full disk: then the run starts a little later
            _wish().touch()


def enabled() -> bool:
    """Whether spares are allowed: unless `TL_WARM` is 0."""
    return os.environ.get("TL_WARM") != "0"


def available() -> float:
    """Bytes of memory that programs can still have; where the system does not say, a quarter of all it has."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
        return 0.0
    except FileNotFoundError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 4


class Spare:
    """The scheduler's side: `tend` it at every tick, `hand_over` a run.

    Args:
        command: what starts a spare.
    """

    def __init__(self, command: Sequence[str]):
        self.command = command
        self.process: subprocess.Popen | None = None
        self.used = time.time()  # when the last one was used: wishes from before that, or from before us, are over
        self.rests_until = 0.0  # monotonic
        self.read: dict[str, tuple[int, bool]] = {}  # run -> how far its log is read, whether it is under way

    def tend(self, working: Sequence[Run], waiting: bool) -> None:
        """Start a spare, keep it or let it go, as the policy says.

        Args:
            working: runs that have a worker.
            waiting: whether others wait for a place.
        """
        under_way = [self._under_way(run) for run in working]
        self.read = {run.id: self.read[run.id] for run in working}
        wanted = enabled() and (waiting or self._wished())
        if self.process is not None:
            if self.process.poll() is not None:
                self.process, self.rests_until = None, time.monotonic() + REST
            elif not wanted or available() < SHORT:
                self.let_go()
        elif wanted and all(under_way) and time.monotonic() >= self.rests_until and available() >= ENOUGH:
            self._start()

    def hand_over(self, run: Run, place: str | None) -> subprocess.Popen | None:
        """Make the spare this run's worker; None if there is none, or it has just died."""
        process, self.process = self.process, None
        if process is None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps({"run": run.id, "place": place}).encode() + b"\n")
            process.stdin.close()
        except OSError:
            _end(process)
            return None
        self.used = time.time()
        return process

    def let_go(self) -> None:
        """End the spare, if there is one."""
        process, self.process = self.process, None
        if process is not None:
            _end(process)

    def _start(self) -> None:
        try:
            with open(paths.home() / "spare.log", "wb") as log:
                self.process = processes.start(self.command, log, environment=environment(None), stdin=subprocess.PIPE)
        except OSError as error:
            print(f"spare: {error}", file=sys.stderr)
            self.rests_until = time.monotonic() + REST

    def _wished(self) -> bool:
        try:
            asked = _wish().stat().st_mtime
        except OSError:
            return False
        return asked > self.used and abs(time.time() - asked) < KEPT

    def _under_way(self, run: Run) -> bool:
        """Whether the run's present attempt has completed an epoch; reads only what was added to its log."""
        offset, done = self.read.get(run.id, (0, False))
        added, offset = events.read(run.log, offset)
        for event in added:
            if isinstance(event, (events.Queued, events.Epoch)):
                done = isinstance(event, events.Epoch)
        self.read[run.id] = offset, done
        return done


def become(load: Callable[[], object], meanwhile: Callable[[Callable[..., bool]], object]) -> str | None:
    """The spare's side: load what training needs, wait for a run, and take on its place and its log.

    Args:
        load: imports what takes long.
        meanwhile: done while nobody has named a run; what it is given says whether somebody has, after waiting for
            so many seconds at most.

    Returns:
        The id of the run to work on; None if whoever could have named one is gone.
    """
    load()
    print("ready", flush=True)
    meanwhile(lambda wait=0.0: bool(select.select([sys.stdin.buffer], [], [], wait)[0]))
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return None
    order = json.loads(line)
    os.environ.update(environment(order["place"]))
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(store.get(order["run"]).folder / "worker.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(log)
    return order["run"]


def environment(place: str | None) -> dict[str, str]:
    """What a worker is told: its place, the index of a GPU (None, the CPU, needs no words); and to have NumPy multiply
    with one thread. Its matrices are small, and on a busy computer threads that wait for each other take ten times as
    long; TensorFlow has threads of its own."""
    alone = {"OPENBLAS_NUM_THREADS": "1"}
    return alone if place is None else {**alone, "CUDA_VISIBLE_DEVICES": place, "TL_PLACE": place}


def _end(process: subprocess.Popen) -> None:
    processes.kill(process.pid)
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5.0)


def _wish() -> Path:
    return paths.home() / "wanted"
