"""Files of one model from the Hugging Face Hub, through its official client: progress, retries, checksums, its cache.

The cache is the client's own (`$HF_HOME/hub`), so that other programs share it; `HF_ENDPOINT` names a mirror. A file
appears in the cache only when it is whole, and is used only when it is the one that the Hub names.
"""

import errno
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import Message, message
from tl_core.text.pretrained.hub_format import whole

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP: it can be stopped, and mirrors have nothing else
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

TRIES = 3
PAUSE = 1.0  # seconds before the second try, doubled before the third
LONGEST_PAUSE = 30.0  # seconds, whatever the server's Retry-After says
Result = TypeVar("Result")


class _Failed(Exception):
    """This try failed. `pause` is None where another try is of no use, else seconds asked for, or 0."""

    def __init__(self, reason: Message, pause: float | None):
        super().__init__(str(reason))
        self.reason = reason
        self.pause = pause


def endpoint() -> str:
    """The Hub's address: `HF_ENDPOINT` or huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def address(repository: str) -> str:
    """The page of a model."""
    return f"{endpoint()}/{repository}"


def cache_folder() -> Path:
    """The client's cache: `$HF_HUB_CACHE`, or `$HF_HOME/hub`, by default `~/.cache/huggingface/hub`."""
    chosen = os.environ.get("HF_HUB_CACHE")
    default = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(chosen or Path(os.environ.get("HF_HOME") or default) / "hub").expanduser()


def timeout() -> float:
    """Seconds without a single byte after which a connection counts as stalled: `TL_WEIGHTS_TIMEOUT`, 15."""
    return float(os.environ.get("TL_WEIGHTS_TIMEOUT") or 15)


