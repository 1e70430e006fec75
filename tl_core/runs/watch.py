"""One reader of a run's log for all who watch it: thirty viewers of a run have its log parsed once."""

import copy
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from tl_core.base import events
from tl_core.runs import tail
from tl_core.runs.history import History
from tl_core.runs.store import Run

KEPT = 64  # logs


@dataclass
class _Watched:
    """A log as far as it was read, and what its readers see of it: a copy that nobody changes."""

    history: History
    shown: History | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_lock = threading.Lock()
_watched: OrderedDict[str, _Watched] = OrderedDict()


def history(run: Run) -> History:
    """The run as its log says now. It stays as it is: whoever wants news asks again, which costs next to nothing."""
    name = str(run.log)
    with _lock:
        if name not in _watched:
            _watched[name] = _Watched(History(run.log))
        _watched.move_to_end(name)
        while len(_watched) > KEPT:
            _watched.popitem(last=False)
        watched = _watched[name]
    with watched.lock:
        if watched.history.refresh() or watched.shown is None:
            watched.shown = _copied(watched.history)
        shown = watched.shown
    last = tail.last_event(run.log)
    if isinstance(last, events.Failed | events.Stopped) and last is not tail.written_event(run.log):
        shown = _copied(shown)  # a last word that the disk does not take
        shown.take(last)
    return shown


def _copied(history: History) -> History:
    twin = copy.copy(history)
    for name, value in vars(history).items():
        if isinstance(value, (list, deque, dict)):
            setattr(twin, name, copy.copy(value))
    return twin
