"""The routes beside Streamlit's own: what they give, to whom, and what they refuse."""

import asyncio
import errno
import io
import json
import re
from pathlib import Path

import pytest
import streamlit
from PIL import Image
from starlette.applications import Starlette

from pages.registry import PAGES
from pages.server.guard import MIDDLEWARE
from pages.server.index import INDEX
from pages.server.routes import ROUTES
from pages.ui.visitors import COOKIE
from tests.conftest import REPOSITORY
from tests.pages.made import drawn, person
from tl_core.base import paths
from tl_core.images.data import uploads

pytestmark = pytest.mark.usefixtures("tl_home")
ADA = {"cookie": f"{COOKIE}=ada"}
STREAMLITS = Path(streamlit.__file__).parent / "static" / "index.html"
ZIP = {"content-type": "application/zip"}


def ask(
    method: str, path: str, *chunks: bytes, headers: dict | None = None, breaks_off: bool = False, routes=tuple(ROUTES)
):
    """Send one request to the routes, without a network: status, headers and body of the answer."""
    path, _, query = path.partition("?")
    arriving = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    arriving.append({"type": "http.disconnect"} if breaks_off else {"type": "http.request", "more_body": False})
    sent = []

    async def receive() -> dict:
        if not arriving:
            await asyncio.Event().wait()  # a visitor who stays connected
        return arriving.pop(0)

    async def send(event: dict) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.encode(), value.encode()) for name, value in {"host": "localhost:8501", **(headers or {})}.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
        "app": None,
    }
    try:
        asyncio.run(Starlette(routes=routes, middleware=MIDDLEWARE)(scope, receive, send))
    except Exception:  # what a route did not expect is answered, and then goes on to the server's log
        if not sent:
            raise
    body = b"".join(event.get("body", b"") for event in sent[1:])
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, body


def begun() -> str:
    status, _headers, body = ask("POST", "/tl/upload", headers=ADA | ZIP)
    assert status == 200
    return json.loads(body)["token"]


def test_a_thumbnail_is_a_square_jpeg_that_browsers_may_keep():
    dataset = drawn()
    status, headers, body = ask("GET", f"/tl/picture/{dataset.id}/{dataset.images[0].id}?side=40")
    assert status == 200
    assert headers["content-type"] == "image/jpeg"
    assert "immutable" in headers["cache-control"]
    assert Image.open(io.BytesIO(body)).size == (40, 40)
    assert ask("HEAD", f"/tl/picture/{dataset.id}/{dataset.images[0].id}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "{dataset}/{other}",
        "{dataset}/{picture}?side=9",
        "{dataset}/{picture}?side=100000",
        "{dataset}/{picture}?side=x",
        "{dataset}/..%2f..%2fmanifest.json",
        "{dataset}/../{dataset}/manifest.json",
        "../datasets/{picture}",
        "{nobody}/{picture}",
        "{dataset}\u0000/{picture}",
    ],
)
def test_whatever_is_no_picture_is_not_found(path: str):
    dataset = drawn()
    names = {"dataset": dataset.id, "picture": dataset.images[0].id, "other": "0" * 64, "nobody": "0" * 16}
    assert ask("GET", "/tl/picture/" + path.format(**names))[0] == 404


def test_plotly_is_served_from_the_wheel():
    status, headers, body = ask("GET", "/tl/plotly.min.js")
    assert status == 200
    assert headers["content-type"].startswith("text/javascript")
    assert b"plotly.js v" in body[:200]


def test_parts_of_an_upload_arrive_on_the_disk():
    token = begun()
    assert ask("PUT", f"/tl/upload/{token}/0", b"PK", b"...", headers=ADA | ZIP)[0] == 200
    assert (uploads.folder(token, person("ada")) / "part-0.zip").read_bytes() == b"PK..."
    assert ask("DELETE", f"/tl/upload/{token}", headers=ADA | ZIP)[0] == 200
    assert not list(paths.uploads().iterdir())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (ADA, 415),  # what a form on another site could send
        (ADA | {"content-type": "text/plain"}, 415),
        (ZIP, 400),  # no cookie: SameSite keeps it away from other sites' requests
        (ZIP | {"cookie": f"{COOKIE}=eve"}, 400),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_the_visitor_who_began_an_upload_may_change_it(method: str, headers: dict, status: int):
    token = begun()
    path = f"/tl/upload/{token}" + ("/0" if method == "PUT" else "")
    assert ask(method, path, b"PK", headers=headers)[0] == status
    assert [item.name for item in uploads.folder(token, person("ada")).iterdir()] == ["owner"]


@pytest.mark.parametrize("path", ["0" * 32 + "/0", "{token}/x", "{token}/-1", "..%2f/0"])
def test_parts_of_no_upload_are_refused(path: str):
    path = path.format(token=begun())
    before = set(Path(paths.home()).rglob("*"))
    assert ask("PUT", f"/tl/upload/{path}", b"PK", headers=ADA | ZIP)[0] in (400, 404)
    assert set(Path(paths.home()).rglob("*")) == before


def test_a_part_that_breaks_off_leaves_nothing():
    token = begun()
    assert ask("PUT", f"/tl/upload/{token}/0", b"half", headers=ADA | ZIP, breaks_off=True)[0] == 400
    assert [item.name for item in uploads.folder(token, person("ada")).iterdir()] == ["owner"]


def test_what_goes_wrong_is_said_in_a_sentence(monkeypatch):
    token = begun()
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    status, _headers, body = ask("PUT", f"/tl/upload/{token}/0", b"x" * 11, headers=ADA | ZIP)
    assert status == 400
    assert "larger than" in json.loads(body)["error"]


def test_a_full_disk_is_said_in_a_sentence(monkeypatch):
    def full(owner: str) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads, "begin", full)
    status, _headers, body = ask("POST", "/tl/upload", headers=ADA | ZIP)
    assert status == 400
    assert "full" in json.loads(body)["error"]


def test_a_browser_without_cookies_is_told_why_nothing_works():
    status, _headers, body = ask("POST", "/tl/upload", headers=ZIP)
    assert status == 400
    assert "cookies" in json.loads(body)["error"]


@pytest.mark.parametrize("address", ["/", "/data", "/run?run=x", "/finetune"])
def test_streamlits_page_is_told_where_the_server_is_before_it_looks(address):
    status, headers, body = ask("GET", address, routes=tuple(INDEX))
    assert (status, headers["cache-control"]) == (200, "no-cache")
    page = body.decode()
    assert page.index('<script src="./tl/place.js"></script>') < page.index('<script type="module"')
    assert page.replace('\n    <script src="./tl/place.js"></script>', "") == STREAMLITS.read_text(encoding="utf-8")


def test_where_the_server_is_is_said_in_the_words_of_streamlits_script():
    status, headers, body = ask("GET", "/tl/place.js", routes=tuple(INDEX))
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    asked = re.findall(r"window\.__streamlit\b|\bBACKEND_BASE_URL\b", body.decode())
    script = "".join(
        path.read_text(encoding="utf-8") for path in (STREAMLITS.parent / "static" / "js").glob("index.*.js")
    )
    assert len(asked) == 2
    assert all(word in script for word in asked)


def test_every_page_of_the_menu_has_its_index():
    scripts = {path.stem for path in (REPOSITORY / "pages").glob("*.py")} - {"__init__", "navigation", "registry"}
    assert scripts == set(PAGES)
    assert {f"/{name}" for name in PAGES} < {route.path for route in INDEX}
