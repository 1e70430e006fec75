"""The real app in a real Chromium: a server on a data folder of its own, and a page that looks at it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import REPOSITORY

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
FOREIGN, LAN = "evil.example", "192.0.2.5"  # a name and an address at which the browser finds this computer
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync",
         f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, MAP {LAN} 127.0.0.1"]  # fmt: skip
MOBILENET = "mobilenet_2_5_224_tf_no_top.h5"
PATIENCE = 180_000  # milliseconds that an assertion waits at most: a busy machine needs them


@dataclass
class App:
    """A running server; `restart` ends it and starts another one on the same data."""

    home: Path
    keras: Path
    port: int
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self, **environment: str) -> "App":
        """Start the server and wait until it answers."""
        with open(self.home / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
                cwd=REPOSITORY,
                env={**os.environ, "TL_HOME": str(self.home), "KERAS_HOME": str(self.keras), **environment},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                return self
            time.sleep(0.05)
        raise AssertionError((self.home / "server.log").read_text())

    def stop(self) -> None:
        """End the server; workers go on."""
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE / 1000)
            self.process = None


@pytest.fixture(scope="package")  # not session: an open Playwright holds the event loop that other tests need
def browser() -> Iterator[Browser]:
    """Chromium, headless."""
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: browser tests did not run; install it (Debian: apt install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@contextlib.contextmanager
def served(folder: Path, **environment: str) -> Iterator[App]:
    """The app on an empty data folder; the real MobileNet 0.25 weights lie in its Keras cache if they are at hand."""
    home, keras = folder / "home", folder / "keras"
    home.mkdir()
    (keras / "models").mkdir(parents=True)
    weights = REPOSITORY.parent / "shared" / "weights" / MOBILENET
    if weights.is_file():
        shutil.copy(weights, keras / "models")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = App(home, keras, port)
    yield server.start(**environment)
    server.stop()
    _end_what_is_left(home)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """The app on a data folder of this test's own."""
    with served(tmp_path) as server:
        yield server


@pytest.fixture
def no_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No training process is kept ready: where nothing is trained it would only take the machine's time."""
    monkeypatch.setenv("TL_WARM", "0")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor's page, 1280 x 900, English; what it does must keep to the Content-Security-Policy."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        locale="en-US",
        reduced_motion="reduce",  # without a screen it is costly
    )
    context.set_default_timeout(PATIENCE)
    opened, violations = context.new_page(), []
    opened.on("console", lambda said: violations.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert not violations


def until(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true on the page.

    Playwright's own `wait_for_function` evaluates it again and again inside the page, which the page's policy forbids.
    """
    deadline = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < deadline, f"waited in vain for {expression}"
        page.wait_for_timeout(50)


def emptied(folder: Path) -> None:
    """Wait until nothing lies in a folder: what was sent is cleared away after the page has shown what became of it."""
    deadline = time.monotonic() + PATIENCE / 1000
    while left := list(folder.iterdir()):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def _end_what_is_left(home: Path) -> None:
    """Workers and engines outlive their server on purpose; a test's must not outlive the test."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            environment = (process / "environ").read_bytes().split(b"\0")
            if f"TL_HOME={home}".encode() in environment:
                os.kill(int(process.name), signal.SIGKILL)
