"""The page that a browser loads first: Streamlit's own, which is told where its server is.

It would look for the server below the address at which it was opened (`/data/_stcore/health`) before it looks at the
root: two requests that fail, and two errors in the console, at every page that is opened by its address.

    GET /, /data, /train ...     Streamlit's index page with one script more
    GET /tl/place.js             that script; the Content-Security-Policy knows no new inline ones
"""

from functools import lru_cache
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pages.registry import PAGES

# What Streamlit's script looks for: `StreamlitWindowObject` in its lib/src/util. The root lies above "tl/place.js".
PLACE = 'window.__streamlit = { BACKEND_BASE_URL: new URL("..", document.currentScript.src).href }\n'


async def index(request: Request) -> Response:
    """Streamlit's index page, never kept by the browser, as Streamlit has it."""
    return HTMLResponse(_index(), headers={"Cache-Control": "no-cache"})


async def place(request: Request) -> Response:
    """Where the server is."""
    return Response(PLACE, media_type="text/javascript", headers={"Cache-Control": "public, max-age=86400"})


@lru_cache
def _index() -> str:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return page.replace("<head>", '<head>\n    <script src="./tl/place.js"></script>', 1)


INDEX = [*(Route(f"/{name}", index) for name in ("", *PAGES)), Route("/tl/place.js", place)]
