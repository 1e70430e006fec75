"""A process has a temporary folder that goes with it, and an identity that no other process ever has."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tl_core.base import processes

WRITES = """
import sys, tempfile, time
with tempfile.NamedTemporaryFile(delete=False) as file:
    print(file.name, flush=True)
time.sleep(60)
"""


def started(tl_home: Path, program: str, **arguments) -> subprocess.Popen:
    with open(tl_home / "log", "wb") as log:
        return processes.start([sys.executable, "-c", program], log, **arguments)


def said(tl_home: Path) -> str:
    deadline = time.monotonic() + 30
    while not (text := (tl_home / "log").read_text()).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return text.strip()


def test_what_a_killed_process_leaves_is_swept_and_what_a_live_one_needs_is_not(tl_home: Path):
    process = started(tl_home, WRITES)
    file = Path(said(tl_home))
    assert file.parent.parent == tl_home / "tmp"
    processes.sweep()
    assert file.exists()
    process.kill()
    process.wait()
    assert file.exists()
    processes.sweep()
    assert list((tl_home / "tmp").iterdir()) == []


def test_starting_sweeps(tl_home: Path):
    first = started(tl_home, "")
    first.wait()
    second = started(tl_home, WRITES)
    assert [Path(said(tl_home)).parent] == list((tl_home / "tmp").iterdir())
    second.kill()
    second.wait()


def test_a_process_that_could_not_be_started_leaves_nothing_for_long(tl_home: Path):
    with pytest.raises(FileNotFoundError), open(tl_home / "log", "wb") as log:
        processes.start([str(tl_home / "no program")], log)
    processes.sweep()
    assert list((tl_home / "tmp").iterdir()) == []


def test_a_full_disk_keeps_no_process_from_starting(tl_home: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("TMPDIR", "/elsewhere")
    monkeypatch.setattr(processes, "take", full)
    process = started(tl_home, "import os; print(os.environ['TMPDIR'])")
    assert process.wait(30) == 0 and said(tl_home) == "/elsewhere"


def test_a_folder_that_is_just_being_made_is_left_alone(tl_home: Path):
    building = tl_home / "tmp" / ".new-abc"
    building.mkdir(parents=True)
    processes.sweep()
    assert building.exists()
    os.utime(building, (time.time() - 7200, time.time() - 7200))
    processes.sweep()
    assert not building.exists()


def test_a_process_knows_its_data_folder_and_more(tl_home: Path):
    program = "import os; print(os.environ['TL_HOME'], os.environ['TL_PLACE'], os.getsid(0) == os.getpid())"
    process = started(tl_home, program, environment={"TL_PLACE": "1"})
    assert process.wait(30) == 0 and said(tl_home) == f"{tl_home} 1 True"


def test_a_process_is_known_by_its_birth():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    own, others = processes.born(os.getpid()), processes.born(child.pid)
    assert own == processes.born(os.getpid()) and own < others
    child.kill()
    child.wait()
    assert processes.born(child.pid) is None


def test_kill_ends_a_session_with_all_its_processes(tl_home: Path):
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    process = started(tl_home, program, stdin=subprocess.PIPE)
    said(tl_home)
    processes.kill(process.pid)
    assert process.wait(30) == -signal.SIGKILL
    processes.kill(process.pid)  # once more harms nobody
    with pytest.raises(BrokenPipeError):  # the last reader is gone: its child has ended too
        while True:
            os.write(process.stdin.fileno(), b"\n")
    process.stdin.close()
