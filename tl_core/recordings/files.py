"""The folder of a recording: made aside, checked for who and where, then put in the place of an earlier one."""

import contextlib
import getpass
import gzip
import json
import os
import platform
import re
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

from tl_core.base import paths
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.recordings import play
from tl_core.recordings.play import NAME

DIGITS = 5  # of every number but times


@contextlib.contextmanager
def made(name: str, into: Path | None, private: Sequence[str]) -> Iterator[Path]:
    """A new folder to write a recording into, which takes its place at the end of the block.

    Args:
        name: of the recording.
        into: the folder of all recordings, by default the app's own.
        private: words that may not have stayed in it.

    Raises:
        UserError: something personal would be left in it. The folder is gone, and an earlier recording stays.
    """
    folder = (into or play.FOLDER) / name
    building = folder.with_name(f".{name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        yield building
        check(building, private)
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def check_name(name: str) -> None:
    """Whether a recording may be called so.

    Raises:
        UserError: it may not.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            message("A recording cannot be called {name}.", name=name),
            message("Use at most 40 small letters, digits and underscores."),
        )


def processor() -> Message:
    """What this computer says of its processor."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        name = found[1].strip() if found else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return message("{processor}, CPU cores: {n}, no GPU", processor=name, n=cores)


def rounded(value: Any) -> Any:
    """The same with fewer digits of every number."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return value


def impersonal(value: Any) -> Any:
    """The same with the name alone of every absolute path."""
    if isinstance(value, str):
        absolute = re.match(r"[/~]|[A-Za-z]:[/\\]", value)
        return PureWindowsPath(value).name if absolute else value
    if isinstance(value, Mapping):
        return {key: impersonal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [impersonal(inner) for inner in value]
    return value


def check(folder: Path, private: Sequence[str]) -> None:
    """Nothing that tells who or where may have stayed."""
    words = {*private, socket.gethostname(), str(Path.home()), str(paths.home()), str(Path.cwd())}
    with contextlib.suppress(OSError, KeyError):  # a container's user without a name
        words.add(getpass.getuser())
    words -= {"", "/", "root", "localhost"}
    for path in folder.iterdir():
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        found = [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        if found:
            raise UserError(
                message("{file} of the recording would tell {words}.", file=path.name, words=found),
                message("Record a run whose settings and weights do not name them."),
            )


def packed(value: Any) -> Any:
    """A value of a card as JSON."""
    return value.to_json() if isinstance(value, Message) else value


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON file that people can read."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
