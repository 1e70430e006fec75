"""Curves of several kinds of runs, each kind trained with several seeds: its mean in bold, its seeds behind, a band.

The band spans from the lowest seed to the highest: with three of them that says more than an interval would. Traces
keep their number, order and `uid` while the runs grow.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tl_core.base.messages import N_, Message, message
from tl_core.base.metrics import VALIDATION, Metric, metric, value
from tl_core.charts import style
from tl_core.charts.curves import AXES, Across, Curves, Figure, last_of_each

Points = Mapping[float, float]  # across -> value
MEAN = N_("{name}, mean of {n} seeds")


@dataclass(frozen=True)
class Band:
    """One kind: what the legend calls it, its colour, and a curve for each seed, empty where nothing is known yet."""

    name: str
    colour: str
    seeds: Sequence[Points]


@dataclass(frozen=True)
class Guessed:
    """A place on an axis that somebody has guessed, and what stands at it."""

    at: float
    text: str


def points(history: Curves, key: str, across: Across) -> dict[float, float]:
    """The validation curve of a run."""
    found = {getattr(epoch, across): value(epoch.metrics, VALIDATION + key) for epoch in last_of_each(history.epochs)}
    return {at: measured for at, measured in found.items() if measured is not None}


def bands(
    kinds: Sequence[Band],
    key: str,
    translate: Callable[[str], str],
    across: Across = "epoch",
    guessed: Guessed | None = None,
) -> Figure:
    """One figure with all kinds laid over each other.

    Args:
        kinds: in the order of the legend.
        key: the metric that is drawn.
        translate: gettext of the reader's language.
        across: what the x-axis counts.
        guessed: drawn as a dashed line across.

    Returns:
        {"data": traces, "layout": layout}: for each kind the band (two traces), its seeds, and its mean.
    """
    _, row, traces = translate, metric(key), []
    for number, kind in enumerate(kinds):
        traces += _traces(f"{number}", kind, row, translate)
    drawn = style.layout(style.title(row).translated(translate), _(AXES[across]))
    heights = [y for trace in traces for y in trace["y"]] + ([guessed.at] if guessed else [])
    drawn["yaxis"] |= style.axis(row, heights, [])
    drawn["hovermode"] = "closest"
    if guessed:
        ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": guessed.at, "y1": guessed.at}
        drawn["shapes"] = [{"type": "line", **ends, "line": {"width": 2, "dash": "dash"}}]
        label = {"x": 0, "xref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        at = style.on_axis(row, guessed.at)
        drawn["annotations"] = [{**label, "y": at, "text": style.literal(guessed.text), "font": {"size": 12}}]
    return {"data": traces, "layout": drawn}


def over_sizes(
    kinds: Sequence[Band],
    key: str,
    translate: Callable[[str], str],
    label: str,
    guessed: Guessed | None = None,
) -> Figure:
    """As `bands`, over how many examples were learned from: a logarithmic axis with a tick at each number.

    Args:
        kinds, key, translate: as in `bands`.
        label: of the axis.
        guessed: a number of examples, drawn as an upright line.
    """
    figure = bands(kinds, key, translate)
    sizes = sorted({size for kind in kinds for curve in kind.seeds for size in curve})
    reach = [*sizes, *([guessed.at] if guessed and guessed.at > 0 else [])] or [1, 10]
    axis = {"type": "log", "tickvals": sizes, "ticktext": [f"{size:,.0f}" for size in sizes]}
    ends = [math.log10(min(reach)) - 0.05, math.log10(max(reach)) + 0.05]
    figure["layout"]["xaxis"] = {"title": {"text": label, "standoff": 6}, "zeroline": False, "range": ends, **axis}
    if guessed and guessed.at > 0:
        figure["layout"]["shapes"] = [style.mark(guessed.at)]
        note = {**style.mark_label(math.log10(guessed.at), style.literal(guessed.text)), "xanchor": "right"}
        figure["layout"]["annotations"] = [note]
    return figure


def reading(kinds: Sequence[Band], key: str) -> Message:
    """One sentence under the chart: what to read off, and who is ahead now."""
    row = metric(key)
    ends = {kind.name: line[max(line)] for kind in kinds if (line := _mean(kind))}
    how = message("A bold line is the mean over seeds, its band spans from the lowest seed to the highest.")
    if not ends:
        return message("{how} Nothing has been measured yet.", how=how)
    best = (max if row.better == "higher" else min)(ends, key=ends.__getitem__)
    if len(ends) == 1:
        return message("{how} “{best}” stands at {value}.", how=how, best=best, value=row.shown(ends[best]))
    return message(
        "{how} Where bands overlap, chance may decide. At the end of the lines “{best}” is ahead at {value}.",
        how=how,
        best=best,
        value=row.shown(ends[best]),
    )


def description(kinds: Sequence[Band], key: str) -> Message:
    """What a reader who cannot see the chart needs to know of it."""
    row = metric(key)
    said = [
        message("{name} ends at {value}", name=kind.name, value=row.shown(line[max(line)]))
        if (line := _mean(kind))
        else message("{name} has no result yet", name=kind.name)
        for kind in kinds
    ]
    return message("Line chart of validation {metric}, one colour a kind: {said}.", metric=row.noun, said=said)


def _traces(uid: str, kind: Band, row: Metric, translate: Callable[[str], str]) -> list[dict[str, Any]]:
    spread = _spread(kind)
    across = sorted(spread)
    name = style.literal(kind.name)
    edge = {"type": "scatter", "mode": "lines", "x": across, "line": {"width": 0}, "hoverinfo": "skip"}
    hidden = {"showlegend": False, "legendgroup": uid}
    low = {**edge, **hidden, "y": [style.number(min(spread[x])) for x in across], "uid": f"{uid}-low"}
    high = {**edge, **hidden, "y": [style.number(max(spread[x])) for x in across], "uid": f"{uid}-high"}
    filled = {**high, "fill": "tonexty", "fillcolor": style.faint(kind.colour)}
    lines = [low, filled]
    for seed, curve in enumerate(kind.seeds):
        xs = sorted(curve)
        thin = {"type": "scatter", "mode": "lines", "x": xs, "y": [style.number(curve[x]) for x in xs], "opacity": 0.5}
        lines.append(
            {**thin, **hidden, "line": {"color": kind.colour, "width": 1}, "hoverinfo": "skip", "uid": f"{uid}-{seed}"}
        )
    mean = _mean(kind)
    count = max(map(len, spread.values()), default=0)
    said = translate(MEAN).format(name=name, n=count) if count > 1 else name
    bold = style.line(list(mean), list(mean.values()), kind.colour, row.form)
    lines.append({**bold, "name": said, "legendgroup": uid, "uid": f"{uid}-mean"})
    return lines


def _spread(kind: Band) -> dict[float, list[float]]:
    """Across -> the values of all seeds that have come so far."""
    places = sorted(set(itertools.chain(*kind.seeds)))
    return {x: [curve[x] for curve in kind.seeds if x in curve] for x in places}


def _mean(kind: Band) -> dict[float, float]:
    """Across -> mean over those seeds that have come that far."""
    return {x: sum(values) / len(values) for x, values in _spread(kind).items()}
