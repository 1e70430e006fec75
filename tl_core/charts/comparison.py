"""What curves of several runs, laid over each other, say: which run does best and by how much."""

from collections.abc import Sequence

from tl_core.base.messages import Message, message
from tl_core.charts.curves import Metric, NamedHistory, percent

CLOSE = 0.02  # validation accuracies nearer than this to each other are called about equal


def kept_accuracy(named: NamedHistory) -> float | None:
    """The validation accuracy of the epoch whose weights are kept; None before the first epoch."""
    kept = [epoch.val_accuracy for epoch in named.history.epochs if epoch.best and epoch.val_accuracy is not None]
    return kept[-1] if kept else None


def reading(histories: Sequence[NamedHistory]) -> Message:
    """One sentence under the curves of several runs."""
    known = [(accuracy, named.name) for named in histories if (accuracy := kept_accuracy(named)) is not None]
    if not known:
        return message("None of these runs has a validation result yet.")
    known.sort(key=lambda item: -item[0])
    (high, best), (low, worst) = known[0], known[-1]
    if len(known) == 1:
        return message("{best} reaches {high} validation accuracy.", best=best, high=percent(high))
    if high - low < CLOSE:
        return message(
            "All of these runs reach about the same validation accuracy, {low} to {high}.",
            low=percent(low),
            high=percent(high),
        )
    return message(
        "{best} reaches the highest validation accuracy, {high}; {worst} stays at {low}, {points} points lower.",
        best=best,
        high=percent(high),
        worst=worst,
        low=percent(low),
        points=f"{100 * (high - low):.0f}",
    )


def description(histories: Sequence[NamedHistory], metric: Metric) -> Message:
    """What a reader who cannot see the chart of several runs needs to know of it."""
    name = message("loss") if metric == "loss" else message("accuracy")
    return message(
        "Line chart of {metric} over the epochs, one colour a run: {runs}. {reading}",
        metric=name,
        runs=[named.name for named in histories],
        reading=reading(histories),
    )
