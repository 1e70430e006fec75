"""Ask the engine: used by the pages, free of TensorFlow.

The engine is started when nobody answers and started again when it has died; it ends itself when it is idle. Whatever
goes wrong comes as a UserError, and the next call works again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from tl_core.base import paths, processes
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.locks import try_lock
from tl_core.base.messages import Message, message
from tl_core.classification import report
from tl_core.classification.report import Report
from tl_core.engine import protocol
from tl_core.engine.protocol import Answer, State
from tl_core.runs import store
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.sampling import Settings

__all__ = [
    "Answer",
    "State",
    "classify",
    "evaluate",
    "model_file",
    "state",
    "stop",
    "text_export",
    "warm",
    "write",
]

START = 60.0  # seconds in which a started engine must answer; it does so before it loads TensorFlow
SILENCE = 60.0  # seconds without a sign of life after which the engine counts as hung; it gives one every second
LIMIT = 1800.0  # seconds for one call: a slow download, or a large network over many pictures
STARTS = 2  # engines that are started for one call: the first may have been killed
GONE = 5.0  # seconds in which a killed engine must be gone
TOGETHER = 16  # pictures sent at once
LOG_LIMIT = 1_000_000  # bytes; a longer log is begun anew

_starting = threading.Lock()
_children: dict[Path, subprocess.Popen] = {}  # data folder -> the engine that this process started for it


def classify(
    source: str,
    files: Sequence[tuple[str, bytes]],
    top: int = 5,
    status: Callable[[Message], None] = lambda sentence: None,
) -> list[Answer]:
    """Say what is in pictures.

    Args:
        source: "run:<run id>" or "imagenet:<backbone name>".
        files: (name, bytes of a picture file); in any format that ingest takes.
        top: so many classes for each picture, the likeliest first.
        status: takes a sentence about what happens now, about once a second, while there is something to wait for.

    Returns:
        One answer for each file, in order; a file that is no picture has an error instead of labels.

    Raises:
        UserError: the model cannot be loaded, or the engine died.
    """
    answers: list[Answer] = []
    for start in range(0, len(files), TOGETHER):
        part = files[start : start + TOGETHER]
        header = {"call": "classify", "source": source, "names": [name for name, _ in part], "top": top}
        answers += map(Answer.from_json, _ask(header, [data for _, data in part], status))
    return answers


def evaluate(run_id: str, part: report.Part, status: Callable[[Message], None] = lambda sentence: None) -> Report:
    """Let a run's network predict one part of its pictures; the report is kept in the run's folder.

    Raises:
        UserError: the run has no model or its pictures are gone, or the engine died.
    """
    _ask({"call": "evaluate", "run": run_id, "part": part}, status=status)
    written = report.load(store.get(run_id).folder, part)
    if written is None:
        raise UserError(
            message("The report could not be read after it was written."),
            message("Check that the disk is not full, then try again."),
        )
    return written


def model_file(run_id: str, status: Callable[[Message], None] = lambda sentence: None) -> Path:
    """The run's complete model (.keras: raw pixels in, probabilities out), made now if need be.

    Raises:
        UserError: the run never finished an epoch, or the engine died.
    """
    return Path(_ask({"call": "model_file", "run": run_id}, status=status))


def write(
    model: str,
    prompt: str | Sequence[int],
    settings: Settings,
    written: Sequence[int] = (),
    status: Callable[[Message], None] = lambda sentence: None,
) -> Iterator[stream.Event]:
    """Let a language model continue a prompt; the events come as they happen.

    Closing the iterator, or this process' death, stops the writing within a token.

    Args:
        model: a name of `tl_core.text.pretrained.registry.CHECKPOINTS`, the path of a folder in the Hub's format, or
            "run:<run id>": the run's model, of its best round so far while it is still training.
        prompt: any text, or the ids of its tokens.
        settings: how to write.
        written: ids already written behind the prompt, for going on behind a token of the reader's own choice.
        status: takes a sentence about what happens now, about once a second, while the model is being loaded.

    Raises:
        UserError: at the first event: the model cannot be had or a setting is out of range; later: the engine died.
    """
    header = {
        "call": "write",
        "model": model,
        "prompt": prompt.encode("utf-8", "replace").decode() if isinstance(prompt, str) else list(prompt),
        "settings": settings.to_json(),
        "written": list(written),
    }
    with _connected() as connection, _explained():
        for event in _replies(connection, header, (), status):
            yield stream.from_json(event)


def text_export(
    run_id: str, form: Literal["hub", "keras", "lora"], status: Callable[[Message], None] = lambda sentence: None
) -> Path:
    """A file of a text run's model to take home, made now if need be.

    Args:
        form: "hub", a ZIP in the Hub's format; "keras", a ZIP of a KerasHub preset; "lora", LoRA's weights alone.

    Raises:
        UserError: the run never finished a round, it has no LoRA weights, or the engine died.
    """
    return Path(_ask({"call": "text_export", "run": run_id, "form": form}, status=status))


def warm(source: str) -> None:
    """Let the engine load a model in the background, so that the first answer is fast; `state` says how far it is.

    Args:
        source: as for `classify`; or "text:" and a model as for `write`.

    Raises:
        UserError: the engine cannot be started.
    """
    _ask({"call": "warm", "source": source})


def state(source: str) -> State:
    """How far a model is. Asks only an engine that is there: without one every model is absent."""
    place = protocol.find()
    if place is None:
        return State("absent")
    try:
        with protocol.connect(place) as connection:
            return State.from_json(_answered(connection, {"call": "state", "source": source}, ()))
    except (UserError, *protocol.UNREACHABLE):
        return State("absent")


def stop() -> None:
    """End the engine if there is one, and wait until it is gone (at most five seconds)."""
    place = protocol.find()
    if place is None:
        return
    _kill(place)
    protocol.withdraw()


def _ask(
    header: dict[str, Any], blobs: Sequence[bytes] = (), status: Callable[[Message], None] = lambda sentence: None
) -> Any:
    with _connected() as connection, _explained():
        return _answered(connection, header, blobs, status)


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


def _answered(
    connection: Connection,
    header: dict[str, Any],
    blobs: Sequence[bytes],
    status: Callable[[Message], None] = lambda sentence: None,
) -> Any:
    """Send a question and wait for its result."""
    replies = _replies(connection, header, blobs, status)
    while True:
        try:
            next(replies)
        except StopIteration as end:
            return end.value


def _replies(
    connection: Connection, header: dict[str, Any], blobs: Sequence[bytes], status: Callable[[Message], None]
) -> Generator[dict[str, Any], None, Any]:
    """Send a question; yields its events, returns its result. Between them come sentences, also as signs of life."""
    protocol.send(connection, header, blobs)
    deadline = time.monotonic() + LIMIT
    place = protocol.find()
    while time.monotonic() < deadline and protocol.spoken(connection, SILENCE, place.pid if place else os.getpid()):
        reply, _ = protocol.receive(connection)
        if "error" in reply:
            raise UserError.from_json(reply["error"])
        if "result" in reply:
            return reply["result"]
        if "event" in reply:
            yield reply["event"]
            deadline = time.monotonic() + LIMIT
        elif reply.get("status"):
            status(Message.from_json(reply["status"]))
    stop()
    raise UserError(
        message("The model process did not answer any more and was ended."),
        message("Try again: it starts anew by itself. If it happens again, choose a smaller network."),
    )


def _connected() -> Connection:
    """A connection to the engine, which is started if there is none."""
    with disk_full_explained():
        return _found()


def _found() -> Connection:
    deadline, starts = time.monotonic() + START, 0
    while True:
        connection = _reached()
        if connection is not None:
            return connection
        with _starting:
            connection = _reached()  # another thread may have started it while we waited
            if connection is not None:
                return connection
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


def _reached() -> Connection | None:
    """A connection if an engine answers; one that is stuck or of another version is ended."""
    place = protocol.find()
    if place is None:
        return None
    if place.version != protocol.VERSION:
        stop()
        return None
    try:
        return protocol.connect(place)
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


def _kill(place: protocol.Place) -> None:
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
