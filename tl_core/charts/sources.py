"""What sources are worth on a target: gains over random weights, rankings beside what was measured, many targets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS, percent
from tl_core.charts import style
from tl_core.charts.style import PALETTE, literal

HELPS, HARMS = PALETTE[0], PALETTE[5]
ROW = 56  # pixels a source
WORTH = message("Gain over random weights, percentage points")


def gains(
    names: Sequence[str], values: Sequence[Sequence[float]], guess: str | None, gettext: Callable[[str], str]
) -> dict[str, Any]:
    """A bar for each source as Plotly's plain dictionary, a dot on it for each seed; what harms has another colour.

    Args:
        names: of the sources, the first on top.
        values: for each the gains by seed, -1 to 1.
        guess: the name that was guessed to help most; it is marked.
        gettext: translates.
    """
    rows = list(range(len(names)))
    means = [100 * sum(each) / len(each) for each in values]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [style.number(mean) for mean in means],
        "y": rows,
        "marker": {"color": [HELPS if mean >= 0 else HARMS for mean in means]},
        "width": 0.6,
        "customdata": [literal(name) for name in names],
        "hovertemplate": "%{customdata}: %{x:+.1f}<extra></extra>",
        "showlegend": False,
    }
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [style.number(100 * value) for each in values for value in each],
        "y": [row for row, each in zip(rows, values, strict=True) for _ in each],
        "marker": {"color": "#808080", "size": 8, "line": {"width": 1, "color": "#FFFFFF"}},
        "name": message("Single seeds").translated(gettext),
        "hovertemplate": "%{x:+.1f}<extra></extra>",
    }
    ticks = [f"{literal(name)} ◆" if name == guess else literal(name) for name in names]
    layout = {
        "xaxis": {"title": {"text": WORTH.translated(gettext), "standoff": 6}, "zeroline": True, "ticksuffix": ""},
        "yaxis": {"tickvals": rows, "ticktext": ticks, "autorange": "reversed", "automargin": True},
        "height": ROW * len(names) + 110,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 48},
        "showlegend": False,
    }
    return {"data": [bars, dots], "layout": layout}


def gains_description(names: Sequence[str], values: Sequence[Sequence[float]]) -> Message:
    """What a reader who cannot see the chart needs to know."""
    return message(
        "Bar chart of the gain of each source over random weights. {bars}.",
        bars=[
            message("{name} {points} points", name=name, points=f"{100 * sum(each) / len(each):+.1f}")
            for name, each in zip(names, values, strict=True)
        ],
    )


def ranking(
    names: Sequence[str], scores: Sequence[float], reached: Sequence[float], title: str, gettext: Callable[[str], str]
) -> dict[str, Any]:
    """A point for each network: its score before training across, the accuracy measured afterwards up.

    Args:
        names: of the networks.
        scores, reached: in their order; accuracies 0 to 1.
        title: what the score is called.
        gettext: translates.
    """
    metric = METRICS["accuracy"]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [style.number(score) for score in scores],
        "y": [style.number(value) for value in reached],
        "marker": {"color": [PALETTE[place % len(PALETTE)] for place in range(len(names))], "size": 13},
        "customdata": [literal(name) for name in names],
        "hovertemplate": f"%{{customdata}}: %{{x:.3f}}, %{{y:{metric.form}}}<extra></extra>",
        "showlegend": False,
    }
    keys = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [None],
            "y": [None],
            "name": literal(name),
            "marker": {"color": PALETTE[place % len(PALETTE)], "size": 11},
        }
        for place, name in enumerate(names)
    ]
    drawn = style.layout(
        style.title(metric).translated(gettext),
        message("{score}, before training", score=title).translated(gettext),
    )
    drawn["xaxis"] |= {"rangemode": "normal", "hoverformat": ".3f"}
    drawn["yaxis"] |= style.axis(metric, [], [])
    drawn["hovermode"] = "closest"
    drawn["margin"]["b"] = 76 + 18 * ((len(names) + 1) // 2)
    return {"data": [points, *keys], "layout": drawn}


def ranking_description(names: Sequence[str], scores: Sequence[float], reached: Sequence[float]) -> Message:
    """What a reader who cannot see the chart needs to know."""
    return message(
        "A point for each network. {points}.",
        points=[
            message("{name}: score {score}, accuracy {p}", name=name, score=f"{score:.3f}", p=percent(value))
            for name, score, value in zip(names, scores, reached, strict=True)
        ],
    )


def targets(
    rows: Sequence[str], names: Sequence[str], values: Sequence[Mapping[str, float]], gettext: Callable[[str], str]
) -> dict[str, Any]:
    """Sources across, targets down, the gain in each cell: blue helps, orange harms.

    Args:
        rows: of the targets, the first on top.
        names: of the sources.
        values: for each target the gain by source, -1 to 1; what is missing leaves a gap.
        gettext: translates.
    """
    points = [[100 * row[name] if name in row else None for name in names] for row in values]
    most = max([abs(value) for row in points for value in row if value is not None] or [1.0])
    cells = {
        "type": "heatmap",
        "z": [[style.number(value) for value in row] for row in points],
        "x": [literal(name) for name in names],
        "y": list(range(len(rows))),
        "zmin": -most,
        "zmax": most,
        "colorscale": [[0, HARMS], [0.5, "#F2F2F2"], [1, HELPS]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [["" if value is None else f"{value:+.1f}".replace("-", "−") for value in row] for row in points],
        "texttemplate": "%{text}",
        "hovertemplate": "%{x}: %{z:+.1f}<extra></extra>",
    }
    layout = {
        "title": {"text": WORTH.translated(gettext), "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "xaxis": {"side": "bottom", "automargin": True, "showgrid": False, "fixedrange": True},
        "yaxis": {
            "tickvals": list(range(len(rows))),
            "ticktext": [literal(row) for row in rows],
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "fixedrange": True,
        },
        "height": 52 * len(rows) + 130,
        "margin": {"l": 8, "r": 12, "t": 48, "b": 48},
    }
    return {"data": [cells], "layout": layout}
