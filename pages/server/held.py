"""How much of the memory uploads to Streamlit's own widgets may hold: of one visitor, and of all together.

Streamlit keeps such a file in memory as long as the page that took it is open, and bounds only the single file
(`server.maxUploadSize`). Large uploads have a way of their own, straight to the disk (`pages/server/routes.py`).
"""

import re
import threading
from collections.abc import Collection

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config as server
from streamlit import runtime

from pages.ui.i18n import catalogue
from pages.ui.visitors import visitor
from tl_core.base.messages import message

EACH, ALL = 400 * 1024**2, 1536 * 1024**2  # bytes
FILES_EACH, FILES_ALL = 2_000, 20_000
_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")

File = tuple[str, str]  # session, file

_lock = threading.Lock()
_held: dict[File, tuple[str, int]] = {}  # who gave it, and its bytes; on its way or in memory
_arriving: set[File] = set()


class Held:
    """ASGI middleware: refuses a file before its first byte where there is no room for it."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if not found:
            await self.app(scope, receive, send)
            return
        request, file = Request(scope), (found[1], found[2])
        giver = (await run_in_threadpool(visitor, request)).id
        if not _take(file, giver, _size(request), _kept()):
            await _full(request)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            _arriving.discard(file)


def _take(file: File, giver: str, size: int, kept: Collection[File]) -> bool:
    """Note a file that is on its way; False if it would be too much.

    Args:
        kept: the files that Streamlit holds; what it has let go of no longer counts.
    """
    with _lock:
        for known in _held.keys() - kept - _arriving:
            del _held[known]
        others = [given for known, given in _held.items() if known != file]
        mine = [bytes_ for who, bytes_ in others if who == giver]
        if len(mine) >= FILES_EACH or len(others) >= FILES_ALL:
            return False
        if sum(mine) + size > EACH or sum(bytes_ for _who, bytes_ in others) + size > ALL:
            return False
        _held[file] = (giver, size)
        _arriving.add(file)
        return True


def _kept() -> set[File]:
    storage = runtime.get_instance().uploaded_file_mgr.file_storage
    return {(session, file) for session, files in list(storage.items()) for file in list(files)}


def _size(request: Request) -> int:
    """What a file will take at most, in bytes."""
    most = server.get_option("server.maxUploadSize") * 1024**2
    said = request.headers.get("content-length", "")
    return min(int(said), most) if said.isdecimal() else most


def _full(request: Request) -> PlainTextResponse:
    language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
    said = message(
        "The server holds as many files as it can at the moment. Remove some, or wait a little and try again.",
    )
    return PlainTextResponse(said.translated(catalogue(language).gettext), 413)


HELD = Middleware(Held)
