"""The run store: one folder a run, and everything known of it is read from there.

runs/<id>/config.json    what the experiment is
runs/<id>/meta.json      name, tags, owner, time of creation
runs/<id>/events.jsonl   what happened (tl_core.base.events)
runs/<id>/lock           held by the worker as long as it lives
runs/<id>/worker.json    which process that is
runs/<id>/reserve        room for its last words on a full disk
runs/<id>/stop           there when somebody pressed Stop
runs/<id>/worker.log     the worker's standard output and error
runs/<id>/…              checkpoint, model, reports (`paths` of its task)
"""

import contextlib
import dataclasses
import json
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from tl_core.base import events, paths, processes, records
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.base.processes import Pid
from tl_core.base.records import Count, Moment
from tl_core.runs import tail
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS, Config, Task

Status = Literal["queued", "running", "stopping", "finished", "stopped", "failed"]
ACTIVE: tuple[Status, ...] = ("queued", "running", "stopping")
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
RESERVE = "reserve"
PRIVATE = ("checkpoint", "lock", RESERVE, "stop", "worker.json")  # in no ZIP
KEPT = 1 << 16  # bytes that a working run keeps for its last words
_LAST_WORDS = 4000  # characters of worker.log that are shown as a failure's details


@dataclass(frozen=True)
class Run:
    """One run. `config` is what config.json holds; where it cannot be read, `problem` says why and `config` is None."""

    id: str
    folder: Path
    config: Config | None
    name: str
    tags: tuple[str, ...]
    owner: str
    created: float  # seconds since 1970
    problem: UserError | None = None

    @cached_property
    def log(self) -> Path:
        """The event log."""
        return self.folder / "events.jsonl"


@dataclass(frozen=True)
class Worker:
    """The process that works on a run."""

    pid: Pid
    born: Count | None  # from `tl_core.base.processes.born`: another process with this number began at another time
    host: str
    place: str | None = None  # of `tl_core.runs.executors`


def create(config: Config, *, owner: str, name: str = "") -> Run:
    """Lay out the folder of a new run; `tl_core.runs.queue.submit` then queues it.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime())}-{secrets.token_hex(3)}"
    meta = {"name": name.strip()[:80], "tags": [], "owner": owner, "created": time.time()}
    with disk_full_explained():
        building = paths.runs() / f".new-{run_id}-{secrets.token_hex(4)}"
        try:
            building.mkdir()
            _write(building / "config.json", config.to_json())
            _write(building / "meta.json", meta)
            building.rename(paths.runs() / run_id)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return get(run_id)


def get(run_id: str) -> Run:
    """Read one run.

    Raises:
        UserError: there is no run with this id.
    """
    folder = paths.runs() / run_id if _ID.fullmatch(run_id or "") else None
    if folder is None or not folder.is_dir():
        raise UserError(
            message("There is no run {id}.", id=run_id or "?"),
            message("It may have been deleted. Choose another one from the list of runs."),
        )
    return _stamped(str(folder))


def all() -> list[Run]:
    """All runs, newest first."""
    base = str(paths.runs())
    runs = []
    for run_id in sorted(filter(_ID.fullmatch, os.listdir(base)), reverse=True):
        with contextlib.suppress(OSError):  # deleted while we looked
            runs.append(_stamped(f"{base}{os.sep}{run_id}"))
    return runs


def trainings() -> list[Run]:
    """All runs that train a model, newest first: those of the tasks, not of the labs."""
    return [run for run in all() if not registry.is_lab(run.config)]


def of(task: Task) -> list[Run]:
    """The runs of one task or lab, newest first."""
    return [run for run in all() if run.config is not None and registry.of(run.config) is task]


def status(run: Run) -> Status:
    """What a run is doing now, as its log says. Whether its worker lives is the scheduler's business."""
    last = last_event(run)
    if last is None and run.problem:
        return "failed"  # nobody can ever work on it
    if last is None or isinstance(last, events.Queued):
        return "queued"
    match last.kind:
        case "finished" | "stopped" | "failed" as ended:
            return ended
    return "stopping" if (run.folder / "stop").exists() else "running"


def last_event(run: Run) -> events.Event | None:
    """The last event that decides the status: Queued, Started, Finished, Stopped or Failed."""
    return tail.last_event(run.log)


def best_epoch(run: Run) -> int:
    """The epoch whose weights are kept; 0 if none was completed."""
    best = [event for event in events.read(run.log)[0] if isinstance(event, events.Epoch) and event.best]
    return best[-1].epoch if best else 0


def as_trained(run: Run) -> Config | None:
    """The run's config with the precision that it computes in, where it left that choice to the machine."""
    told = [event for event in events.read(run.log)[0] if isinstance(event, (events.Started, events.Phase))]
    chosen = [event.precision for event in told if event.precision]
    config: Any = run.config
    return replace(config, precision=chosen[-1]) if config and chosen else config


def keep_room(run: Run) -> None:
    """Set some room aside, so that the run can say how it ended even when the disk has become full."""
    with contextlib.suppress(OSError):
        (run.folder / RESERVE).write_bytes(b"\0" * KEPT)


def last_word(run: Run, event: events.Event) -> None:
    """Append to a run's log at its end; where the disk is full, in the room that was set aside.

    Raises:
        OSError: the disk may not be written, or there is no such room.
    """
    try:
        events.append(run.log, event)
    except OSError:
        (run.folder / RESERVE).unlink(missing_ok=True)
        events.append(run.log, event)


def close(run: Run) -> None:
    """Write that a run has stopped, unless it says how it ended; only where nobody works on it."""
    last = last_event(run)
    if last is None or last.kind not in events.TERMINAL:
        last_word(run, events.Stopped(best_epoch=best_epoch(run)))
    (run.folder / "stop").unlink(missing_ok=True)


