"""What sources are worth on a target: gains over random weights, rankings beside what was measured, many targets."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS, percent
from tl_core.charts import style
from tl_core.charts.style import PALETTE, literal

HELPS, HARMS = PALETTE[0], PALETTE[5]
APART = (*PALETTE[:4], *PALETTE[5:])  # without the light blue, which is as the first one in the dark
ROW, CELL = 62, 46  # pixels a source, a target
WORTH = message("Gain over random weights, percentage points")


def gains(
    names: Sequence[str], values: Sequence[Sequence[float]], guess: str | None, gettext: Callable[[str], str]
) -> dict[str, Any]:
    """A bar for each source as Plotly's plain dictionary, a dot on it for each seed; what harms has another colour.

    Args:
        names: of the sources, the first on top.
        values: for each the gains by seed, -1 to 1; at least one.
        guess: the name that was guessed to help most; it is marked.
        gettext: translates.
    """
    rows = list(range(len(names)))
    means = [100 * sum(each) / len(each) for each in values]
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "x": [style.number(means[row]) for row in own],
            "y": own,
            "marker": {"color": HELPS if helps else HARMS},
            "opacity": 0.75,
            "width": 0.5,
            "customdata": [literal(names[row]) for row in own],
            "hovertemplate": "%{customdata}: %{x:+.1f}<extra></extra>",
            "name": (message("Helps") if helps else message("Harms")).translated(gettext),
            "showlegend": True,
            "uid": "helps" if helps else "harms",
        }
        for helps in (True, False)
        for own in [[row for row in rows if (means[row] >= 0) == helps]]
    ]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [style.number(100 * value) for each in values for value in each],
        "y": [row for row, each in zip(rows, values, strict=True) for _ in each],
        "marker": {"color": "#808080", "size": 9, "line": {"width": 1, "color": "#FFFFFF"}},
        "name": message("Single seeds").translated(gettext),
        "hovertemplate": "%{x:+.1f}<extra></extra>",
        "showlegend": True,
        "uid": "seeds",
    }
    above = [
        {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": row - 0.26,
            "yanchor": "bottom",
            "showarrow": False,
            "text": literal(f"{name} ◆" if name == guess else name),
            "font": {"size": 13},
        }
        for row, name in enumerate(names)
    ]
    drawn = style.layout("", WORTH.translated(gettext))
    zero = {"type": "line", "x0": 0, "x1": 0, "line": {"width": 2, "color": "#808080"}}
    beside = [{**zero, "y0": row - 0.25, "y1": row + 0.3} for row in rows]  # the bars alone: the names stay free of it
    drawn["xaxis"] |= {"rangemode": "normal", "zeroline": False}
    drawn["yaxis"] |= {"visible": False, "range": [len(names) - 0.6, -0.7]}
    drawn |= {"hovermode": "closest", "barmode": "overlay", "annotations": above, "shapes": beside}
    drawn["margin"] |= {"l": 12, "t": 8}
    return {"data": [*bars, dots], "layout": drawn}


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
        names: of the networks; a name has its colour by its place here.
        scores, reached: in their order; accuracies 0 to 1.
        title: what the score is called.
        gettext: translates.
    """
    metric = METRICS["accuracy"]
    points = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [style.number(score)],
            "y": [style.number(value)],
            "name": literal(name),
            "marker": {"color": APART[place % len(APART)], "size": 13},
            "hovertemplate": f"%{{x:.3f}}, %{{y:{metric.form}}}<extra>%{{fullData.name}}</extra>",
            "showlegend": True,
            "uid": f"{place}",
        }
        for place, (name, score, value) in enumerate(zip(names, scores, reached, strict=True))
    ]
    drawn = style.layout(
        style.title(metric).translated(gettext),
        message("{score}, before training", score=title).translated(gettext),
    )
    drawn["xaxis"] |= {"rangemode": "normal", "hoverformat": ".3f"}
    drawn["yaxis"] |= style.axis(metric, [], [])
    drawn["hovermode"] = "closest"
    drawn["margin"]["b"] = 70 + 20 * len(names)
    return {"data": points, "layout": drawn}


def ranking_description(names: Sequence[str], scores: Sequence[float], reached: Sequence[float]) -> Message:
    """What a reader who cannot see the chart needs to know."""
    return message(
        "A point for each network. {points}.",
        points=[
            message("{name}: score {score}, accuracy {p}", name=name, score=f"{score:.3f}", p=percent(value))
            for name, score, value in zip(names, scores, reached, strict=True)
        ],
    )


def targets(rows: Sequence[str], names: Sequence[str], values: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Sources across, targets down, the gain in percentage points in each cell: blue helps, orange harms.

    Args:
        rows: of the targets, the first on top.
        names: of the sources.
        values: for each target the gain by source, -1 to 1; what is missing leaves a gap.
    """
    points = [[100 * row[name] if name in row else None for name in names] for row in values]
    most = max([abs(value) for row in points for value in row if value] or [1.0])
    cells = {
        "type": "heatmap",
        "z": [[style.number(value) for value in row] for row in points],
        "zmin": -most,
        "zmax": most,
        "colorscale": [[0, HARMS], [0.5, "#F2F2F2"], [1, HELPS]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [
            ["" if value is None else f"{value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in row] for row in points
        ],
        "texttemplate": "%{text}",
        "hoverinfo": "skip",
    }
    drawn = style.layout("", "")
    drawn["xaxis"] = {
        "tickvals": list(range(len(names))),
        "ticktext": ["<br>".join(map(literal, textwrap.wrap(name, 12))) for name in names],
        "tickangle": 0,
        "showgrid": False,
        "zeroline": False,
    }
    drawn["margin"]["t"] = 8
    drawn["yaxis"] |= {
        "tickvals": list(range(len(rows))),
        "ticktext": [literal(row) for row in rows],
        "autorange": "reversed",
        "showgrid": False,
    }
    return {"data": [cells], "layout": drawn}


def targets_description(rows: Sequence[str], values: Sequence[Mapping[str, float]]) -> Message:
    """What a reader who cannot see the chart needs to know: every cell."""
    return message(
        "Heat map of the gain over random weights, by pictures and source. {said}",
        said=[
            message(
                "{name}: {points}.",
                name=row,
                points=[f"{name} {100 * gain:+.1f}" for name, gain in gains.items()],
            )
            for row, gains in zip(rows, values, strict=True)
        ],
    )
