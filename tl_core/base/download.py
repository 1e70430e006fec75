"""Download one file and be sure of it: resumed after a break, retried with pauses, checked, moved into place at once.

Two processes that want the same file do not clash: the second waits and finds it there. Nothing here knows what the
files are for.
"""

import contextlib
import errno
import hashlib
import http.client
import os
import queue
import shutil
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message as Headers
from pathlib import Path
from typing import Any

from tl_core.base.errors import Stopped, UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import Message, message

TRIES = 3  # tries, counted anew whenever one has brought something new
PAUSE = 1.0  # seconds before the second try, doubled before each further one
LONGEST_PAUSE = 30.0  # seconds, whatever the server's Retry-After says
CHUNK = 1 << 18  # bytes
HDF5 = b"\x89HDF\r\n\x1a\n"
BEGINNINGS = {".h5": HDF5, ".zip": b"PK\x03\x04", ".tgz": b"\x1f\x8b"}  # what such a file starts with

ProgressFunction = Callable[[int, int, float | None], None]


class Unavailable(Exception):
    """The file cannot be had now; `reason` is a sentence for the user."""

    def __init__(self, reason: Message):
        super().__init__(str(reason))
        self.reason = reason


class _Broken(Exception):
    """This try failed; another may succeed."""

    def __init__(self, reason: Message, pause: float | None = None):
        super().__init__(str(reason))
        self.reason = reason
        self.pause = pause  # seconds asked for by the server


def timeout() -> float:
    """Seconds without a single byte after which a connection counts as stalled: `TL_DOWNLOAD_TIMEOUT`, 15."""
    return float(os.environ.get("TL_DOWNLOAD_TIMEOUT") or 15)


def intact(path: Path, checksum: str | None) -> bool:
    """Whether the file has this md5 or sha256 (told apart by length), or looks complete where none is known."""
    if checksum:
        return _digest(path, "md5" if len(checksum) == 32 else "sha256") == checksum
    return _begins_as_named(path, path.suffix)


def download(
    url: str,
    target: Path,
    size: int,
    checksum: str | None,
    progress: ProgressFunction,
    should_stop: Callable[[], bool],
    setting: str = "KERAS_HOME",
    sound: Callable[[Path], bool] = lambda path: True,
) -> Path:
    """Download `url` to `target`, going on with `<target>.part` if an earlier try left one.

    Args:
        url: http or https address.
        target: where the checked file appears, with one atomic rename.
        size: bytes, approximately; the server's own figure replaces it.
        checksum: md5 or sha256 hex digits, or None: then the server's `x-goog-hash` md5 is checked if it sends one.
        progress: called with (done, total, None) once at the start, then at most about twice a second with
            (done, total, bytes per second).
        should_stop: asked at least four times a second.
        setting: the environment variable that chooses the folder, named when the disk is full.
        sound: looks at the whole file where its checksum is not published.

    Raises:
        Unavailable: three tries brought nothing new, or the server does not have the file.
        UserError: the disk is full or the folder cannot be written.
        Stopped: `should_stop` answered True; the part is kept.
    """
    part = target.with_name(target.name + ".part")
    with _disk_errors(target.parent, setting), _locked(target, should_stop):
        if target.is_file() and intact(target, checksum) and sound(target):
            return target
        progress(0, size, None)
        failures, furthest = 0, 0
        while True:
            try:
                server_md5 = _transfer(url, part, size, progress, should_stop)
                _check(part, checksum, server_md5, sound)
                break
            except _Broken as broken:
                reached = part.stat().st_size if part.exists() else 0
                failures = 1 if reached > furthest else failures + 1
                furthest = max(furthest, reached)
                if failures >= TRIES:
                    raise Unavailable(broken.reason) from broken
                pause = PAUSE * 2 ** (failures - 1) if broken.pause is None else broken.pause
                _wait(min(pause, LONGEST_PAUSE), should_stop)
        os.replace(part, target)
    return target


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Headers


