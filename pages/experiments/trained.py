"""The runs whose model can be used."""

from pages.ui.session import may
from pages.ui.whose import own_first
from tl_core.base import events
from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks.registry import TASKS


def trained(kind: str, *, active: bool = False) -> list[Run]:
    """The runs of a task whose model the reader may use: their own first, each group newest first.

    Args:
        active: whether the model of a run that goes on can be used as well, as it is by then.
    """
    runs = [run for run in store.of(TASKS[kind]) if may("read", run) and _best_epoch(run, active)]
    return own_first(sorted(runs, key=lambda run: -run.created))


def _best_epoch(run: Run, active: bool) -> int:
    last = store.last_event(run)
    if isinstance(last, events.Finished | events.Stopped):
        return last.best_epoch
    return store.best_epoch(run) if active else 0
