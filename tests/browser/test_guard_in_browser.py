"""To whom the real server answers: at its own address everybody, under a foreign name or from a foreign page nobody."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import FOREIGN, LAN, App
from tests.browser.test_everywhere import settled

pytestmark = pytest.mark.browser


def test_a_class_reaches_the_server_by_its_address_and_is_not_at_home_there(app: App, page: Page):
    app.stop()
    app.start(STREAMLIT_SERVER_ADDRESS="0.0.0.0")
    page.goto(f"{app.url}/data")
    settled(page)
    expect(page.get_by_role("tab", name="Folder on the server")).to_be_visible()
    page.goto(f"http://{LAN}:{app.port}/data")
    settled(page)
    expect(page.get_by_role("tab", name="Sample pictures")).to_be_visible()
    expect(page.get_by_role("tab", name="Folder on the server")).to_have_count(0)


def test_a_name_that_somebody_pointed_at_us_gets_no_page_and_no_websocket(app: App, page: Page):
    answer = page.goto(f"http://{FOREIGN}:{app.port}/")
    assert answer.status == 421
    expect(page.get_by_text(re.compile(f"--server.allowedHosts {FOREIGN}"))).to_be_visible()
    assert not _opens(page, f"ws://{FOREIGN}:{app.port}/_stcore/stream")
    assert page.context.cookies() == []


def test_a_websocket_from_a_page_of_another_server_is_refused(app: App, page: Page):
    page.goto(f"{app.url}/")
    settled(page)
    assert _opens(page, f"ws://localhost:{app.port}/_stcore/stream")
    page.route(
        "http://localhost:1/", lambda route: route.fulfill(body="<p>another server</p>", content_type="text/html")
    )
    page.goto("http://localhost:1/")
    assert not _opens(page, f"ws://localhost:{app.port}/_stcore/stream")


def _opens(page: Page, address: str) -> bool:
    """Whether a page can open a websocket."""
    return page.evaluate(
        """address => new Promise((resolve) => {
          const socket = new WebSocket(address)
          socket.onopen = () => { socket.close(); resolve(true) }
          socket.onerror = () => resolve(false)
        })""",
        address,
    )
