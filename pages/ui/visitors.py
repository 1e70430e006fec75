"""Who asks: a browser's cookie, and whether it runs on the server's own computer.

Where policy asks, it asks `tl_core.runs.people`; here is how a connection becomes a `Person`.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from tl_core.runs import people
from tl_core.runs.people import Person

COOKIE = "tl_visitor"
HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::(?P<port>\d{1,5}))?", re.ASCII)
NEVER_LOCAL = ("0", "no", "never", "false")  # values of TL_LOCAL
FORWARDED = (  # headers that only something between the browser and us adds; also all that begin with X-Forwarded
    "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-host", "x-proxycontextpath",
    "x-original-forwarded-for", "x-envoy-external-address", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
)  # fmt: skip


def visitor(connection: HTTPConnection) -> Person:
    """Who has sent a request."""
    peer = connection.client.host if connection.client else None
    return person(connection.cookies.get(COOKIE, ""), peer, connection.headers.items())


def person(secret: str, peer: str | None, headers: Iterable[tuple[str, str]]) -> Person:
    """Whoever has this secret and comes from there."""
    return Person(people.public_id(secret), is_local(peer, headers))


def is_local(peer: str | None, headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a browser runs on this very computer, so that the server, its files and all that is made are its user's.

    It must reach us over the loopback, by a loopback name, from a page that was loaded so, and by no detour. A proxy
    that hides itself cannot be told from a browser; `TL_LOCAL=0` says that nobody is local.

    Args:
        peer: the address that the connection comes from; None where it is not known.
        headers: of the request, or of the one that opened the websocket.
    """
    if os.environ.get("TL_LOCAL", "").strip().lower() in NEVER_LOCAL or peer is None or not is_loopback(peer):
        return False
    found = [(name.lower(), value) for name, value in headers]
    if any(name in FORWARDED or name.startswith("x-forwarded") for name, _value in found):
        return False
    hosts = [value for name, value in found if name == "host"]
    origins = [urlsplit(value).netloc for name, value in found if name == "origin"]
    return bool(hosts) and all(is_loopback(host_name(host)) for host in hosts + origins)


def host_name(host: str) -> str:
    """The name or address in a Host header, in small letters and without its port; "" if it is malformed."""
    found = HOST.fullmatch(host)
    return (found["address"] or found["name"]).lower().rstrip(".") if found else ""


def is_loopback(name: str) -> bool:
    """Whether a host name or address means this computer itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket for both families names IPv4
    return (mapped or address).is_loopback
