"""Workers as processes of this computer: one on the CPU, or one on each graphics processor.

A worker is its own session and outlives the server; the next server finds it by the run's lock, which it holds as long
as it lives, and by what it wrote down of itself. Where there is a spare, it becomes the next run's worker, which then
need not load TensorFlow first.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.base import paths, processes
from tl_core.base.locks import try_lock
from tl_core.runs import store
from tl_core.runs.executors import Exit, Place
from tl_core.runs.executors.spare import Spare, environment
from tl_core.runs.store import Run

SWEEP = 30.0  # seconds between looks for what dead processes left


def gpus() -> list[Place]:
    """One place for each graphics processor (its index), or a single one on the CPU (None)."""
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


@dataclass
class _Child:
    """A worker that this process has started."""

    process: subprocess.Popen
    place: Place
    spare: bool  # whether it was the spare


class Local:
    """The executor of this computer.

    Args:
        places: where runs may be worked on; by default as `gpus` says.
        command: what starts a worker; the run's id is appended, or `--warm` for a spare.
    """

    def __init__(self, places: Sequence[Place] | None = None, command: Sequence[str] = ()):
        self._places = gpus() if places is None else list(places)
        self.command = command or (sys.executable, "-m", "tl_core", "work")
        self.spare = Spare((*self.command, "--warm"))
        self.children: dict[str, _Child] = {}  # by run
        self.leaving: list[subprocess.Popen] = []  # have said their last word
        self.swept = -SWEEP  # monotonic

    def places(self) -> Sequence[Place]:
        return self._places

    def start(self, run: Run, place: Place, *, again: bool = False) -> None:
        with open(run.folder / "worker.log", "ab") as log:
            process = None if again else self.spare.hand_over(run, place)
            was_spare = process is not None
            if process is None:
                process = processes.start([*self.command, run.id], log, environment=environment(place))
        self.children[run.id] = _Child(process, place, was_spare)

    def alive(self, run: Run) -> bool:
        child = self.children.get(run.id)
        return (child is not None and child.process.poll() is None) or _is_held(run)

    def place(self, run: Run) -> Place:
        if run.id in self.children:
            return self.children[run.id].place
        adopted = store.worker(run)  # started by an earlier server
        return adopted.place if adopted else self._places[0]

    def exit(self, run: Run) -> Exit | None:
        child = self.children.get(run.id)
        if child is None or (code := child.process.poll()) is None:
            return None
        return Exit(code, store.words(run), innocent=child.spare)

    def kill(self, run: Run) -> None:
        child = self.children.get(run.id)
        if child is not None and child.process.poll() is None:
            processes.kill(child.process.pid)
        elif _is_worker(run) and (worker := store.worker(run)):  # started by an earlier server
            processes.kill(worker.pid)

    def forget(self, run_id: str) -> None:
        child = self.children.pop(run_id, None)
        if child is None:
            return
        if not (paths.runs() / run_id).exists():
            processes.kill(child.process.pid)
        self.leaving.append(child.process)

    def tend(self, working: Sequence[Run], waiting: bool) -> None:
        self.spare.tend(working, waiting)
        self.leaving = [process for process in self.leaving if process.poll() is None]
        if time.monotonic() - self.swept > SWEEP:
            self.swept = time.monotonic()
            processes.sweep()


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
