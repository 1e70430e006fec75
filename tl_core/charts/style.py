"""What all charts of curves look like: colours, lines, axes, as Plotly's plain dictionaries; they know of no run."""

import html
import math
from collections.abc import Sequence
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import Metric

# Okabe and Ito's colours, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1")
TRAINING, VALIDATION = PALETTE[0], PALETTE[1]
LEADING = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))  # digits of a logarithmic axis' ticks, the fewest first


def literal(text: str) -> str:
    """Somebody's word in a chart's text, where Plotly would take `<b>` and `<a href>` for markup."""
    return html.escape(text, quote=False)


def line(
    across: Sequence[float] | Sequence[str],
    values: Sequence[float | None],
    colour: str,
    form: str,
    dashed: bool = False,
    kept: float | None = None,
) -> dict[str, Any]:
    """A bold line with a marker at each point.

    Args:
        across: where the points lie, ascending; or the names of places.
        values: how high; what is missing or no number leaves a gap.
        colour: of line and markers.
        form: of the values on hovering, as d3 writes it: ".1%".
        dashed: with open markers; training is drawn so.
        kept: the point that gets a star.
    """
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(across),
        "y": [number(value) for value in values],
        "line": {"color": colour, "width": 3, "dash": "dash" if dashed else "solid"},
        "marker": {
            "color": colour,
            "symbol": ["star" if x == kept else ("circle-open" if dashed else "circle") for x in across],
            "opacity": 1,
            "size": [16 if x == kept else 7 for x in across],
            "line": {"width": 2 if dashed else 0, "color": colour},
        },
        "hovertemplate": f"%{{y:{form}}}<extra>%{{fullData.name}}</extra>",
    }


def batch_line(across: Sequence[float], values: Sequence[float | None], name: str) -> dict[str, Any]:
    """The thin line of single batches behind the bold ones."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [round(x, 4) for x in across],
        "y": [number(value) for value in values],
        "line": {"color": TRAINING, "width": 1},
        "opacity": 0.45,
        "name": name,
        "uid": "batches",
        "hoverinfo": "skip",
        "showlegend": bool(len(across)),
    }


def layout(title: str, across: str) -> dict[str, Any]:
    """What all learning curves look like."""
    return {
        "title": {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "xaxis": {
            "title": {"text": across, "standoff": 6},
            "rangemode": "tozero",
            "zeroline": False,
            "hoverformat": ".2~f",
        },
        "yaxis": {"zeroline": False},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0, "yanchor": "bottom"},
        "margin": {"l": 48, "r": 12, "t": 48, "b": 76},
    }


def laid_over(drawn: dict[str, Any], traces: int, legend: bool) -> dict[str, Any]:
    """The layout `drawn`, for so many lines of several runs."""
    drawn["hovermode"] = "closest" if traces > 6 else "x unified"
    if not legend:
        drawn["showlegend"] = False
        drawn["margin"]["b"] = 48
    return drawn


def title(metric: Metric) -> Message:
    """The title of a metric's chart: "Loss (lower is better)", "Longest copy, tokens (lower is better)"."""
    better = message("lower is better") if metric.better == "lower" else message("higher is better")
    if metric.scale == "log":
        return message("{metric}, logarithmic ({better})", metric=metric.title, better=better)
    if metric.unit:
        return message("{metric}, {unit} ({better})", metric=metric.title, unit=metric.unit, better=better)
    return message("{metric} ({better})", metric=metric.title, better=better)


def axis(metric: Metric, points: Sequence[float | None], batches: Sequence[float | None]) -> dict[str, Any]:
    """The value axis: a share always from 0 to 1, others as high as they need.

    What is e to something, as perplexity is to the loss, is drawn logarithmic: equal distances are equal losses, and a
    rise of a few points at the end is seen beside the hundreds of the beginning.
    """
    if metric.scale == "share":
        return {"tickformat": ".0%", "range": [0, 1.03]}
    if metric.scale == "linear":
        return {"range": height(points, batches)}
    spread = sorted(y for y in batches if y is not None and y > 0)
    lowest = [y for y in points if y is not None and y > 0] + spread[int(0.05 * len(spread)) :][:1]
    most = height(points, batches)[1] if lowest else 100.0
    least = min(lowest) if len(lowest) > 1 else 1.0  # the base model's value alone does not say how far it will fall
    margin = 0.05 * math.log10(most / least)
    low, high = math.log10(least) - margin, math.log10(most) + margin
    return {"type": "log", "range": [low, high], "tickvals": ticks(10**low, 10**high)}


def on_axis(metric: Metric, value: float) -> float:
    """Where a value lies on a metric's axis, as an annotation has to say it: Plotly takes its logarithm there."""
    return math.log10(value) if metric.scale == "log" and value > 0 else value


def faint(colour: str) -> str:
    """A colour of the palette as the filling of a band: "#0072B2" -> "rgba(0, 114, 178, 0.15)"."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.15)"


def height(points: Sequence[float | None], batches: Sequence[float | None]) -> list[float]:
    """A value axis from 0 to what holds all points and 95 % of the batches.

    One early batch with a huge loss would otherwise press everything that follows onto the axis.
    """
    spread = sorted(y for y in batches if y is not None)
    highest = [y for y in points if y is not None] + spread[int(0.95 * (len(spread) - 1)) :][:1]
    return [0, 1.1 * max(highest)] if highest and max(highest) > 0 else [0, 2]


def ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis from `low` to `high`, both above 0: four to eight, as evenly as may be."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    for leading in LEADING:
        found = [number for ten in decades for lead in leading if low <= (number := _round(lead * 10.0**ten)) <= high]
        if len(found) >= 4:
            return found[:: math.ceil(len(found) / 8)]
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= max(lead for lead in (1, 2, 5) if lead * step <= (high - low) / 4)
    return [_round(step * n) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def number(value: float | None) -> float | None:
    """A finite number with five digits, or None: JSON has no NaN, and Plotly leaves a gap for None."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.5g}")


def mark(at: float) -> dict[str, Any]:
    """A dotted upright line."""
    ends = {"x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", **ends, "line": {"width": 2, "dash": "dot"}}


def mark_label(at: float, text: str) -> dict[str, Any]:
    """What stands above such a line."""
    return {
        "x": at,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "left",
        "showarrow": False,
        "text": text,
        "font": {"size": 12},
    }
