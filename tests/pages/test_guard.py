"""To whom the server answers, who is local, and the headers that every answer has; no network, no browser."""

import asyncio
import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from streamlit import config as server

from pages.server import guard
from pages.server.guard import MIDDLEWARE, own_host, own_origin
from pages.server.routes import ROUTES
from pages.ui import session
from pages.ui.visitors import COOKIE, is_local
from tests.pages import test_routes
from tests.pages.conftest import come_from
from tests.pages.made import drawn

pytestmark = pytest.mark.usefixtures("tl_home")
HERE = {"Host": "localhost:8501"}


@pytest.fixture
def option(monkeypatch):
    """Set one of Streamlit's options for the test."""
    options = {}
    asked = server.get_option
    monkeypatch.setattr(server, "get_option", lambda name: options[name] if name in options else asked(name))
    return options


# Who is local


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("127.0.0.1", HERE),
        ("::1", {"Host": "[::1]:8501"}),
        ("::ffff:127.0.0.1", {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"}),
        ("127.0.0.1", {"host": "LOCALHOST", "origin": "http://localhost:8501"}),
    ],
)
def test_a_browser_on_the_servers_own_computer_is_local(peer, headers):
    assert is_local(peer, headers.items())


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        (None, HERE),  # a Unix socket: only a proxy reaches it
        ("192.168.1.20", HERE),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"Host": "192.168.1.5:8501"}),
        ("127.0.0.1", {"Host": "app.school.example"}),
        ("127.0.0.1", {"Host": "localhost.evil.example"}),
        ("127.0.0.1", {"Host": "localhost:8501@evil.example"}),
        ("127.0.0.1", {**HERE, "Origin": "https://app.school.example"}),  # a proxy that hides itself
        ("127.0.0.1", {**HERE, "Origin": "null"}),
        *(
            ("127.0.0.1", {**HERE, name: "127.0.0.1"})
            for name in (
                "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP",
                "CF-Connecting-IP", "True-Client-IP",
            )
        ),
    ],
)  # fmt: skip
def test_whoever_comes_from_elsewhere_or_by_a_detour_is_not(peer, headers):
    assert not is_local(peer, headers.items())


@pytest.mark.parametrize("value", ["0", "no", "False"])
def test_one_setting_says_that_nobody_is_local(value, monkeypatch):
    monkeypatch.setenv("TL_LOCAL", value)
    assert not is_local("127.0.0.1", HERE.items())


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        (None, {"Host": "localhost:8501"}, True),
        (None, {"Host": "localhost:8501", "X_Forwarded_For": "10.0.0.9"}, False),
        ("192.168.1.20", {"Host": "192.168.1.5:8501"}, False),
    ],
)
def test_a_page_knows_it_from_its_websocket_wherever_the_server_listens(address, headers, local, monkeypatch, option):
    come_from(monkeypatch, address, **headers)
    for listening in ("localhost", "0.0.0.0", ""):
        option["server.address"] = listening
        assert session.is_local() is local
    option["server.address"] = "unix:///run/lab.sock"
    assert not session.is_local()


# Hosts and origins


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1", "192.168.1.5:8501", "[fe80::1]:8501", "lab.localhost"])
def test_the_computer_answers_to_its_addresses(host):
    assert own_host(host)


def test_the_computer_answers_to_its_own_name(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "Teacher-PC.school.lan")
    guard._own_names.cache_clear()
    assert all(own_host(f"{name}:8501") for name in ("teacher-pc", "teacher-pc.local", "TEACHER-PC.school.lan"))
    guard._own_names.cache_clear()


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "localhost.evil.example", "a b", "x@localhost", "localhost/x"]
)
def test_foreign_and_malformed_hosts_are_not_ours(host):
    assert not own_host(host)


def test_listed_hosts_alone_are_ours(option):
    option["server.allowedHosts"] = ["app.school.example", "*.lab.example"]
    assert own_host("app.school.example") and own_host("a.lab.example:443")
    assert not own_host("192.168.1.5") and not own_host("lab.example.evil") and not own_host("localhost")
    option["server.allowedHosts"] = ["*"]
    assert own_host("anything.example") and not own_host("a b")


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (None, "localhost:8501", True),
        ("http://localhost:8501", "localhost:8501", True),
        ("https://app.school.example", "app.school.example:443", True),
        ("http://localhost:3000", "localhost:8501", False),  # another server on this computer
        ("http://192.168.1.5:8501", "localhost:8501", False),
        ("https://evil.example", "localhost:8501", False),
        ("null", "localhost:8501", False),
    ],
)
def test_a_page_is_ours_when_it_came_from_where_it_asks(origin, host, ours, option):
    assert own_origin(origin, host) is ours
    if origin:
        option["server.corsAllowedOrigins"] = [origin]
        assert own_origin(origin, host)


