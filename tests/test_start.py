"""The first page is up nearly as soon as Streamlit itself, and the web process has no TensorFlow in it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.conftest import REPOSITORY

ATTEMPTS = 3  # one that succeeds is enough: other work on the machine is not the app's
EMPTY = "import streamlit\nstreamlit.title('Nothing')\n"


def _seconds(script: Path, home: Path) -> float:
    """From the start of a server to its first page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)],
        cwd=REPOSITORY,
        env={**os.environ, "TL_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.monotonic() - began < 120:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/", timeout=1).read()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.02)
        raise AssertionError("the server never answered")
    finally:
        server.terminate()
        server.wait(60)


def test_the_first_page_is_up_nearly_as_soon_as_streamlits_own(tmp_path, tl_home):
    """Where an empty page takes one second, ours may take two; elsewhere in proportion."""
    (tmp_path / "empty.py").write_text(EMPTY)
    ratios = []
    for _ in range(ATTEMPTS):
        ratios.append(_seconds(REPOSITORY / "app.py", tl_home) / _seconds(tmp_path / "empty.py", tl_home))
        if ratios[-1] < 2:
            break
    assert min(ratios) < 2, ratios


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