def _transfer(
    url: str, part: Path, size: int, progress: ProgressFunction, should_stop: Callable[[], bool]
) -> str | None:
    """One try: append to `part` what is missing. Returns the md5 that the server states, in hex, if any."""
    have = part.stat().st_size if part.exists() else 0
    stream = _stream(url, have, should_stop)
    answer: _Answer = next(stream)
    if answer.status == 416:  # nothing behind what we have: complete, or of another file
        part.unlink(missing_ok=True)
        raise _Broken(message("the server could not go on with the part that was here."), pause=0)
    if answer.status == 206 and not (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-"):
        part.unlink(missing_ok=True)
        raise _Broken(message("the server went on at the wrong place."), pause=0)
    if answer.status == 200:  # no part was here, or the server ignores Range
        have = 0
    length = answer.headers.get("Content-Length")
    total = have + int(length) if length and length.isdigit() else 0
    _need_space(part.parent, (total or size) - have)
    began, first, told = time.monotonic(), have, 0.0
    with open(part, "ab" if have else "wb") as file:
        for chunk in stream:
            file.write(chunk)
            have += len(chunk)
            now = time.monotonic()
            if now - told >= 0.5:
                told = now
                progress(have, max(total or size, have), (have - first) / max(now - began, 1e-3))
        file.flush()
        os.fsync(file.fileno())
    if total and have < total:
        raise _Broken(message("the connection broke off after {done} of {total} bytes.", done=have, total=total))
    progress(have, have, (have - first) / max(time.monotonic() - began, 1e-3))
    return _stated_md5(answer.headers)


def _stream(url: str, offset: int, should_stop: Callable[[], bool]) -> Iterator[Any]:
    """Yield the server's `_Answer`, then the body in chunks.

    A thread of its own does the reading, since a blocked socket cannot be asked to stop.
    """
    arrivals: queue.Queue = queue.Queue(maxsize=32)
    abandoned = threading.Event()
    threading.Thread(target=_read, args=(url, offset, arrivals, abandoned), daemon=True, name="download").start()
    stall, last = timeout(), time.monotonic()
    try:
        while True:
            if should_stop():
                raise Stopped
            try:
                arrival = arrivals.get(timeout=0.2)
            except queue.Empty:
                if time.monotonic() - last > stall:
                    raise _Broken(message("nothing arrived for {seconds} seconds.", seconds=round(stall, 1))) from None
                continue
            last = time.monotonic()
            if arrival is None:
                return
            if isinstance(arrival, Exception):
                raise _explained(arrival)
            yield arrival
    finally:
        abandoned.set()


def _read(url: str, offset: int, arrivals: queue.Queue, abandoned: threading.Event) -> None:
    def put(item: object) -> None:
        while not abandoned.is_set():
            with contextlib.suppress(queue.Full):
                arrivals.put(item, timeout=0.2)
                return

    headers = {"User-Agent": "transfer-learning-lab", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=timeout() + 1) as response:
            put(_Answer(response.status, response.headers))
            while not abandoned.is_set() and (chunk := response.read1(CHUNK)):
                put(chunk)
        put(None)
    except urllib.error.HTTPError as error:
        put(_Answer(416, error.headers) if error.code == 416 else error)
    except Exception as error:  # handed to the thread that waits for it
        put(error)


def _explained(error: Exception) -> Exception:
    """The reason in words: Unavailable when another try is of no use, else _Broken."""
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (404, 410):
            return Unavailable(message("the server does not have it (HTTP {status}).", status=error.code))
        reason = message("the server answered with HTTP {status}.", status=error.code)
        if error.code == 429 or error.code >= 500:
            after = error.headers.get("Retry-After") or ""
            return _Broken(reason, float(after) if after.isdigit() else None)
        return Unavailable(reason)
    if isinstance(error, http.client.IncompleteRead):
        return _Broken(message("the connection broke off."))
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return _Broken(message("nothing arrived for {seconds} seconds.", seconds=round(timeout(), 1)))
    return _Broken(message("no connection to the server ({details}).", details=str(cause)))


def _check(part: Path, checksum: str | None, server_md5: str | None, sound: Callable[[Path], bool]) -> None:
    """Raise _Broken and delete the part if it is not what was asked for."""
    if not _begins_as_named(part, Path(part.stem).suffix):
        reason = message("the answer is not the file that was asked for; perhaps a sign-in page of the network.")
    elif checksum and not intact(part, checksum):
        reason = message("what arrived is damaged: its checksum is not the published one.")
    elif not checksum and server_md5 and not intact(part, server_md5):
        reason = message("what arrived is damaged: its checksum is not the one that the server states.")
    elif not sound(part):
        reason = message("what arrived is damaged, or not the file that is known under this name.")
    else:
        return
    part.unlink()
    raise _Broken(reason)


def _stated_md5(headers: Headers) -> str | None:
    """Google's storage sends `x-goog-hash: md5=<base64>`."""
    for value in headers.get_all("x-goog-hash") or []:
        for item in value.split(","):
            name, _, digest = item.strip().partition("=")
            if name == "md5":
                with contextlib.suppress(ValueError):
                    return b64decode(digest).hex()
    return None


def _begins_as_named(path: Path, suffix: str) -> bool:
    beginning = BEGINNINGS.get(suffix, b"")
    with open(path, "rb") as file:
        return file.read(len(beginning)) == beginning


def _digest(path: Path, algorithm: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _need_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise _NoSpace(wanted, free)


class _NoSpace(Exception):
    """Fewer bytes are free than the rest of the file needs."""

    def __init__(self, wanted: int, free: int):
        super().__init__(wanted, free)
        self.wanted, self.free = wanted, free


@contextlib.contextmanager
def _disk_errors(folder: Path, setting: str = "KERAS_HOME") -> Iterator[None]:
    """Turn what a disk can refuse into a UserError; errors of the network never come through here."""

    def disk_full(wanted: int, free: int) -> UserError:
        return UserError(
            message(
                "The disk is full: {wanted} MB are needed in {folder} and {free} MB are free.",
                wanted=f"{wanted / 1e6:.1f}",
                folder=str(folder),
                free=f"{free / 1e6:.1f}",
            ),
            message("Free some space, or set {setting} to a folder on a larger disk.", setting=setting),
        )

    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except _NoSpace as error:
        raise disk_full(error.wanted, error.free) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
            raise disk_full(0, shutil.disk_usage(folder).free) from error
        raise UserError(
            message("{folder} cannot be written: {reason}.", folder=str(folder), reason=error.strerror or str(error)),
            message("Make the folder writable, or set {setting} to another one.", setting=setting),
        ) from error


@contextlib.contextmanager
def _locked(target: Path, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Hold `<target>.lock`; wait for another process that does. A dead process holds nothing."""
    while True:
        with try_lock(target.with_name(target.name + ".lock")) as mine:
            if mine:
                yield
                return
        _wait(0.2, should_stop)


def _wait(seconds: float, should_stop: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while True:
        if should_stop():
            raise Stopped
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.2))
