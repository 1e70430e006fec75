"""To whom the real server answers: at its own address everybody, under a foreign name or from a foreign page nobody."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FOREIGN, LAN, App, served
from tests.browser.test_everywhere import settled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all; nothing is trained."""
    with served(tmp_path_factory.mktemp("app"), TL_WARM="0") as server:
        yield server


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


def test_the_policy_lets_our_own_scripts_and_workers_run_and_no_others(app: App, browser: Browser):
    """What is let run is what Streamlit, its components, Plotly and the camera need."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app.url}/")
    settled(page)
    done = page.evaluate(
        """async (elsewhere) => {
          const works = async (attempt) => { try { return Boolean(await attempt()) } catch { return false } }
          const script = (source) => new Promise((resolve, reject) => {
            const listen = { onload: resolve, onerror: reject }
            document.head.append(Object.assign(document.createElement('script'), { src: source, ...listen }))
          })
          const blob = (text) => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
          const answer = (worker) => new Promise((resolve, reject) =>
            Object.assign(worker, { onmessage: resolve, onerror: reject }))
          const inline = document.createElement('script')
          inline.textContent = 'window.tlInline = 1'
          document.head.append(inline)
          return {
            component: await works(() => import(blob('export const a = 1'))),
            plotly: await works(async () => { await script('tl/plotly.min.js'); return window.Plotly }),
            worker: await works(() => answer(new Worker(blob('postMessage(1)')))),
            camera: await works(() => fetch('data:image/jpeg;base64,AAAA')),
            inline: window.tlInline === 1,
            code: await works(() => eval('1')),
            elsewhere: await works(async () => { await script(elsewhere); return true }),
            away: await works(() => fetch(elsewhere, { mode: 'no-cors' })),
          }
        }""",
        f"http://127.0.0.1:{app.port}/tl/plotly.min.js",  # the same server, another origin
    )
    assert done == dict.fromkeys(("component", "plotly", "worker", "camera"), True) | dict.fromkeys(
        ("inline", "code", "elsewhere", "away"), False
    )
    context.close()


def test_no_other_site_shows_us_in_a_frame(app: App, browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    page.route("http://localhost:1/", lambda route: route.fulfill(
        body=f'<iframe src="{app.url}/"></iframe>', content_type="text/html"))  # fmt: skip
    page.goto("http://localhost:1/")
    page.frames[1].wait_for_load_state()
    assert page.frames[1].url.startswith("chrome-error:")
    context.close()


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
