"""How many wrong labels are found by looking at the most doubtful ones first: a curve with its band, and chance."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS, percent
from tl_core.charts import bands, style
from tl_core.charts.bands import Band
from tl_core.charts.style import PALETTE

FOUND = METRICS["found"]
SUSPECTS, CHANCE = message("The most doubtful first"), message("In any order: chance")


def figure(
    seeds: Sequence[Mapping[float, float]], looked_at: float, guess: float | None, gettext: Callable[[str], str]
) -> dict[str, Any]:
    """A chart as Plotly's plain dictionary.

    Args:
        seeds: for each the share that is found by the share that is looked at, 0 to 1; empty as long as nothing is.
        looked_at: the share of suspects; it is marked.
        guess: the share that was guessed to be found there; it is marked too.
        gettext: translates.
    """
    lines = [{0.0: 0.0, **line} if line else {} for line in seeds]
    drawn = bands.bands([Band(SUSPECTS.translated(gettext), PALETTE[0], lines)], FOUND.key, gettext)
    drawn["data"].append(
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, 1],
            "y": [0, 1],
            "line": {"color": "#808080", "width": 2, "dash": "dot"},
            "name": CHANCE.translated(gettext),
            "uid": "chance",
            "hoverinfo": "skip",
        }
    )
    layout = drawn["layout"]
    layout["xaxis"] = {
        "title": {"text": message("Share of the labels looked at").translated(gettext), "standoff": 6},
        "tickformat": ".0%",
        "range": [0, 1.01],
        "zeroline": False,
    }
    layout["shapes"] = [style.mark(looked_at)]
    layout["annotations"] = [style.mark_label(looked_at, message("suspects").translated(gettext))]
    if guess is not None:
        drawn["data"].append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [looked_at],
                "y": [guess],
                "marker": {"symbol": "diamond-open", "size": 14, "color": PALETTE[5], "line": {"width": 3}},
                "name": message("Your guess").translated(gettext),
                "uid": "guess",
                "hovertemplate": f"%{{y:{FOUND.form}}}<extra>%{{fullData.name}}</extra>",
            }
        )
    return drawn


def description(seeds: Sequence[Mapping[float, float]]) -> Message:
    """What a reader who cannot see the chart needs to know: the mean of every point."""
    known = [line for line in seeds if line]
    if not known:
        return message("Line chart of the wrong labels that are found. Nothing has been measured yet.")
    places = sorted(set.intersection(*map(set, known)))
    return message(
        "Line chart of the wrong labels that are found, by the share of labels looked at, mean of {n} seeds: {points}.",
        n=len(known),
        points=[
            message(
                "{found} after {looked_at}",
                found=percent(sum(line[at] for line in known) / len(known), 0),
                looked_at=percent(at, 0),
            )
            for at in places
        ],
    )
