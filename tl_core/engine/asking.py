"""Ask the engine: used by the pages through `tl_core.engine.client`, free of TensorFlow.

The engine is started when nobody answers and started again when it has died; it ends itself when it is idle. Whatever
goes wrong comes as a UserError, and the next call works again. Every call that a task has declared is asked alike.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

from tl_core.base import paths, processes, records
from tl_core.base.calls import Call, packed
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.locks import try_lock
from tl_core.base.messages import Message, message
from tl_core.engine import protocol
from tl_core.engine.protocol import STATE, WARM, Named, Place, State

START = 60.0  # seconds in which a started engine must answer; it does so before it loads TensorFlow
LIMIT = 1800.0  # seconds for one call: a slow download, or a large network over many pictures
STARTS = 2  # engines that are started for one call: the first may have been killed
GONE = 5.0  # seconds in which a killed engine must be gone
LOG_LIMIT = 1_000_000  # bytes; a longer log is begun anew
EVENT = b'{"event":'  # how a line begins that holds one of several things that are answered

Request = TypeVar("Request")
Reply = TypeVar("Reply")
Status = Callable[[Message], None]  # takes a sentence about what happens now, about once a second, while one waits

_starting = threading.Lock()
_children: dict[Path, subprocess.Popen] = {}  # data folder -> the engine that this process started for it


def quietly(sentence: Message) -> None:
    """Nobody wants to know what happens meanwhile."""


def ask(call: Call[Request, Reply], request: Request, status: Status = quietly) -> Reply:
    """What the engine answers.

    Raises:
        UserError: what the call's task says, or the engine died.
    """
    replies = _replies(call, request, status)
    while True:
        try:
            next(replies)
        except StopIteration as end:
            return call.replied(end.value)


def stream(call: Call[Request, Reply], request: Request, status: Status = quietly) -> Iterator[Reply]:
    """What the engine answers, one after another as it happens; closing the iterator ends the work.

    Raises:
        UserError: at the first reply or later, as for `ask`.
    """
    with contextlib.closing(lines(call, request, status)) as replies:
        for reply in replies:
            yield call.replied(records.loads(reply))


def lines(call: Call[Request, Reply], request: Request, status: Status = quietly) -> Generator[bytes, None, None]:
    """As `stream`, each reply as the JSON that it travels in: for whoever only hands it on."""
    yield from _replies(call, request, status)


def warm(source: str) -> None:
    """Let the engine load a model in the background, so that the first answer is fast; `state` says how far it is.

    Args:
        source: "<prefix>:<name>", as a task's `SOURCES` have it.

    Raises:
        UserError: the engine cannot be started.
    """
    ask(WARM, Named(source))


def state(source: str) -> State:
    """How far a model is. Asks only an engine that is there: without one every model is absent."""
    place = protocol.find()
    if place is None:
        return State("absent")
    try:
        with protocol.asked(place, STATE.name, packed(Named(source))) as replies:
            while True:
                said = records.loads(next(replies))
                if "result" in said:
                    return STATE.replied(said["result"])
    except (UserError, *protocol.UNREACHABLE):
        return State("absent")


def stop() -> None:
    """End the engine if there is one, and wait until it is gone (at most five seconds)."""
    place = protocol.find()
    if place is None:
        return
    _kill(place)
    protocol.withdraw()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """An engine that dies in the block is a UserError."""
    try:
        yield
    except protocol.UNREACHABLE as error:
        raise UserError(
            message("The model process ended in the middle of its work; the memory may have been too small."),
            message("Try again: it starts anew by itself. If it ends again, choose a smaller network."),
        ) from error


def _replies(call: Call, request: object, status: Status) -> Generator[bytes, None, object]:
    """Ask; yields the JSON of its events, returns its result."""
    deadline = time.monotonic() + LIMIT
    with contextlib.ExitStack() as open_:
        with disk_full_explained():
            replies = open_.enter_context(_asked(call, request))
        open_.enter_context(_explained())
        with contextlib.suppress(TimeoutError):
            while time.monotonic() < deadline:
                line = next(replies)
                if line.startswith(EVENT):
                    yield line[len(EVENT) : -1]
                    deadline = time.monotonic() + LIMIT
                    continue
                said = records.loads(line)
                if "error" in said:
                    raise UserError.from_json(said["error"])
                if "result" in said:
                    return said["result"]
                if said.get("status"):
                    status(Message.from_json(said["status"]))
    stop()
    raise UserError(
        message("The model process did not answer any more and was ended."),
        message("Try again: it starts anew by itself. If it happens again, choose a smaller network."),
    )


@contextlib.contextmanager
def _asked(call: Call, request: object) -> Iterator[Iterator[bytes]]:
    """The lines of the engine's answer; it is started if there is none."""
    body = packed(request)
    deadline, starts = time.monotonic() + START, 0
    with contextlib.ExitStack() as open_:
        while True:
            if (replies := _reached(call, body, open_)) is not None:
                break
            with _starting:
                if (replies := _reached(call, body, open_)) is not None:  # another thread may have started it
                    break
                child = _children.get(paths.home())
                nobody = (child is None or child.poll() is not None) and _is_free()
                if time.monotonic() > deadline or (nobody and starts == STARTS):
                    if child is not None:
                        child.kill()
                    raise UserError(
                        message("The model process could not be started."),
                        message("Its log, {file}, says why.", file=str(_log())),
                    )
                if nobody:
                    starts += 1
                    _start()
            time.sleep(0.05)
        yield replies


def _reached(call: Call, body: bytes, open_: contextlib.ExitStack) -> Iterator[bytes] | None:
    """The answer's lines if an engine answers; one that is stuck or of another version is ended."""
    place = protocol.find()
    if place is None:
        return None
    if place.version != protocol.VERSION:
        stop()
        return None
    try:
        return open_.enter_context(protocol.asked(place, call.name, body))
    except TimeoutError:
        stop()
    except protocol.UNREACHABLE:
        pass  # it has died, and another one will overwrite where it said it was
    return None


def _is_free() -> bool:
    """Whether no engine lives. One that does but cannot be found will write down anew where it answers."""
    with try_lock(protocol.lock()) as free:
        return free


def _start() -> None:
    mode = "wb" if _log().exists() and _log().stat().st_size > LOG_LIMIT else "ab"
    with open(_log(), mode) as log:
        _children[paths.home()] = processes.start([sys.executable, "-m", "tl_core", "engine"], log)


def _log() -> Path:
    return paths.home() / "engine.log"


def _kill(place: Place) -> None:
    """End the engine's process if it lives: only then is its lock held; its number may be somebody else's by now."""
    deadline = time.monotonic() + GONE
    while time.monotonic() < deadline:
        with try_lock(protocol.lock()) as dead:
            if dead:
                return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if place.born in (None, processes.born(place.pid)):
                os.kill(place.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        if child := _children.get(paths.home()):
            child.poll()  # reap it
        time.sleep(0.05)
