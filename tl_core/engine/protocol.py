"""What the pages and the engine say to each other, and how they find each other. No TensorFlow.

A message is one JSON object, followed by as many byte strings as its "blobs" says; nothing is ever unpickled. The
connection is local (a Unix socket in TL_HOME; a loopback port where there are none) and both sides prove that they
know a key which only the owner of TL_HOME can read.

    engine.json    address, key and process of the engine; mode 600, gone when it has ended properly; the engine writes
                   it anew when somebody spoils it
    engine.lock    held by the engine as long as it lives
    engine.log     its standard output and error
"""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, Literal

from tl_core.base import paths, processes, records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.base.processes import Pid
from tl_core.base.records import Count

VERSION = 3  # of this protocol; an engine that speaks another one is replaced
MOST = 128 * 1024 * 1024  # bytes of one message; a picture file has at most 80 MiB
HALTED = 3.0  # seconds after which an engine that somebody has stopped counts as hung
LOOKS = 0.5  # seconds between looks whether it is
HANDSHAKE = 20.0  # seconds that the other side has to prove that it knows the key
SOCKET_PATH = 100  # characters; longer paths do not fit a Unix socket's address
UNREACHABLE = (AuthenticationError, EOFError, OSError)  # what a connection to nobody, or to somebody else, raises


@dataclass(frozen=True)
class Answer:
    """What the network says of one picture: (class, probability) from the likeliest on, or why it says nothing."""

    name: str
    labels: tuple[tuple[str, float], ...]
    error: UserError | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `from_json` reads back."""
        return {"name": self.name, "labels": self.labels, "error": self.error and self.error.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Answer":
        """Read what `to_json` wrote."""
        labels = tuple((name, float(probability)) for name, probability in data["labels"])
        return cls(data["name"], labels, UserError.from_json(data["error"]) if data["error"] else None)


@dataclass(frozen=True)
class State:
    """How far a model is: not asked for, being loaded (`message` says what happens now), ready, or failed."""

    status: Literal["absent", "loading", "ready", "failed"]
    message: Message | None = None
    error: UserError | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `from_json` reads back."""
        return {
            "status": self.status,
            "message": self.message and self.message.to_json(),
            "error": self.error and self.error.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """Read what `to_json` wrote."""
        return cls(
            data["status"],
            Message.from_json(data["message"]) if data["message"] else None,
            UserError.from_json(data["error"]) if data["error"] else None,
        )


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


def listen() -> tuple[Listener, Place]:
    """Open the engine's end; call it only with the lock held."""
    path = str(paths.home() / "engine.sock")
    listener = None
    if os.name != "nt" and len(path) <= SOCKET_PATH:
        try:
            Path(path).unlink(missing_ok=True)  # of an engine that was killed
            listener = Listener(path, "AF_UNIX", backlog=64)
        except OSError:  # not every network drive has sockets
            listener = None
    if listener is None:
        listener = Listener(("127.0.0.1", 0), "AF_INET", backlog=64)
    born = processes.born(os.getpid())
    return listener, Place(listener.address, secrets.token_bytes(32), os.getpid(), born=born)


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


def connect(place: Place) -> Connection:
    """Reach the engine and prove who we are.

    Raises:
        UNREACHABLE: it does not answer, or does not know the key; TimeoutError (an OSError): it takes too long.
    """
    connection = Client(place.address)
    try:
        if not spoken(connection, HANDSHAKE, place.pid):
            raise TimeoutError
        answer_challenge(connection, place.key)
        deliver_challenge(connection, place.key)
    except BaseException:
        connection.close()
        raise
    return connection


def spoken(connection: Connection, seconds: float, pid: int) -> bool:
    """Wait until the other side has said something; False if it does not, or if its process has been stopped."""
    deadline, halted = time.monotonic() + seconds, 0.0
    while not connection.poll(min(LOOKS, max(0.0, deadline - time.monotonic()))):
        halted = halted + LOOKS if processes.halted(pid) else 0.0
        if time.monotonic() >= deadline or halted >= HALTED:
            return False
    return True


def admit(connection: Connection, key: bytes) -> None:
    """The engine's side of `connect`.

    Raises:
        UNREACHABLE: the other side does not know the key.
    """
    deliver_challenge(connection, key)
    if not connection.poll(HANDSHAKE):
        raise TimeoutError
    answer_challenge(connection, key)


def send(connection: Connection, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send one message."""
    connection.send_bytes(json.dumps({**header, "blobs": len(blobs)}, ensure_ascii=False).encode())
    for blob in blobs:
        connection.send_bytes(blob)


def receive(connection: Connection) -> tuple[dict[str, Any], list[bytes]]:
    """Wait for one message: its header and its byte strings."""
    header = json.loads(connection.recv_bytes(MOST))
    return header, [connection.recv_bytes(MOST) for _ in range(int(header.pop("blobs", 0)))]


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
