"""The queue: first come, first served within an owner, fair between owners, and nothing of it in memory.

What waits is read from the run folders; what runs holds its lock. So a restarted server, or two servers on one data
folder, see the same queue. `tl_core.runs.scheduler` starts workers for it.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.base import events
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.runs import store
from tl_core.runs.store import Run


@dataclass(frozen=True)
class Forecast:
    """What a run is said to cost before it starts; what nobody can say is None."""

    seconds: float  # from Start to the end
    epoch_seconds: float | None = None  # of an epoch of the last phase, with its validation
    cached: int | None = None  # bytes of activations on disk


changed = threading.Event()  # set when this process has changed the queue, so that its scheduler looks at once


def submit(run_id: str, forecast: Forecast | None = None) -> None:
    """Put a run at the end of its owner's queue; one that waits already keeps its place.

    Args:
        run_id: of a run that is laid out, or has ended.
        forecast: what its owner was told of its cost.

    Raises:
        UserError: the run is at work, its settings cannot be read, or the disk is full.
    """
    run = store.get(run_id)
    if run.problem:
        raise run.problem
    last = store.last_event(run)
    if isinstance(last, events.Queued):
        return
    if isinstance(last, events.Started):
        raise UserError(message("The run {name} is active.", name=run.name), message("Stop it first."))
    with disk_full_explained():
        (run.folder / "stop").unlink(missing_ok=True)
        events.append(run.log, events.Queued(**vars(forecast)) if forecast else events.Queued())
    changed.set()


def resume(run_id: str) -> None:
    """Queue a stopped or failed run again; the worker goes on from its last checkpoint."""
    run = store.get(run_id)
    if store.status(run) not in ("stopped", "failed"):
        raise UserError(
            message("The run {name} is neither stopped nor failed.", name=run.name),
            message("Only such runs can be resumed."),
        )
    submit(run_id)


def stop(run_id: str) -> None:
    """Ask a run to stop. One that waits has stopped at once; a worker that does not obey is ended by the scheduler."""
    run = store.get(run_id)
    if store.status(run) not in store.ACTIVE:
        return
    with disk_full_explained():
        (run.folder / "stop").touch()
        with try_lock(run.folder / "lock") as free:
            if free and not isinstance(store.last_event(run), events.Started):
                store.close(run)


def waiting(runs: Sequence[Run] | None = None) -> list[Run]:
    """Queued runs (among `runs`, or all) in the order in which they will start.

    Owners take turns: of each owner's first waiting run, the one goes first whose owner was served longest ago.
    """
    queued: dict[str, list[tuple[float, Run]]] = {}
    served: dict[str, float] = {}
    now = time.time()
    for run in store.all() if runs is None else runs:
        last = store.last_event(run)
        if isinstance(last, events.Queued):
            queued.setdefault(run.owner, []).append((last.t, run))
        elif last is not None and (last.kind != "stopped" or store.worker(run)):  # else it was never served
            served[run.owner] = max(served.get(run.owner, 0.0), now if last.kind == "started" else last.t)
    for own in queued.values():
        own.sort(key=lambda item: (item[0], item[1].id))
    order = []
    while queued:
        owner = min(queued, key=lambda name: (served.get(name, 0.0), queued[name][0][0]))
        order.append(queued[owner].pop(0)[1])
        now += 1
        served[owner] = now
        if not queued[owner]:
            del queued[owner]
    return order
