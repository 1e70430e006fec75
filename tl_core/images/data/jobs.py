"""Ingest in the background of the web process: it goes on while pages come and go, and any page may look or stop it.

Two sets of pictures come in at a time; the rest waits, and owners take turns, so that one visitor with ten uploads does
not hold up a class. Pictures are decoded on threads: Pillow releases the interpreter while it does.
"""

import contextlib
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Progress
from tl_core.base.messages import N_, Message, message
from tl_core.images.data.ingest import File, ProgressFunction, ingest

State = Literal["waiting", "working", "done", "failed", "stopped"]
Kind = Literal["pictures", "text", "labelled"]
FAILED: dict[Kind, Message] = {
    "pictures": Message(N_("The pictures could not be brought in: {reason}.")),
    "text": Message(N_("The text could not be brought in: {reason}.")),
    "labelled": Message(N_("The texts could not be brought in: {reason}.")),
}


class Taken(Protocol):
    """What a job leaves on the disk: a dataset, or a text."""

    id: str


Maker = Callable[[ProgressFunction, Callable[[], bool]], Taken]  # draws or downloads something, then takes it in

AT_ONCE = 2
EACH, ALL = 4, 200  # jobs that wait or work: of one person, and of all; what waits may lie in memory
REMEMBERED = 200  # jobs that have ended and can still be asked for


@dataclass(frozen=True)
class Job:
    """A look at one job. `done` and `total` count pictures; `total` is 0 until the source has been listed."""

    id: str
    name: str
    owner: str
    state: State
    ahead: int  # jobs that start before this one, while it waits
    done: int
    total: int
    rejected: int  # files refused so far
    rate: float | None  # pictures per second
    elapsed: float  # seconds of work
    remaining: float | None  # seconds, estimated
    dataset: str | None  # id of the finished dataset, or text
    error: UserError | None
    phase: str = ""  # what `done` counts: "ingest" and all others pictures, "download" bytes
    kind: Kind = "pictures"

    @property
    def active(self) -> bool:
        """Whether the job waits or works."""
        return self.state in ("waiting", "working")


@dataclass(eq=False)
class _Work:
    """A job as the threads see it; every field is read and written under `_lock`, `stop` excepted."""

    source: Path | Sequence[File] | Maker | None
    name: str
    owner: str
    cleanup: Callable[[], object] | None
    kind: Kind = "pictures"
    state: State = "waiting"
    progress: Progress | None = None
    rejected: int = 0
    started: float | None = None  # time.monotonic()
    ended: float | None = None
    dataset: str | None = None
    error: UserError | None = None
    stop: threading.Event = field(default_factory=threading.Event)


_lock = threading.Lock()
_jobs: dict[str, _Work] = {}  # oldest first
_threads = 0
_served: dict[str, int] = {}  # owner -> number of the turn in which they were served last
_turn = 0


def start(
    source: Path | Sequence[File] | Maker,
    *,
    name: str,
    owner: str,
    cleanup: Callable[[], object] | None = None,
    kind: Kind = "pictures",
) -> str:
    """Queue the pictures of `source` and return the job's id at once.

    Args:
        source: what `ingest` takes, or a function (progress, should_stop) that makes the dataset itself.
        cleanup: called once when the job has ended, however it ended: deletes the upload, for instance.
        kind: what is brought in; each page follows its own kind.

    Raises:
        UserError: the owner, or all together, have as many jobs as there may be; `cleanup` has been called.
    """
    global _threads
    job_id = secrets.token_hex(8)
    with _lock:
        active = [work.owner for work in _jobs.values() if work.ended is None]
        crowded = active.count(owner) >= EACH or len(active) >= ALL
        if not crowded:
            _jobs[job_id] = _Work(source, name, owner, cleanup, kind)
            _forget()
            if _threads < AT_ONCE:
                _threads += 1
                threading.Thread(target=_serve, name="ingest", daemon=True).start()
    if crowded:
        _clean(cleanup)
        raise UserError(
            message("{n} uploads of yours are under way or wait to be taken in.", n=active.count(owner))
            if active.count(owner) >= EACH
            else message("The server is taking in as many uploads as it has room for."),
            message("Wait until one of them is done, or stop it."),
        )
    return job_id


def get(job_id: str) -> Job | None:
    """How a job is getting on; None if it is not known (any more)."""
    with _lock:
        work = _jobs.get(job_id)
        return _snapshot(job_id, work) if work else None


