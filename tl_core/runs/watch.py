"""One reader of a run's log for all who watch it: thirty viewers of a run have its log parsed once."""

import copy
import threading
from collections import OrderedDict, deque

from tl_core.runs.history import History
from tl_core.runs.store import Run

KEPT = 64  # logs

_lock = threading.Lock()
_watched: OrderedDict[str, History] = OrderedDict()


def history(run: Run) -> History:
    """The run as its log says now. It stays as it is: whoever wants news asks again, which costs next to nothing."""
    name = str(run.log)
    with _lock:
        if name not in _watched:
            _watched[name] = History(run.log)
        _watched.move_to_end(name)
        while len(_watched) > KEPT:
            _watched.popitem(last=False)
        return _copied(_watched[name].update())


def _copied(history: History) -> History:
    twin = copy.copy(history)
    for name, value in vars(history).items():
        if isinstance(value, (list, deque, dict)):
            setattr(twin, name, copy.copy(value))
    return twin
