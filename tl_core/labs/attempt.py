"""What every lab that is one run does when a worker takes it: tell each trial, and keep what there is at a Stop."""

from collections.abc import Callable, Iterator

from tl_core.base.errors import Stopped
from tl_core.base.events import Event, Trial
from tl_core.training import precision
from tl_core.training.loop import Outcome


def outcome(
    measured: Iterator[Trial],
    metrics: Callable[[list[Trial]], dict[str, float]],
    emit: Callable[[Event], None],
    started: Callable[..., None],
) -> Outcome:
    """Go through the trials to the last one, or until `measured` raises Stopped.

    Args:
        measured: the trials as they are made; nothing has been done before the first is asked for.
        metrics: what the trials come to, by name.
        emit: takes each trial.
        started: told the device before anything else.
    """
    started(device=precision.device())
    trials: list[Trial] = []
    try:
        for trial in measured:
            trials.append(trial)
            emit(trial)
    except Stopped:
        return Outcome(True, 0, metrics(trials))
    return Outcome(False, 0, metrics(trials))