def connect(**headers):
    """Open a websocket: what the server answers first."""
    sent, reached = [], []

    async def endpoint(websocket):
        reached.append(1)
        await websocket.accept()
        await websocket.close()

    async def receive():
        return {"type": "websocket.connect"}

    async def send(event):
        sent.append(event)

    scope = {
        "type": "websocket", "path": "/_stcore/stream", "raw_path": b"/_stcore/stream", "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("localhost", 8501), "scheme": "ws", "root_path": "", "subprotocols": [],
    }  # fmt: skip
    app = Starlette(routes=[WebSocketRoute("/_stcore/stream", endpoint)], middleware=MIDDLEWARE)
    asyncio.run(app(scope, receive, send))
    assert bool(reached) == (sent[0]["type"] == "websocket.accept")
    return sent[0]["type"]


def test_websockets_of_foreign_hosts_and_pages_are_refused():
    assert connect(Host="localhost:8501", Origin="http://localhost:8501") == "websocket.accept"
    assert connect(Host="192.168.1.5:8501", Origin="http://192.168.1.5:8501") == "websocket.accept"
    assert connect(Host="localhost:8501") == "websocket.accept"
    for host, origin in (
        ("evil.example:8501", "http://evil.example:8501"),  # a name that was pointed at us
        ("localhost:8501", "http://evil.example"),
        ("localhost:8501", "http://localhost:3000"),
    ):
        assert connect(Host=host, Origin=origin) == "websocket.close"


def test_a_foreign_host_is_told_what_to_set_and_gets_nothing_else():
    dataset = drawn()
    path = f"/tl/picture/{dataset.id}/{dataset.images[0].id}"
    status, headers, body = test_routes.ask("GET", path, headers={"host": "evil.example"})
    assert status == 421
    assert b"--server.allowedHosts evil.example" in body
    assert headers["content-type"].startswith("text/plain")
    assert test_routes.ask("GET", path, headers={"host": "192.168.1.5"})[0] == 200


def test_pages_of_other_sites_change_nothing():
    headers = test_routes.ADA | test_routes.ZIP | {"origin": "http://evil.example"}
    assert test_routes.ask("POST", "/tl/upload", headers=headers)[0] == 403
    headers["origin"] = "http://localhost:8501"
    assert test_routes.ask("POST", "/tl/upload", headers=headers)[0] == 200


# Headers


async def page(request):
    """An index page."""
    return HTMLResponse("<p>x")


async def broken(request):
    """A route with a bug."""
    raise RuntimeError("a bug")


@pytest.mark.parametrize("path", ["/", "/tl/plotly.min.js", "/tl/picture/x/y", "/nothing", "/broken"])
@pytest.mark.parametrize("host", ["localhost:8501", "evil.example"])
def test_every_answer_has_the_headers(path, host):
    routes = [Route("/", page), Route("/broken", broken), *ROUTES]
    status, headers, _body = test_routes.ask("GET", path, headers={"host": host}, routes=routes)
    assert status == {"evil.example": 421}.get(host, {"/broken": 500, "/nothing": 404}.get(path, status))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["frame-ancestors"] == "'self'"
    assert policy["object-src"] == policy["frame-src"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in policy["script-src"] and "*" not in policy["script-src"]


def test_the_inline_script_of_streamlits_page_is_known_by_its_hash():
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    assert len(re.findall(r"<script>", index.read_text())) == len(guard._inline_scripts()) == 1


def test_the_cookie_is_secret_to_scripts_and_given_once():
    _status, headers, _body = test_routes.ask("GET", "/", routes=[Route("/", page)])
    cookie = headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[0-9a-f]{{32}}; ", cookie)
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    _status, headers, _body = test_routes.ask("GET", "/", routes=[Route("/", page)], headers=test_routes.ADA)
    assert "set-cookie" not in headers
