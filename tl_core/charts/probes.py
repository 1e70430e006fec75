"""Accuracy of probes along the blocks of a network: a line and a band of seeds for each kind of weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS, percent
from tl_core.charts import style
from tl_core.charts.style import PALETTE

COLOURS = {"pretrained": PALETTE[0], "random": PALETTE[1]}
NAMES = {"pretrained": message("Pretrained weights"), "random": message("Random weights")}


@dataclass(frozen=True)
class Line:
    """One network: for each place that is measured the values of its seeds, 0 to 1."""

    arm: str  # key of NAMES
    places: Sequence[str]
    values: Sequence[Sequence[float]]

    @property
    def means(self) -> list[float]:
        """Over the seeds."""
        return [sum(seeds) / len(seeds) for seeds in self.values]


def figure(
    lines: Sequence[Line],
    places: Sequence[str],
    chance: float | None,
    guess: str | None,
    gettext: Callable[[str], str],
) -> dict[str, Any]:
    """A chart as Plotly's plain dictionary.

    Args:
        lines: what is measured by now.
        places: all blocks, in their order; the axis has room for them from the beginning.
        chance: accuracy of a classifier that has not looked, drawn as a dotted line.
        guess: the place that was guessed to be the best; it is marked.
        gettext: translates.
    """
    metric = METRICS["accuracy"]
    data = [trace for each in lines if each.places for trace in _drawn(each, gettext)]
    if chance is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [places[0], places[-1]],
                "y": [chance, chance],
                "line": {"color": "#808080", "width": 2, "dash": "dot"},
                "name": message("Always the most frequent class").translated(gettext),
                "uid": "chance",
                "hovertemplate": f"%{{y:{metric.form}}}<extra>%{{fullData.name}}</extra>",
            }
        )
    drawn = style.layout(style.title(metric).translated(gettext), message("Probe behind").translated(gettext))
    drawn["xaxis"] = {
        **drawn["xaxis"],
        "type": "category",
        "categoryorder": "array",
        "categoryarray": list(places),
        "range": [-0.3, len(places) - 0.7],
    }
    del drawn["xaxis"]["rangemode"], drawn["xaxis"]["hoverformat"]
    drawn["yaxis"] |= style.axis(metric, [], [])
    if guess is not None and guess in places:
        at = list(places).index(guess)
        drawn["shapes"] = [style.mark(at)]
        drawn["annotations"] = [style.mark_label(at, message("guess").translated(gettext))]
    return {"data": data, "layout": drawn}


def description(lines: Sequence[Line]) -> Message:
    """What a reader who cannot see the chart needs to know: every point of it."""
    return message(
        "Line chart of the accuracy of a linear probe behind each block. {lines}",
        lines=[
            message(
                "{name}: {points}.",
                name=NAMES[line.arm],
                points=[f"{place} {percent(mean)}" for place, mean in zip(line.places, line.means, strict=True)],
            )
            for line in lines
            if line.places
        ],
    )


def _drawn(line: Line, gettext: Callable[[str], str]) -> list[dict[str, Any]]:
    """The band between the lowest and the highest seed, and the line of means on it."""
    colour = COLOURS[line.arm]
    lows, highs = [min(seeds) for seeds in line.values], [max(seeds) for seeds in line.values]
    band = {
        "type": "scatter",
        "mode": "lines",
        "x": [*line.places, *reversed(line.places)],
        "y": [*map(style.number, highs), *map(style.number, reversed(lows))],
        "fill": "toself",
        "fillcolor": _faint(colour),
        "line": {"width": 0, "color": colour},
        "hoverinfo": "skip",
        "showlegend": False,
        "uid": f"{line.arm} band",
    }
    means = style.line(list(line.places), line.means, colour, METRICS["accuracy"].form, dashed=line.arm == "random")
    return [band, {**means, "name": NAMES[line.arm].translated(gettext), "uid": line.arm}]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.22)"
