"""What is written of a run whose worker is dead and never said how it ended: the scheduler alone does this."""

import contextlib
import errno
import shutil

from tl_core.base import events
from tl_core.base.errors import UserError, disk_problem
from tl_core.base.messages import message
from tl_core.runs import store, tail
from tl_core.runs.store import Run

FULL = 1 << 20  # bytes free, below which a disk is called full
UNSAID = 100  # a worker's exit code is the errno on top of this where the disk did not take its last words


def bury(run: Run, code: int | None = None) -> None:
    """Say that a run has failed, or, where somebody had pressed Stop and the worker did not obey, that it has stopped.

    Where the disk cannot be written, this process alone knows it, and it is written at a later look.

    Args:
        run: any run.
        code: with what its worker exited, where that is known.
    """
    if not isinstance(tail.written_event(run.log), events.Started):  # it has said its last word in the meantime
        return
    event = tail.remembered(run.log)
    if event is None and (run.folder / "stop").exists():
        event = events.Stopped(best_epoch=store.best_epoch(run))
    elif event is None:
        event = events.Failed(error=unsaid(code) or _cause(run), details=store.words(run))
    try:
        store.last_word(run, event)
        (run.folder / "stop").unlink(missing_ok=True)
    except OSError as closed:
        if isinstance(event, events.Failed) and (problem := disk_problem(closed)):
            event = events.Failed(error=problem, details=event.details)
        tail.remember(run.log, event)


def unsaid(code: int | None) -> UserError | None:
    """What a worker could not write before it exited with this code, because of the disk; None for other codes."""
    return disk_problem(OSError(code - UNSAID, "")) if code is not None and code > UNSAID else None


def _cause(run: Run) -> UserError:
    if _ends_in_nonsense(run):
        return UserError(
            message("The log of this run is damaged: its last line cannot be read, so nobody knows how it ended."),
            message("What can be read of it is shown. Press Resume to go on from the last checkpoint."),
        )
    full = disk_problem(OSError(errno.ENOSPC, ""))
    if full and shutil.disk_usage(run.folder).free < FULL:
        return full
    return UserError(
        message("The worker process ended without a word; it was killed or the machine ran out of memory."),
        message("Press Resume to go on from the last checkpoint, or choose a smaller batch or network."),
    )


def _ends_in_nonsense(run: Run) -> bool:
    with contextlib.suppress(OSError):
        found, _ = events.lines(run.log)
        return bool(found) and events.parse(found[-1]) is None
    return False