def of(owner: str, kind: Kind = "pictures") -> list[Job]:
    """The jobs of one owner, newest first."""
    with _lock:
        mine = [(id, work) for id, work in reversed(_jobs.items()) if (work.owner, work.kind) == (owner, kind)]
        return [_snapshot(id, work) for id, work in mine]


def stop(job_id: str) -> None:
    """Stop a job; nothing of it is left. One that waits has stopped at once, one that works does within moments."""
    with _lock:
        work = _jobs.get(job_id)
        if work is None:
            return
        work.stop.set()
        if work.state != "waiting":
            return
        cleanup = _end(work, "stopped")
    _clean(cleanup)


def _serve() -> None:
    """One thread: work off whatever waits, the fairest first, then end."""
    global _threads
    while True:
        with _lock:
            work = _next()
            if work is None:
                _threads -= 1
                return
            work.state, work.started = "working", time.monotonic()
        _work_off(work)


def _next() -> _Work | None:
    """The waiting job whose owner has the fewest at work and was served longest ago; marks the owner as served."""
    global _turn
    order = _order()
    if not order:
        return None
    _turn += 1
    _served[order[0].owner] = _turn
    return order[0]


def _order() -> list[_Work]:
    """Waiting jobs in the order in which they will start; each turn that an owner gets puts them behind the others."""
    busy = {work.owner for work in _jobs.values() if work.state == "working"}
    left: dict[str, list[_Work]] = {}
    for work in _jobs.values():
        if work.state == "waiting":
            left.setdefault(work.owner, []).append(work)
    turns = {owner: (owner in busy, _served.get(owner, 0)) for owner in left}
    order, turn = [], _turn
    while left:
        owner = min(left, key=turns.__getitem__)  # at equal turns the first to come
        order.append(left[owner].pop(0))
        turn += 1
        turns[owner] = (True, turn)
        if not left[owner]:
            del left[owner]
    return order


def _work_off(work: _Work) -> None:
    def progress(event: Progress) -> None:
        with _lock:
            work.progress = event

    def refused(count: int) -> None:
        with _lock:
            work.rejected = count

    state: State = "failed"
    dataset, error = None, None
    try:
        if callable(work.source):
            dataset = work.source(progress, work.stop.is_set).id
        else:
            dataset = ingest(
                work.source or (),
                name=work.name,
                owner=work.owner,
                progress=progress,
                refused=refused,
                should_stop=work.stop.is_set,
            ).id
        state = "done"
    except Stopped:
        state = "stopped"
    except UserError as problem:
        error = problem
    except Exception as problem:
        traceback.print_exc(file=sys.stderr)
        reason = f"{type(problem).__name__}: {problem}"[:300]
        error = UserError(
            Message(FAILED[work.kind].text, {"reason": reason}),
            message("Try again; if it happens again, show this sentence to whoever runs the server."),
        )
    with _lock:
        work.dataset, work.error = dataset, error
        cleanup = _end(work, state)
    _clean(cleanup)


def _end(work: _Work, state: State) -> Callable[[], object] | None:
    """Mark a job as ended and let go of its source; returns what is still to be called, outside the lock."""
    cleanup = work.cleanup
    work.state, work.ended, work.source, work.cleanup = state, time.monotonic(), None, None
    return cleanup


def _clean(cleanup: Callable[[], object] | None) -> None:
    if cleanup is not None:
        with contextlib.suppress(Exception):  # the upload may be gone already; nothing depends on it
            cleanup()


def _snapshot(job_id: str, work: _Work) -> Job:
    done, total, rate = (work.progress.done, work.progress.total, work.progress.rate) if work.progress else (0, 0, None)
    elapsed = (work.ended or time.monotonic()) - work.started if work.started is not None else 0.0
    working = work.state == "working"
    return Job(
        id=job_id,
        name=work.name,
        owner=work.owner,
        state=work.state,
        ahead=_order().index(work) if work.state == "waiting" else 0,
        done=done,
        total=total,
        rejected=work.rejected,
        rate=rate,
        elapsed=elapsed,
        remaining=(total - done) / rate if working and rate else None,
        dataset=work.dataset,
        error=work.error,
        phase=work.progress.phase if work.progress else "",
        kind=work.kind,
    )


def _forget() -> None:
    """Keep the newest of the jobs that have ended, and of the owners those who have jobs."""
    ended = [job_id for job_id, work in _jobs.items() if work.ended is not None]
    for job_id in ended[: max(0, len(ended) - REMEMBERED)]:
        del _jobs[job_id]
    for owner in _served.keys() - {work.owner for work in _jobs.values()}:
        del _served[owner]
