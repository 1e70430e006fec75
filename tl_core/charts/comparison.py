"""What curves of several runs, laid over each other, say: which run does best and by how much."""

from collections.abc import Sequence

from tl_core.base.messages import Message, message
from tl_core.base.metrics import VALIDATION, Metric, metric, value
from tl_core.charts.curves import Across, Curves, NamedHistory

CLOSE_SHARES = 0.02  # shares nearer than this to each other are called about equal
CLOSE = 0.03  # and other values that differ by less than this part


def kept(history: Curves, key: str) -> float | None:
    """A validation metric of the epoch whose weights are kept; None before the first epoch, or without validation."""
    found = [value(epoch.metrics, VALIDATION + key) for epoch in history.epochs if epoch.best]
    return next((reached for reached in reversed(found) if reached is not None), None)


def reading(histories: Sequence[NamedHistory], key: str) -> Message:
    """One sentence under the curves of several runs."""
    known = [(reached, named.name) for named in histories if (reached := kept(named.history, key)) is not None]
    row = metric(key)
    if not known:
        return message("None of these runs has a validation result yet.")
    known.sort(reverse=row.better == "higher")
    (first, best), (last, worst) = known[0], known[-1]
    values = {"best": best, "value": row.shown(first), "metric": row.noun}
    if len(known) == 1 and row.scale == "share":
        return message("{best} reaches {value} validation {metric}.", **values)
    if len(known) == 1:
        return message("{best} reaches a validation {metric} of {value}.", **values)
    if abs(first - last) < (CLOSE_SHARES if row.scale == "share" else CLOSE * max(abs(first), abs(last))):
        low, high = sorted((first, last))
        return message(
            "All of these runs reach about the same validation {metric}, {low} to {high}.",
            metric=row.noun,
            low=row.shown(low),
            high=row.shown(high),
        )
    return _apart(row, f"{100 * abs(first - last):.0f}", {**values, "worst": worst, "other": row.shown(last)})


def description(histories: Sequence[NamedHistory], key: str, judged: str, across: Across = "epoch") -> Message:
    """What a reader who cannot see the chart of several runs needs to know of it; they are judged by `judged`."""
    values = {
        "metric": metric(key).noun,
        "runs": [named.name for named in histories],
        "reading": reading(histories, judged),
    }
    if across == "step":
        return message("Line chart of {metric} over the steps, one colour a run: {runs}. {reading}", **values)
    return message("Line chart of {metric} over the epochs, one colour a run: {runs}. {reading}", **values)


def _apart(row: Metric, points: str, values: dict) -> Message:
    """Who is best and who is worst; shares differ by points."""
    if row.scale == "share" and row.better == "higher":
        return message(
            "{best} reaches the highest validation {metric}, {value}; {worst} stays at {other}, {points} points lower.",
            points=points,
            **values,
        )
    if row.scale == "share":
        return message(
            "{best} reaches the lowest validation {metric}, {value}; {worst} stays at {other}, {points} points higher.",
            points=points,
            **values,
        )
    if row.better == "higher":
        return message("{best} reaches the highest validation {metric}, {value}; {worst} stays at {other}.", **values)
    return message("{best} reaches the lowest validation {metric}, {value}; {worst} stays at {other}.", **values)
