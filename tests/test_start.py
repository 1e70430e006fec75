"""The first page is up in under two seconds, and the web process has no TensorFlow in it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _serve(port: int, home: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "TL_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait(port: int) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 30:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/", timeout=1).read()
            return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the server never answered")


def test_the_first_page_is_up_in_two_seconds(port, tl_home):
    seconds = []
    for _attempt in range(3):  # the best of three: other work on the machine is not the app's
        server = _serve(port, tl_home)
        try:
            seconds.append(_wait(port))
        finally:
            server.terminate()
            server.wait(20)
    assert min(seconds) < 2.0, seconds


def test_no_page_loads_tensorflow(tl_home):
    """Every page is run once in a fresh process; what it has imported by then is what the web process holds."""
    program = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
test = AppTest.from_file(Path("pages/navigation.py").resolve(), default_timeout=60).run()
for name in ("welcome", "data", "train", "run", "runs", "classify", "replay", "generate", "finetune"):
    test.switch_page(f"{name}.py").run()
    assert not test.exception, (name, test.exception)
heavy = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
assert not heavy, heavy
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