def cached(repository: str, files: Sequence[str]) -> Path | None:
    """The folder in the client's cache that holds all `files` of the model, or None. Cheap; no network, no client."""
    home = cache_folder() / f"models--{repository.replace('/', '--')}"
    try:
        folder = home / "snapshots" / (home / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return folder if all((folder / name).is_file() for name in files) and _all_whole(folder, files) else None


def fetch(
    repository: str,
    files: Sequence[str],
    emit: Callable[[Event], None] | None,
    should_stop: Callable[[], bool],
    name: str = "",
) -> Path:
    """Download what the cache lacks, checked, with Phase and Progress events in bytes. Returns the model's folder.

    Args:
        name: what the model is called in this app, for the advice.

    Raises:
        UserError: three tries failed, the Hub does not have it, the disk is full; the remedy says what to do.
        Stopped: `should_stop` answered True.
    """
    try:
        facts = {name: _tried(lambda name=name: _metadata(repository, name), should_stop) for name in files}
        total = sum(fact.size or 0 for fact in facts.values())
        meter = _Meter(total, emit)
        if emit:
            emit(Phase(phase="weights", total=total, unit="bytes"))
        for name, fact in facts.items():
            path = _tried(lambda name=name, fact=fact: _file(repository, name, fact, meter), should_stop, meter)
            meter.finished(fact.size or path.stat().st_size)
        return path.parent
    except _Failed as failed:
        raise UserError(
            message(
                "{model} is not on this computer and could not be downloaded: {reason}",
                model=repository,
                reason=failed.reason,
            ),
            message(
                "Try again with a network, get it beforehand where there is one with "
                "`python -m tl_core fetch {name} --class-kit DIR`, or copy a folder with {files} "
                "here and give its path. The bundled model needs no network.",
                name=name or repository,
                files=list(files),
            ),
        ) from failed


def _metadata(repository: str, name: str) -> Any:
    """Size, checksum (etag) and commit of a file, as the Hub states them."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(repository, name, endpoint=endpoint())
    facts = get_hf_file_metadata(url, timeout=timeout(), endpoint=endpoint())
    if not facts.commit_hash or not facts.etag:
        raise _Failed(message("the answer does not come from a Hub; perhaps a sign-in page of the network."), 0)
    return facts


def _file(repository: str, name: str, fact: Any, meter: "_Meter") -> Path:
    """Download one file into the cache and compare it with the Hub's checksum; a wrong one is deleted again."""
    from huggingface_hub import constants, hf_hub_download, logging

    logging.set_verbosity_error()  # what goes wrong is told in our own words
    constants.HF_HUB_DOWNLOAD_TIMEOUT = timeout()  # type: ignore[assignment]
    path = Path(
        hf_hub_download(
            repository,
            name,
            cache_dir=cache_folder(),
            endpoint=endpoint(),
            etag_timeout=timeout(),
            tqdm_class=_bar(meter),
        )
    )
    if not _is(path, fact.etag) or not _all_whole(path.parent, [name]):
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise _Failed(message("what arrived is damaged: its checksum is not the one that the Hub states."), 0)
    return path


class _Meter:
    """Bytes that have arrived; written by the downloading thread, told by the waiting one at most twice a second."""

    def __init__(self, total: int, emit: Callable[[Event], None] | None):
        self.total, self.emit = total, emit
        self.before, self.current, self.arrived = 0, 0, 0
        self.began = self.told = time.monotonic()
        self.abandoned = False

    def finished(self, size: int) -> None:
        self.before, self.current = self.before + size, 0
        self.told = 0.0
        self.tell()

    def tell(self) -> None:
        now = time.monotonic()
        if self.emit and now - self.told >= 0.5:
            self.told = now
            done = min(self.before + self.current, self.total)
            rate = self.arrived / max(now - self.began, 1e-3)
            self.emit(Progress(phase="weights", done=done, total=self.total, rate=rate))


def _bar(meter: _Meter) -> type:
    """A progress bar as the client wants it, which draws nothing and reports to `meter`."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any):
            options.pop("name", None)
            meter.current = options.get("initial") or 0
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if meter.abandoned:
                raise Stopped
            meter.current += int(n or 0)
            meter.arrived += max(0, int(n or 0))

    return Bar


def _tried(work: Callable[[], Result], should_stop: Callable[[], bool], meter: "_Meter | None" = None) -> Result:
    """The work's result, after up to three tries with pauses between them.

    Raises:
        _Failed: with the last try's reason.
        UserError: the disk refuses.
        Stopped: `should_stop` answered True.
    """
    for attempt in range(TRIES):
        try:
            return _waited(work, should_stop, meter)
        except (Stopped, UserError):
            raise
        except Exception as error:
            failed = _explained(error)
            if failed.pause is None or attempt == TRIES - 1:
                raise failed from error
            end = time.monotonic() + min(failed.pause or PAUSE * 2**attempt, LONGEST_PAUSE)
            while time.monotonic() < end:
                if should_stop():
                    raise Stopped from None
                time.sleep(0.1)
    raise AssertionError("unreachable: the last try returns or raises")


def _waited(work: Callable[[], Result], should_stop: Callable[[], bool], meter: "_Meter | None") -> Result:
    """Run `work` in a thread, since a blocked socket cannot be asked to stop."""
    outcome: list = []
    done = threading.Event()

    def run() -> None:
        try:
            outcome.extend((work(), None))
        except BaseException as error:  # handed to the thread that waits for it
            outcome.extend((None, error))
        done.set()

    threading.Thread(target=run, daemon=True, name="hub").start()
    while not done.wait(0.1):
        if should_stop():
            if meter:
                meter.abandoned = True
            raise Stopped
        if meter:
            meter.tell()
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def _explained(error: Exception) -> _Failed:
    """The reason in words, and whether another try may help."""
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, _Failed):
        return error
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return _explained(error.__cause__)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return _Failed(message("HF_HUB_OFFLINE forbids it."), None)
    if isinstance(error, errors.GatedRepoError):
        return _Failed(message("its owner lets only registered users have it."), None)
    if isinstance(error, errors.RepositoryNotFoundError):
        return _Failed(message("the Hub has no such model."), None)
    if isinstance(error, errors.EntryNotFoundError | errors.RevisionNotFoundError):
        return _Failed(message("the Hub does not have the file."), None)
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        after = error.response.headers.get("Retry-After") or ""
        again = status in (408, 429) or status >= 500
        reason = message("the server answered with HTTP {status}.", status=status)
        return _Failed(reason, (float(after) if after.isdigit() else 0) if again else None)
    if isinstance(error, errors.FileMetadataError):
        return _Failed(message("the answer does not come from a Hub; perhaps a sign-in page of the network."), 0)
    if isinstance(error, httpx2.TimeoutException):
        return _Failed(message("nothing arrived for {seconds} seconds.", seconds=round(timeout(), 1)), 0)
    if isinstance(error, httpx2.HTTPError):
        return _Failed(message("no connection to the server ({details}).", details=str(error)), 0)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        raise UserError(
            message("The disk is full: {folder} has no room for the model.", folder=str(cache_folder())),
            message("Free some space, or set HF_HOME to a folder on a larger disk."),
        ) from error
    if isinstance(error, OSError) and error.errno is not None:
        raise UserError(
            message("{folder} cannot be written: {reason}.", folder=str(cache_folder()), reason=error.strerror),
            message("Make the folder writable, or set HF_HOME to another one."),
        ) from error
    if isinstance(error, OSError):  # the client's own comparison of lengths
        return _Failed(message("the connection broke off."), 0)
    return _Failed(message("{kind}: {details}", kind=type(error).__name__, details=str(error)[:200]), None)


def _is(path: Path, etag: str) -> bool:
    """Whether the file has the Hub's checksum: SHA-256 for large files, git's SHA-1 of the content for small ones."""
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == etag
    if re.fullmatch(r"[0-9a-f]{40}", etag):
        data = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == etag
    return True


def _all_whole(folder: Path, files: Sequence[str]) -> bool:
    return all(whole(folder / name) for name in files if name.endswith(".safetensors"))
