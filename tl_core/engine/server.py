"""The engine's process: `python -m tl_core engine`, one for each data folder, started by whoever asks first.

It answers from the first moment and loads TensorFlow behind that, so that a page can say what is going on. It works on
the CPU on purpose: one picture takes some milliseconds there, and the GPU belongs whole to the training run.
Each client has a thread; an image model serves one of them at a time, a language model all of them by turns. Idle for
15 minutes, the engine ends itself.
"""

import argparse
import contextlib
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, Listener
from typing import TYPE_CHECKING, Any

from tl_core.base.errors import Stopped, UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import Message, message
from tl_core.engine import protocol
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.sampling import Settings

if TYPE_CHECKING:
    from tl_core.engine.models import Models

IDLE = 900.0  # seconds
TAKEOVER = 10.0  # seconds to wait for an engine that is just ending
BEAT = 1.0  # seconds between signs of life
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
            with contextlib.suppress(*protocol.UNREACHABLE), protocol.connect(place):
                return 0
        time.sleep(0.1)
    return 0


def _serve(idle: float) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    protocol.withdraw()  # what a killed engine said
    listener, place = protocol.listen()
    engine = _Engine(place)
    threading.Thread(target=engine.models, name="tensorflow", daemon=True).start()
    threading.Thread(target=engine.welcome, args=(listener,), name="listener", daemon=True).start()
    protocol.publish(place)
    while engine.quiet() < idle and protocol.reachable(place):
        time.sleep(min(0.5, idle / 4))
        if protocol.find() != place:  # spoiled or deleted: nobody else may serve as long as we hold the lock
            with contextlib.suppress(OSError):
                protocol.publish(place)
    protocol.withdraw()
    while engine.quiet() == 0:  # who found us just before
        time.sleep(0.1)
    listener.close()


class _Engine:
    """What the threads of one engine share."""

    def __init__(self, place: protocol.Place):
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
                    from tl_core.engine.models import Models

                    self._models = Models()
                except Exception as error:
                    self._problem = protocol.explained(error)
                    raise
            return self._models

    def state(self, source: str) -> protocol.State:
        """How far a model is; without waiting for anything."""
        if self._problem:
            return protocol.State("failed", error=self._problem)
        return self._models.state(source) if self._models else protocol.State("loading", STARTING)

    def quiet(self) -> float:
        """Seconds since the last work ended; 0 while there is some."""
        with self.lock:
            return 0.0 if self.busy else time.monotonic() - self.ended

    def welcome(self, listener: Listener) -> None:
        """A thread for each client, for ever."""
        while True:
            try:
                connection = listener.accept()
            except OSError:
                time.sleep(0.1)
                continue
            threading.Thread(target=self._attend, args=(connection,), name="client", daemon=True).start()

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

    def _attend(self, connection: Connection) -> None:
        """One client: one question and its answer."""
        with connection, self.working(), contextlib.suppress(ValueError, KeyError, *protocol.UNREACHABLE):
            protocol.admit(connection, self.place.key)
            header, blobs = protocol.receive(connection)
            with _Line(connection) as line:
                line.close(_result(lambda: CALLS[header.pop("call")](self, line, blobs, **header)))


class _Line:
    """The way back to a client: a sign of life every second, with what happens now, until the result is sent."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self.lock, self.closed = threading.Lock(), threading.Event()
        self.sentence: Message | None = None
        self.gone = False

    def __enter__(self) -> "_Line":
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closed.set()

    def say(self, sentence: Message) -> None:
        """What happens now; sent with the next sign of life."""
        self.sentence = sentence

    def tell(self, event: dict[str, Any]) -> None:
        """Send one of several things that are answered, at once."""
        self.sentence = None
        self._send({"event": event})

    def is_gone(self) -> bool:
        """Whether the client has left, so that nobody waits for the result."""
        if not self.gone:
            try:
                self.gone = self.connection.poll()  # clients say nothing after their question: this is the line's end
            except OSError:
                self.gone = True
        return self.gone

    def close(self, reply: dict[str, Any]) -> None:
        """Send the last message."""
        self.closed.set()
        self._send(reply)

    def _beat(self) -> None:
        while not self.closed.wait(BEAT):
            self._send({"status": self.sentence and self.sentence.to_json()})

    def _send(self, reply: dict[str, Any]) -> None:
        with self.lock:
            try:
                protocol.send(self.connection, reply)
            except OSError:
                self.gone = True


def _result(call: Callable[[], Any]) -> dict[str, Any]:
    """What `call` returns, or its error, as a message."""
    try:
        return {"result": call()}
    except UserError as error:
        return {"error": error.to_json()}
    except Stopped:
        return {"result": None}  # the client has left
    except Exception as error:
        traceback.print_exc()
        return {"error": protocol.explained(error).to_json()}


# What clients ask for: (engine, line, blobs, **header) -> JSON --------------------------------------------------------


def _classify(
    engine: _Engine, line: _Line, blobs: list[bytes], source: str, names: list[str], top: int
) -> list[dict[str, Any]]:
    line.say(STARTING)
    models = engine.models()
    answers = models.classify(source, list(zip(names, blobs, strict=True)), top, line.say, line.is_gone)
    return [answer.to_json() for answer in answers]


def _warm(engine: _Engine, line: _Line, blobs: list[bytes], source: str) -> None:
    def load() -> None:
        with engine.working():
            try:
                engine.models().load(source)
            except UserError:
                pass  # `state` tells
            except Exception:
                traceback.print_exc()

    threading.Thread(target=load, name=f"warm {source}", daemon=True).start()


def _state(engine: _Engine, line: _Line, blobs: list[bytes], source: str) -> dict[str, Any]:
    return engine.state(source).to_json()


def _evaluate(engine: _Engine, line: _Line, blobs: list[bytes], run: str, part: str) -> None:
    line.say(STARTING)
    engine.models().evaluate(run, part, line.say, line.is_gone)


def _model_file(engine: _Engine, line: _Line, blobs: list[bytes], run: str) -> str:
    line.say(STARTING)
    return str(engine.models().model_file(run, line.say))


def _write(
    engine: _Engine,
    line: _Line,
    blobs: list[bytes],
    model: str,
    prompt: str | list[int],
    settings: dict[str, Any],
    written: list[int],
) -> None:
    line.say(STARTING)
    models = engine.models()
    for event in models.write(model, prompt, Settings.from_json(settings), written, line.say, line.is_gone):
        line.tell(stream.to_json(event))


def _text_export(engine: _Engine, line: _Line, blobs: list[bytes], run: str, form: str) -> str:
    line.say(STARTING)
    return str(engine.models().text_export(run, form, line.say))


CALLS: dict[str, Callable[..., Any]] = {
    "classify": _classify,
    "warm": _warm,
    "state": _state,
    "evaluate": _evaluate,
    "model_file": _model_file,
    "write": _write,
    "text_export": _text_export,
}
