"""A lock tells who is alive: it is held once, and dies with its process."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from tl_core.base.locks import try_lock

HOLDER = """
import sys, time
from pathlib import Path
from tl_core.base.locks import try_lock
with try_lock(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def hold(path: Path) -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n"
    return process


def test_only_one_holds_it_and_it_is_free_afterwards(tmp_path: Path):
    with try_lock(tmp_path / "lock") as first, try_lock(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with try_lock(tmp_path / "lock") as again:
        assert again


def test_it_dies_with_its_process_however_that_ends(tmp_path: Path):
    process = hold(tmp_path / "lock")
    with try_lock(tmp_path / "lock") as mine:
        assert not mine
    process.kill()
    process.wait()
    with try_lock(tmp_path / "lock") as mine:
        assert mine


def test_children_started_while_it_is_held_do_not_inherit_it(tmp_path: Path):
    with try_lock(tmp_path / "lock"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        with try_lock(tmp_path / "lock", patience=5) as mine:  # the child lets go while it begins, not before
            assert mine
    finally:
        child.kill()
        child.wait()


def test_patience_outlasts_somebody_who_only_looks(tmp_path: Path):
    held = threading.Event()

    def look() -> None:
        with try_lock(tmp_path / "lock"):
            held.set()
            time.sleep(0.2)

    thread = threading.Thread(target=look)
    thread.start()
    held.wait()
    with try_lock(tmp_path / "lock", patience=5) as mine:
        assert mine
    thread.join()


def test_patience_ends(tmp_path: Path):
    with try_lock(tmp_path / "lock"):
        began = time.monotonic()
        with try_lock(tmp_path / "lock", patience=0.1) as mine:
            assert not mine
        assert time.monotonic() - began >= 0.1


def test_a_folder_that_is_gone_has_no_lock(tmp_path: Path):
    with try_lock(tmp_path / "gone" / "lock") as mine:
        assert not mine


def test_on_a_disk_that_is_closed_for_writing_a_lock_can_still_be_asked(tmp_path: Path, monkeypatch):
    (tmp_path / "lock").touch()
    real = os.open

    def closed(path: object, flags: int, *more: int) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", closed)
    with try_lock(tmp_path / "lock") as first, try_lock(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with try_lock(tmp_path / "none") as mine:
        assert not mine, "it cannot be made"
