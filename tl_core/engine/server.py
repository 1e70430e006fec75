"""The engine's process: `python -m tl_core engine`, one for each data folder, started by whoever asks first.

It answers from the first moment and loads TensorFlow behind that, so that a page can say what is going on. It works on
the CPU on purpose: one picture takes some milliseconds there, and the GPU belongs whole to the training run.
One event loop speaks with all clients, and a thread works for each. Idle for 15 minutes, the engine ends itself.
"""

import argparse
import asyncio
import contextlib
import hmac
import json
import os
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tl_core.base.calls import Call, packed, unpacked
from tl_core.base.errors import Stopped, UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import Message, message
from tl_core.engine import protocol, tasks
from tl_core.engine.protocol import STATE, WARM, Named, Place, State

if TYPE_CHECKING:
    from tl_core.engine.models import Models

IDLE = 900.0  # seconds
TAKEOVER = 10.0  # seconds to wait for an engine that is just ending
BEAT = 1.0  # seconds between signs of life
GATHER = 0.01  # seconds in which events gather before they travel together; the first of a while travels at once
FULL = 256 * 1024  # bytes that wait for a client who does not read; then whoever works for it waits too
STARTING = message("Loading TensorFlow…")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core engine`."""
    parser.add_argument("--idle", type=float, default=IDLE, metavar="SECONDS", help="end after so long without work")


def main(args: argparse.Namespace) -> int:
    """Serve until idle; 0 also when another engine serves this data folder already."""
    deadline = time.monotonic() + TAKEOVER
    while time.monotonic() < deadline:
        with try_lock(protocol.lock()) as mine:
            if mine:
                _serve(args.idle)
                return 0
        place = protocol.find()
        if place is not None:
            body = packed(Named(""))
            with contextlib.suppress(*protocol.UNREACHABLE), protocol.asked(place, STATE.name, body):
                return 0
        time.sleep(0.1)
    return 0


def _serve(idle: float) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    protocol.withdraw()  # what a killed engine said
    listener, place = protocol.listen()
    engine = _Engine(place)
    server = _server(engine)
    serving = threading.Thread(target=server.run, args=([listener],), name="server", daemon=True)
    serving.start()
    protocol.publish(place)
    while serving.is_alive() and not server.started:
        time.sleep(0.01)
    threading.Thread(target=engine.models, name="tensorflow", daemon=True).start()
    while engine.quiet() < idle and protocol.reachable(place) and serving.is_alive():
        time.sleep(min(0.5, idle / 4))
        if protocol.find() != place:  # spoiled or deleted: nobody else may serve as long as we hold the lock
            with contextlib.suppress(OSError):
                protocol.publish(place)
    protocol.withdraw()
    while engine.quiet() == 0:  # who found us just before
        time.sleep(0.1)
    server.should_exit = True
    serving.join()
    if isinstance(place.address, str):
        with contextlib.suppress(OSError):
            os.unlink(place.address)


def _server(engine: "_Engine") -> uvicorn.Server:
    """Everything that it takes to answer is imported here, before TensorFlow keeps the interpreter busy."""
    app = Starlette(routes=[Route("/{call}", engine.attend, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    config.load()
    tasks.calls()
    return uvicorn.Server(config)


class _Engine:
    """What the threads of one engine share."""

    def __init__(self, place: Place):
        self.place = place
        self.busy, self.ended = 0, time.monotonic()
        self.lock, self.loading = threading.Lock(), threading.Lock()
        self._models: Models | None = None
        self._problem: UserError | None = None

    def models(self) -> "Models":
        """The loaded models; the first call loads TensorFlow."""
        with self.loading:
            if self._models is None:
                try:
                    import keras  # noqa: F401 -- and TensorFlow, which takes seconds

                    from tl_core.engine.models import Models

                    self._models = Models()
                except Exception as error:
                    self._problem = protocol.explained(error)
                    raise
            return self._models

    def state(self, source: str) -> State:
        """How far a model is; without waiting for anything."""
        if self._problem:
            return State("failed", error=self._problem)
        return self._models.state(source) if self._models else State("loading", STARTING)

    def warm(self, source: str) -> None:
        """Load a model in the background; `state` tells how that goes."""

        def load() -> None:
            with self.working():
                try:
                    self.models().load(source)
                except UserError:
                    pass  # `state` tells
                except Exception:
                    traceback.print_exc()

        threading.Thread(target=load, name=f"warm {source}", daemon=True).start()

    def quiet(self) -> float:
        """Seconds since the last work ended; 0 while there is some."""
        with self.lock:
            return 0.0 if self.busy else time.monotonic() - self.ended

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The block counts as work: the engine is not idle."""
        with self.lock:
            self.busy += 1
        try:
            yield
        finally:
            with self.lock:
                self.busy -= 1
                self.ended = time.monotonic()

    async def attend(self, request: Request) -> Response:
        """One client: one question and its answer."""
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._password):
            return Response(status_code=HTTPStatus.UNAUTHORIZED)
        try:
            body = await _body(request)
            name = request.path_params["call"]
            known: dict[str, Call] = {WARM.name: WARM, STATE.name: STATE, **tasks.calls()}
            call = known[name]
            asked = unpacked(call.request, body)
        except KeyError:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        except (ValueError, ClientDisconnect):
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        line = _Line(asyncio.get_running_loop())
        threading.Thread(target=self._work, args=(call, asked, line), name=call.name, daemon=True).start()
        return StreamingResponse(line.said(), media_type="application/x-ndjson")

    @property
    def _password(self) -> bytes:
        return f"Bearer {self.place.key.hex()}".encode()

    def _work(self, call: Call, asked: Any, line: "_Line") -> None:
        with self.working():
            line.close(_result(lambda: self._answered(call, asked, line)))

    def _answered(self, call: Call, asked: Any, line: "_Line") -> Any:
        """JSON of what a question has as its result."""
        if call is WARM:
            return self.warm(asked.source)
        if call is STATE:
            return STATE.write(self.state(asked.source))
        line.say(STARTING)
        reply = self.models().answer(call, asked, line.say, line.is_gone)
        if not call.stream:
            return call.write(reply)
        with contextlib.closing(reply):
            for event in reply:
                line.tell(call.write(event))
        return None


class _Line:
    """The way back to a client: a thread puts on it, the event loop sends it off, and a sign of life every second."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop, self.news = loop, asyncio.Event()
        self.room = threading.Condition()  # of the four below
        self.waiting: list[bytes] = []
        self.size = 0
        self.gone = self.closed = False
        self.sentence: Message | None = None

    def say(self, sentence: Message) -> None:
        """What happens now; sent with the next sign of life."""
        self.sentence = sentence

    def tell(self, event: Any) -> None:
        """Send one of several things that are answered; waits while the client does not read."""
        self.sentence = None
        self._put({"event": event})

    def is_gone(self) -> bool:
        """Whether the client has left, so that nobody waits for the result."""
        return self.gone

    def close(self, reply: dict[str, Any]) -> None:
        """Send the last line."""
        self._put(reply, last=True)

    async def said(self) -> AsyncIterator[bytes]:
        """What is sent, for as long as the client listens."""
        try:
            yield b"{}\n"
            while True:
                try:
                    async with asyncio.timeout(BEAT):
                        await self.news.wait()
                except TimeoutError:
                    yield _line({"status": self.sentence and self.sentence.to_json()})
                    continue
                with self.room:
                    self.news.clear()
                    lines, self.waiting, self.size, closed = self.waiting, [], 0, self.closed
                    self.room.notify()
                if lines:
                    yield b"".join(lines)
                if closed:
                    return
                await asyncio.sleep(GATHER)
        finally:
            with self.room:
                self.gone = True
                self.room.notify()

    def _put(self, reply: dict[str, Any], last: bool = False) -> None:
        line = _line(reply)
        with self.room:
            self.room.wait_for(lambda: self.gone or self.size < FULL)
            first = not self.waiting
            self.waiting.append(line)
            self.size += len(line)
            self.closed = last
        if first:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and everything with it
                self.loop.call_soon_threadsafe(self.news.set)


def _line(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


async def _body(request: Request) -> bytes:
    """A question's bytes.

    Raises:
        ValueError: they are too many.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > protocol.MOST:
            raise ValueError("the question is too long")
    return bytes(body)


def _result(call: Callable[[], Any]) -> dict[str, Any]:
    """What `call` returns, or its error, as the last line."""
    try:
        return {"result": call()}
    except UserError as error:
        return {"error": error.to_json()}
    except Stopped:
        return {"result": None}  # the client has left
    except Exception as error:
        traceback.print_exc()
        return {"error": protocol.explained(error).to_json()}
