"""Experiments of which three batches have been tried on this computer, and the one that somebody wants tried next.

A page says what it wants to know; the process that is kept ready for the next run has another one try it, which ends as
soon as a run comes, and the page finds the result at its next look. Nobody waits for it. TensorFlow-free.

    $TL_HOME/calibrations/wanted.json    the settings that are to be tried
    $TL_HOME/calibrations/<key>.json     what was found, under a hash of settings and computer
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from tl_core.base import paths, processes, records

KEPT = 3600.0  # seconds for which a result is believed: other work on the computer comes and goes
FRESH = 60.0  # seconds for which a wish holds
Found = TypeVar("Found")


def known(settings: Mapping[str, Any], kind: type[Found]) -> Found | None:
    """What was found of these settings on this computer within the last hour; None: nothing that can be read.

    Args:
        settings: JSON.
        kind: a frozen dataclass.
    """
    path = _place(settings)
    try:
        return records.build(kind, records.load(path), strict=True) if _young(path, KEPT) else None
    except (OSError, ValueError):
        return None


def want(settings: Mapping[str, Any]) -> None:
    """Say that somebody would like to know; a later wish takes its place."""
    _write(_wish(), settings)


def wanted() -> bool:
    """Whether somebody waits for a result; never where there is a graphics processor, which would be taken."""
    return _young(_wish(), FRESH) and not shutil.which("nvidia-smi")


def attempt(measure: Callable[[Any], Any]) -> None:
    """Try what is wanted, if anything is, unless it is known.

    Args:
        measure: takes the settings and gives a dataclass.
    """
    wish = _wish()
    if not wanted():
        return
    with contextlib.suppress(Exception):  # it is tried for an estimate only: the run itself will say what is wrong
        settings = records.load(wish)
        wish.unlink()
        if not _young(_place(settings), KEPT):
            _write(_place(settings), asdict(measure(settings)))


def _write(path: Path, data: Any) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):  # a full disk: then it stays a rule of thumb
        path.parent.mkdir(exist_ok=True)
        part.write_text(json.dumps(data), encoding="utf-8")
        part.replace(path)


def _young(path: Path, seconds: float) -> bool:
    return path.exists() and abs(time.time() - path.stat().st_mtime) < seconds


def _place(settings: Mapping[str, Any]) -> Path:
    decides = json.dumps([settings, socket.gethostname(), processes.cores()], sort_keys=True)
    return _folder() / f"{hashlib.sha256(decides.encode()).hexdigest()[:32]}.json"


def _wish() -> Path:
    return _folder() / "wanted.json"


def _folder() -> Path:
    return paths.home() / "calibrations"
