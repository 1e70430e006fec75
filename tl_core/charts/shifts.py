"""Ways of training beside each other in several places: a dot for every seed, and a bar at the mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import Metric
from tl_core.charts import style
from tl_core.charts.bands import MEAN, Guessed

APART = 0.22  # from one way to the next, where two places are 1 apart


@dataclass(frozen=True)
class Kind:
    """One way: what the legend calls it, its colour, and for each place the values of its seeds, empty at first."""

    name: str
    colour: str
    places: Sequence[Sequence[float]]


def figure(
    kinds: Sequence[Kind],
    places: Sequence[str],
    row: Metric,
    translate: Callable[[str], str],
    guessed: Guessed | None = None,
) -> dict[str, Any]:
    """A chart as Plotly's plain dictionary: for each way the dots of its seeds, and its means.

    Args:
        kinds: in the order of the legend.
        places: what stands below each.
        row: the metric.
        translate: gettext of the reader's language.
        guessed: drawn as a dashed line across all places but the first.
    """
    traces = []
    for number, kind in enumerate(kinds):
        across = [at + APART * (number - (len(kinds) - 1) / 2) for at in range(len(places))]
        dots = [(x, value) for x, seeds in zip(across, kind.places, strict=True) for value in seeds]
        name = style.literal(kind.name)
        count = max(map(len, kind.places), default=0)
        common = {"type": "scatter", "mode": "markers", "legendgroup": f"{number}", "hoverinfo": "skip"}
        traces += [
            {
                **common,
                "x": [x for x, _value in dots],
                "y": [style.number(value) for _x, value in dots],
                "marker": {"color": kind.colour, "size": 9, "opacity": 0.55},
                "showlegend": False,
                "uid": f"{number}-seeds",
            },
            {
                **common,
                "x": across,
                "y": [style.number(sum(seeds) / len(seeds)) if seeds else None for seeds in kind.places],
                "marker": {
                    "color": kind.colour,
                    "symbol": "line-ew",
                    "size": 14,
                    "opacity": 1,
                    "line": {"width": 4, "color": kind.colour},
                },
                "name": translate(MEAN).format(name=name, n=count) if count > 1 else name,
                "uid": f"{number}-mean",
                "hoverinfo": "all",
                "hovertemplate": f"%{{y:{row.form}}}<extra>%{{fullData.name}}</extra>",
            },
        ]
    drawn = style.layout(style.title(row).translated(translate), "")
    drawn["xaxis"] = {
        "tickvals": list(range(len(places))),
        "ticktext": [style.literal(place) for place in places],
        "range": [-0.5, len(places) - 0.5],
        "zeroline": False,
        "showgrid": False,
    }
    drawn["yaxis"] |= style.axis(row, [], [])
    drawn["hovermode"] = "closest"
    if guessed:
        ends = {"x0": 0.5, "x1": len(places) - 0.5, "y0": guessed.at, "y1": guessed.at}
        drawn["shapes"] = [{"type": "line", **ends, "line": {"width": 2, "dash": "dash"}}]
        label = {"x": 0.5, "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 12}}
        drawn["annotations"] = [{**label, "y": guessed.at, "text": style.literal(guessed.text)}]
    return {"data": traces, "layout": drawn}


def description(kinds: Sequence[Kind], places: Sequence[str], row: Metric) -> Message:
    """What a reader who cannot see the chart needs to know: every mean."""
    return message(
        "Chart of {metric} by way and kind of pictures. {said}",
        metric=row.noun,
        said=[
            message(
                "{name}: {points}.",
                name=kind.name,
                points=[
                    f"{place} {row.shown(sum(seeds) / len(seeds))}"
                    for place, seeds in zip(places, kind.places, strict=True)
                    if seeds
                ],
            )
            if any(kind.places)
            else message("{name} has no result yet", name=kind.name)
            for kind in kinds
        ],
    )
