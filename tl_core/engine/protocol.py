"""What the pages and the engine say to each other, and how they find each other. No TensorFlow.

The engine is a small web server on this machine alone (a Unix socket in TL_HOME; a loopback port where there are none).
A question is `POST /<name of its row>`, its body as `tl_core.base.calls.packed` makes it; both are plain data, nothing
is ever unpickled. The answer is a line of JSON for each of

    {}                     at once: the question has arrived
    {"status": sentence}   every second: what happens now, and a sign of life
    {"event": reply}       one of several things that are answered
    {"result": reply}      the answer, or the end of what is answered
    {"error": error}       why there is none

Who asks proves with a key that they may read TL_HOME.

    engine.json    address, key and process of the engine; mode 600, gone when it has ended properly; the engine writes
                   it anew when somebody spoils it
    engine.lock    held by the engine as long as it lives
    engine.log     its standard output and error
"""

import contextlib
import http.client
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

from tl_core.base import paths, processes, records
from tl_core.base.calls import Call
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.base.processes import Pid
from tl_core.base.records import Count

VERSION = 4  # of this protocol; an engine that speaks another one is replaced
MOST = 128 * 1024 * 1024  # bytes of one question; a picture file has at most 80 MiB
HALTED = 3.0  # seconds after which an engine that somebody has stopped counts as hung
LOOKS = 0.5  # seconds between looks whether it is
HANDSHAKE = 20.0  # seconds in which it must have said that a question has arrived
SILENCE = 60.0  # seconds without a sign of life after which it counts as hung; it gives one every second
SOCKET_PATH = 100  # characters; longer paths do not fit a Unix socket's address
BACKLOG = 64  # connections that wait to be accepted
CHUNK = 64 * 1024  # bytes read at once
UNREACHABLE = (OSError, EOFError, http.client.HTTPException)  # what nobody, or somebody else, makes of a question


@dataclass(frozen=True)
class Named:
    """A model, by its source."""

    source: str


@dataclass(frozen=True)
class State:
    """How far a model is: not asked for, being loaded (`message` says what happens now), ready, or failed."""

    status: Literal["absent", "loading", "ready", "failed"]
    message: Message | None = None
    error: UserError | None = None


# What the engine itself is asked: to load a model in the background, and how far it is.
WARM: Call[Named, None] = Call("engine.warm", Named, type(None), "")
STATE: Call[Named, State] = Call("engine.state", Named, State, "")


@dataclass(frozen=True)
class Place:
    """Where an engine answers."""

    address: str | tuple[str, int]
    key: bytes
    pid: int
    version: int = VERSION
    born: int | None = None  # from `tl_core.base.processes.born`; None where that is not known


def lock() -> Path:
    """The file that the engine holds locked."""
    return paths.home() / "engine.lock"


def find() -> Place | None:
    """Where the engine says it answers; it may have died since."""
    try:
        data = records.load(_card())
        return Place(
            records.value(str | tuple[str, int], data.get("address")),
            bytes.fromhex(records.value(str, data.get("key"))),
            records.value(Pid, data.get("pid")),
            records.value(int, data.get("version")),
            records.value(Count | None, data.get("born")),
        )
    except (OSError, ValueError):
        return None


def listen() -> tuple[socket.socket, Place]:
    """Open the engine's end; call it only with the lock held."""
    path = str(paths.home() / "engine.sock")
    listener = None
    if os.name != "nt" and len(path) <= SOCKET_PATH:
        listener = socket.socket(socket.AF_UNIX)
        try:
            Path(path).unlink(missing_ok=True)  # of an engine that was killed
            listener.bind(path)
        except OSError:  # not every network drive has sockets
            listener.close()
            listener = None
    if listener is None:
        listener = socket.socket(socket.AF_INET)
        listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    born = processes.born(os.getpid())
    return listener, Place(listener.getsockname(), secrets.token_bytes(32), os.getpid(), born=born)


def publish(place: Place) -> None:
    """Tell clients where the engine answers; nobody else can read the key."""
    part = _card().with_suffix(f".{place.pid}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**asdict(place), "key": place.key.hex()}, file)
    part.replace(_card())


def reachable(place: Place) -> bool:
    """Whether the door is still there: a socket that somebody deleted lets nobody in any more."""
    return not isinstance(place.address, str) or os.path.exists(place.address)


def withdraw() -> None:
    """The engine answers no new clients."""
    _card().unlink(missing_ok=True)


class Line(socket.socket):
    """A connection to the engine whose patience ends when that says nothing for long, or has been stopped.

    Attributes:
        pid: of the engine.
        patience: seconds.
    """

    pid: int
    patience: float

    def recv_into(self, *args: Any) -> int:
        """As a socket's.

        Raises:
            TimeoutError: the engine says nothing.
        """
        return self._patiently(partial(super().recv_into, *args))

    def sendall(self, data: Any, *args: Any) -> None:
        """As a socket's.

        Raises:
            TimeoutError: the engine takes nothing.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._patiently(partial(super().send, rest, *args)) :]

    def _patiently(self, act: Callable[[], int]) -> int:
        deadline, halted = time.monotonic() + self.patience, 0.0
        while True:
            self.settimeout(max(0.001, min(LOOKS, deadline - time.monotonic())))
            try:
                return act()
            except TimeoutError:
                halted = halted + LOOKS if processes.halted(self.pid) else 0.0
                if time.monotonic() >= deadline or halted >= HALTED:
                    raise


def connect(place: Place) -> Line:
    """A connection to the engine.

    Raises:
        UNREACHABLE: nobody is there.
    """
    line = Line(socket.AF_UNIX if isinstance(place.address, str) else socket.AF_INET)
    line.pid, line.patience = place.pid, HANDSHAKE
    try:
        line.settimeout(HANDSHAKE)
        line.connect(place.address)
    except BaseException:
        line.close()
        raise
    return line


@contextlib.contextmanager
def asked(place: Place, name: str, body: bytes) -> Iterator[Iterator[bytes]]:
    """Ask a question; gives the lines of its answer. Whoever leaves the block waits for no more of them.

    Raises:
        UNREACHABLE: the engine does not answer, or does not know the key; TimeoutError (an OSError): it takes too long.
        UserError: it does not understand the question.
    """
    with contextlib.closing(http.client.HTTPConnection("engine")) as connection:
        connection.sock = line = connect(place)
        headers = {"Authorization": f"Bearer {place.key.hex()}", "Connection": "close"}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer says why
            connection.request("POST", f"/{name}", body, headers)
        with connection.getresponse() as response:
            if response.status == HTTPStatus.UNAUTHORIZED:
                raise ConnectionRefusedError
            if response.status != HTTPStatus.OK:
                raise explained(ValueError(f"{response.status} {response.reason}"))
            lines = _lines(response)
            next(lines)
            line.patience = SILENCE
            yield lines


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of an answer.

    Raises:
        EOFError: there are no more; the last line tells who reads that none will follow.
    """
    rest = b""
    while chunk := response.read1(CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    raise EOFError


def explained(error: Exception) -> UserError:
    """What went wrong in the engine, for whoever asked."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return UserError(
            message("The machine's memory is too small for this network."),
            message("Choose a smaller network, or fewer pictures at once."),
        )
    return UserError(
        message("The model process met an unexpected error: {reason}", reason=f"{type(error).__name__}: {error}"[:300]),
        message("Try again; if it happens again, show engine.log to whoever runs the server."),
    )


def _card() -> Path:
    return paths.home() / "engine.json"
