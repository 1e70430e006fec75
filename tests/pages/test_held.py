"""Files that Streamlit's own widgets hold in memory: how many, of whom, and what is refused before its first byte."""

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import config as server

from pages.server import held
from pages.ui.visitors import COOKIE
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.usefixtures("tl_home")


class Runtime:
    """Stands in for Streamlit's: keeps what its upload route is given."""

    def __init__(self):
        self.uploaded_file_mgr, self.file_storage = self, {}


@pytest.fixture
def streamlit(monkeypatch):
    """Streamlit's upload route and what it holds, behind the middleware."""
    runtime = Runtime()

    async def upload(request):
        parameters = request.path_params
        data = await request.body()
        if data.startswith(b"broken"):
            return Response(status_code=400)
        runtime.file_storage.setdefault(parameters["session"], {})[parameters["file"]] = data
        return Response(status_code=204)

    monkeypatch.setattr(held.runtime, "get_instance", lambda: runtime)
    monkeypatch.setattr(held, "_held", {})
    route = Route("/_stcore/upload_file/{session}/{file}", upload, methods=["PUT"])
    runtime.http = TestClient(Starlette(routes=[route], middleware=[held.HELD]))
    return runtime


def put(streamlit, file, data, visitor="ada", session=None, **headers):
    headers["cookie"] = f"{COOKIE}={visitor}"
    return streamlit.http.put(f"/_stcore/upload_file/{session or visitor}/{file}", content=data, headers=headers)


def test_the_widgets_take_no_larger_file_than_a_picture_may_be():
    """One upload of 700 MB held 700 MB of memory; large ones go to the disk."""
    assert "maxUploadSize = 80\n" in (REPOSITORY / ".streamlit" / "config.toml").read_text()
    assert server.get_option("server.maxUploadSize") == 80


def test_one_visitor_may_hold_so_many_bytes_and_gets_them_back(streamlit, monkeypatch):
    monkeypatch.setattr(held, "EACH", 1000)
    assert put(streamlit, 1, bytes(600)).status_code == 204
    refused = put(streamlit, 2, bytes(600), session="another tab")
    assert refused.status_code == 413
    assert "as many files as it can" in refused.text
    assert put(streamlit, 1, bytes(900)).status_code == 204, "the same file again takes its own place"
    assert put(streamlit, 1, bytes(600), visitor="bob").status_code == 204
    del streamlit.file_storage["ada"]["1"]  # the widget was emptied, or the page closed
    assert put(streamlit, 3, bytes(600)).status_code == 204


def test_what_failed_or_was_never_kept_does_not_count(streamlit, monkeypatch):
    monkeypatch.setattr(held, "EACH", 1000)
    for number in range(5):
        assert put(streamlit, number, b"broken" + bytes(600)).status_code == 400
    assert put(streamlit, 9, bytes(600)).status_code == 204


def test_all_together_hold_no_more_than_the_server_bears(streamlit, monkeypatch):
    monkeypatch.setattr(held, "ALL", 1500)
    assert put(streamlit, 1, bytes(1000)).status_code == 204
    assert put(streamlit, 1, bytes(1000), visitor="bob").status_code == 413
    assert put(streamlit, 1, bytes(400), visitor="bob").status_code == 204


def test_empty_files_are_counted_too(streamlit, monkeypatch):
    monkeypatch.setattr(held, "FILES_EACH", 3)
    assert [put(streamlit, number, b"").status_code for number in range(5)] == [204] * 3 + [413] * 2
    monkeypatch.setattr(held, "FILES_ALL", 4)
    assert [put(streamlit, 1, b"", visitor=name).status_code for name in ("bob", "cy")] == [204, 413]


def test_a_file_that_does_not_say_its_size_takes_the_room_of_the_largest(streamlit, monkeypatch):
    monkeypatch.setattr(held, "EACH", (80 << 20) - 1)
    assert put(streamlit, 1, iter([b"x"])).status_code == 413
    monkeypatch.setattr(held, "EACH", 80 << 20)
    assert put(streamlit, 1, iter([b"x"])).status_code == 204


def test_nothing_else_is_held_up(streamlit, monkeypatch):
    monkeypatch.setattr(held, "EACH", 0)
    assert streamlit.http.get("/_stcore/upload_file/a/b").status_code == 405
    assert streamlit.http.get("/elsewhere").status_code == 404