def worker(run: Run) -> Worker | None:
    """The process that holds or held the run's lock last; None if there was none yet."""
    try:
        return records.build(Worker, records.load(run.folder / "worker.json"))
    except (OSError, ValueError):
        return None


def words(run: Run) -> str:
    """The last of what the run's worker said outside the log; empty where that cannot be read."""
    try:
        return (run.folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:]
    except OSError:
        return ""


def announce(run: Run, place: str | None) -> None:
    """Write down that this process has the run's lock."""
    worker = Worker(os.getpid(), processes.born(os.getpid()), socket.gethostname(), place)
    _write(run.folder / "worker.json", dataclasses.asdict(worker))


def rename(run_id: str, name: str) -> Run:
    """Give a run a name of at most 80 characters; an empty one restores the default."""
    return _change(run_id, name=name.strip()[:80])


def tag(run_id: str, tags: Sequence[str]) -> Run:
    """Set a run's tags: at most ten, of at most 30 characters."""
    cleaned = list(dict.fromkeys(text.strip()[:30] for text in tags if text.strip()))
    return _change(run_id, tags=cleaned[:10])


def delete(run_id: str) -> None:
    """Delete a run with its model.

    Raises:
        UserError: the run is active.
    """
    run = get(run_id)
    if status(run) in ACTIVE:
        raise UserError(message("The run {name} is active.", name=run.name), message("Stop it first."))
    doomed = run.folder.with_name(f".deleted-{run_id}-{time.time_ns()}")
    with disk_full_explained(), contextlib.suppress(FileNotFoundError):  # two clicks
        run.folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


@contextlib.contextmanager
def archive(run_id: str) -> Iterator[Path]:
    """A ZIP of the run's folder as a temporary file, deleted afterwards: without checkpoints, and naming nobody."""
    run = get(run_id)
    left_out = {*PRIVATE, *(name for task in TASKS.values() for name in task.room("paths").MADE)}
    with tempfile.TemporaryDirectory(prefix="tl-run-") as folder:
        path = Path(folder) / f"{run_id}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for item in sorted(run.folder.rglob("*")):
                relative = item.relative_to(run.folder)
                if not item.is_file() or relative.parts[0] in left_out or relative.parts[0].startswith("."):
                    continue
                name = f"{run_id}/{relative.as_posix()}"
                if item == run.folder / "meta.json":
                    meta = {key: value for key, value in _meta(run.folder).items() if key != "owner"}
                    file.writestr(name, json.dumps(meta, ensure_ascii=False, indent=1))
                elif item == run.log:
                    with open(item, "rb") as lines, file.open(name, "w") as packed:
                        packed.writelines(map(without_owner, lines))
                else:
                    file.write(item, name)
        yield path


def without_owner(line: bytes) -> bytes:
    """A line of an event log, blanked where an earlier version wrote whose run it is; its length stays."""
    if b'"owner"' not in line or not line.startswith(b'{"kind":"queued"'):
        return line
    ending = line[len(line.rstrip(b"\r\n")) :]
    try:
        event = {name: value for name, value in records.loads(line).items() if name != "owner"}
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    except ValueError:  # torn by a crash: it says nothing to anybody
        text = b""
    return text.ljust(len(line) - len(ending)) + ending


def _stamped(folder: str) -> Run:
    return _read(folder, _stamp(f"{folder}{os.sep}config.json"), _stamp(f"{folder}{os.sep}meta.json"))


@lru_cache(maxsize=4096)
def _read(place: str, config_stamp: tuple[int, ...], meta_stamp: tuple[int, ...]) -> Run:
    """A run as its files say; the stamps make a changed file be read again."""
    folder = Path(place)
    config, problem = None, None
    try:
        config = registry.config(records.load(folder / "config.json"))
    except UserError as error:
        problem = error
    except (OSError, ValueError) as error:
        problem = UserError(
            message("The settings of this run cannot be read: {reason}.", reason=str(error)),
            message("Its curves may still be there. Delete the run if it is of no use."),
        )
    meta = _meta(folder)
    name = _kept(meta, "name", str) or _default_name(config, folder.name)
    tags = _kept(meta, "tags", tuple[str, ...]) or ()
    created = _kept(meta, "created", Moment)
    return Run(
        folder.name,
        folder,
        config,
        name[:80],
        tuple(tag[:30] for tag in tags[:10]),
        _kept(meta, "owner", str) or "",
        folder.stat().st_mtime if created is None else float(created),
        problem,
    )


def _stamp(path: str) -> tuple[int, ...]:
    try:
        stat = os.stat(path)
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _default_name(config: Config | None, run_id: str) -> str:
    if config is None:
        return run_id
    return f"{registry.title(config)} {run_id[9:11]}:{run_id[11:13]}"


def _change(run_id: str, **changes: Any) -> Run:
    run = get(run_id)
    with disk_full_explained():
        _write(run.folder / "meta.json", {**_meta(run.folder), **changes})
    _read.cache_clear()  # two changes within a tick of the disk's clock look alike
    return get(run_id)


def _meta(folder: Path) -> dict[str, Any]:
    try:
        return records.load(folder / "meta.json")
    except (OSError, ValueError):
        return {}


def _kept(meta: Mapping[str, Any], name: str, kind: Any) -> Any:
    """What is readable of a damaged file stays: each value is read for itself, and None where it is of no use."""
    try:
        return records.value(kind, meta[name])
    except (KeyError, ValueError):
        return None


def _write(path: Path, data: Any) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    part.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)
