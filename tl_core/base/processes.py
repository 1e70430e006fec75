"""The processes that this app starts beside itself: workers, the spare and the engine.

Each is a session of its own, so it outlives who started it and Ctrl-C there does not reach it. And each has a folder
for what is temporary, since a process that is killed cannot tidy up (TensorFlow writes a file for every function that
it converts):

    $TL_HOME/tmp/<name>         its TMPDIR
    $TL_HOME/tmp/<name>/lock    held as long as it lives; a folder whose lock is free is swept away
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Annotated, Any

from tl_core.base import paths
from tl_core.base.locks import take, try_lock
from tl_core.base.records import Within

Pid = Annotated[int, Within(1, 2**31)]  # of one process: zero and negative numbers stand for whole groups

WATTS = 5  # of a busy processor core, for estimates; one of a notebook or a server takes 2.5 to 10
REPOSITORY = Path(__file__).resolve().parents[2]
_UNFINISHED = ".new-"  # how a folder's name begins while it is being made
_ABANDONED = 3600.0  # seconds after which whoever was making it must have died


def start(
    command: Sequence[str],
    output: IO[Any],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen:
    """Start a process on this data folder, and sweep away what dead ones left.

    Args:
        command: program and arguments; they run in the repository.
        output: where its standard output and error go.
        environment: set on top of this process's own.
        stdin: as for `subprocess.Popen`.

    Raises:
        OSError: there is no such program, or no room for another process.
    """
    sweep()
    own, locks = {"TL_HOME": str(paths.home()), "PYTHONUNBUFFERED": "1"}, []
    with contextlib.suppress(OSError):  # a full disk: let the process say so
        folder, lock = _temporary()
        own["TMPDIR"] = str(folder)
        locks.append(lock)
    try:
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **own, **(environment or {})},
            stdin=stdin,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=locks,
        )
    finally:
        for lock in locks:  # from here on the process alone holds it
            os.close(lock)


def sweep() -> None:
    """Delete the temporary folders of processes that are dead."""
    try:
        found = list(_folder().iterdir())
    except OSError:  # there is none yet
        return
    for folder in found:
        with contextlib.suppress(OSError):
            if folder.name.startswith(_UNFINISHED):
                dead = time.time() - folder.stat().st_mtime > _ABANDONED
            else:
                with try_lock(folder / "lock") as dead:
                    pass
            if dead:
                shutil.rmtree(folder, ignore_errors=True)


def born(pid: int) -> int | None:
    """When a process began, in ticks since the machine did: with its number this names one process for good.

    None: it is gone, or the system does not say (there is no /proc).
    """
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def halted(pid: int) -> bool:
    """Whether somebody has stopped a process (SIGSTOP, Ctrl-Z): it is there but does nothing until it may go on."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_seconds() -> float:
    """Seconds that this process has computed, of all cores together."""
    return time.process_time()


def forget_peak() -> None:
    """Have `peak` count from now on, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> int | None:
    """The most bytes of memory that this process has held, shared libraries included; None: the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None


def kill(pid: int) -> None:
    """End a process at once, and what it may have started."""
    try:
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True)
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:  # started by hand
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _temporary() -> tuple[Path, int]:
    """A new folder, and the descriptor that holds its lock: nobody ever sees it without."""
    name = secrets.token_hex(6)
    _folder().mkdir(exist_ok=True)
    building = _folder() / f"{_UNFINISHED}{name}"
    building.mkdir()
    lock = take(building / "lock")
    if lock is None:
        raise FileNotFoundError(f"{building} was deleted")
    return building.rename(building.with_name(name)), lock


def _folder() -> Path:
    return paths.home() / "tmp"
