"""What holds for every request, Streamlit's own included: to whom we answer, and what an answer allows the browser.

A page of another site could have its name point at this server (DNS rebinding) or open a websocket to it. So a request
must name us by an address or by a name that is ours, and what changes something must come from a page of ours. Names
beside the computer's own are listed in `server.allowedHosts`, pages of other addresses in `server.corsAllowedOrigins`.
"""

import base64
import hashlib
import ipaddress
import logging
import re
import secrets
import socket
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config as server

from pages.ui.i18n import catalogue
from pages.ui.visitors import COOKIE, HOST, host_name, is_loopback
from tl_core.base.messages import message

YEAR = 365 * 24 * 3600  # seconds
READING = ("GET", "HEAD", "OPTIONS")
POLICY_VIOLATION = 1008  # a websocket's code for being closed


class Guard:
    """ASGI middleware: refuses strangers' hosts and origins, gives cookies, and puts the headers on all answers."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        refused = _refusal(asked)
        if scope["type"] == "websocket":
            if refused:
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            else:
                await self.app(scope, receive, send)
            return
        begun = False

        async def with_headers(event: Message) -> None:
            nonlocal begun
            if event["type"] == "http.response.start":
                begun = True
                _put_headers(MutableHeaders(scope=event), asked)
            await send(event)

        try:
            await (refused or self.app)(scope, receive, with_headers)
        except Exception:
            if not begun:  # Starlette would answer outside of us, without the headers
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, with_headers)
            raise


def own_host(host: str | None) -> bool:
    """Whether a request with this Host header is meant for us.

    Where `server.allowedHosts` lists names, these alone. Else loopback names, this computer's own name, and any
    address: no other site can have a browser take an address for its own.
    """
    name = host_name(host or "")
    if not name:
        return False
    if listed := server.get_option("server.allowedHosts"):
        return any(_fits(name, pattern.strip().lower().rstrip(".")) for pattern in listed)
    return is_loopback(name) or name in _own_names() or _is_address(name)


def own_origin(origin: str | None, host: str | None) -> bool:
    """Whether a page from `origin` is ours, as seen by the Host header; None: no page of a browser asks."""
    if origin is None or origin in server.get_option("server.corsAllowedOrigins"):
        return True
    return bool(host_name(host or "")) and _place(urlsplit(origin).netloc) == _place(host)


def content_policy(host: str) -> str:
    """The Content-Security-Policy: everything from this server alone.

    Scripts may also come from `blob:`, which is how Streamlit runs the page's own components; the one inline script of
    its index page is known by its hash. Styles are inline, as Streamlit, its charts and our HTML write them.
    """
    sockets = f"ws://{host} wss://{host}" if host_name(host) else ""  # older browsers do not count them to 'self'
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {' '.join(_inline_scripts())}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            f"connect-src 'self' data: {sockets}".rstrip(),  # data: is what the camera's picture is read from
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def _refusal(asked: HTTPConnection) -> PlainTextResponse | None:
    host, origin = asked.headers.get("host"), asked.headers.get("origin")
    if not own_host(host):
        said = message(
            "This server is not known as {host}. Start it with --server.allowedHosts {host} if it should be.",
            host=host_name(host or "") or "?",
        )
        status = 421
    elif asked.scope.get("method") not in READING and not own_origin(origin, host):
        said = message("Pages of {origin} may change nothing here.", origin=origin)
        status = 403
    else:
        return None
    logging.getLogger(__name__).log(logging.WARNING, "refused: %s", said)
    language = "zh" if asked.headers.get("accept-language", "").lower().startswith("zh") else "en"
    return PlainTextResponse(said.translated(catalogue(language).gettext), status)


def _put_headers(headers: MutableHeaders, asked: HTTPConnection) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"  # an address names runs and texts
    headers["Content-Security-Policy"] = content_policy(asked.headers.get("host", ""))
    if headers.get("content-type", "").startswith("text/html") and not asked.cookies.get(COOKIE):
        secure = "; Secure" if asked.scope["scheme"] == "https" else ""
        cookie = f"{COOKIE}={secrets.token_hex(16)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"
        headers.append("Set-Cookie", cookie)


@lru_cache
def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return frozenset((name, short, f"{short}.local")) - {"", ".local"}


@lru_cache
def _inline_scripts() -> tuple[str, ...]:
    """The hashes of the scripts in Streamlit's own index page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in found)
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _fits(name: str, pattern: str) -> bool:
    """As Streamlit reads its list: `*` is every name, `*.school.example` every name below."""
    return pattern == "*" or name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _place(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; the ports that browsers leave out are None."""
    found = HOST.fullmatch(host)
    port = int(found["port"]) if found and found["port"] else None
    return host_name(host), None if port in (80, 443) else port


MIDDLEWARE = [Middleware(Guard)]
