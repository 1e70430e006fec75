"""The map of the features: a point for each picture, in the colour of its class, with a ring where it is mistaken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.charts.style import PALETTE, literal
from tl_core.labs.noise import verdict_of_examples

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")  # with more classes than colours
MANY = 400  # points; from here on they are smaller
FEW = 12  # classes that a legend has room for


@dataclass(frozen=True)
class Spread:
    """The pictures as one network sees them.

    Attributes:
        name: of the network.
        points: float [n, 2].
        same: bool [n], whether the nearest other picture is of the same class.
        shown: the share of the features' variance that the axes show; None where they are no axes.
    """

    name: Message
    points: np.ndarray
    same: np.ndarray
    shown: float | None


def figure(
    spreads: Sequence[Spread],
    classes: Sequence[str],
    true: np.ndarray,
    predicted: np.ndarray,
    translate: Callable[[str], str],
) -> dict[str, Any]:
    """The maps as Plotly's plain dictionary, each on axes of its own: x and y, x2 and y2.

    A point's `customdata` is the number of its picture. Where the maps stand is left to whoever draws them.

    Args:
        spreads: one map, or two of the same pictures.
        classes: their names.
        true, predicted: int [n].
        translate: gettext of the reader's language.
    """
    data = []
    size = 9 if len(true) < MANY else 6
    for number, spread in enumerate(spreads, 1):
        axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"} if number > 1 else {}
        for label in np.unique(true):
            data.append(
                {
                    **_points(spread.points, np.flatnonzero(true == label)),
                    **axes,
                    "name": literal(classes[label]),
                    "legendgroup": str(label),
                    "showlegend": number == 1,
                    "marker": {
                        "color": PALETTE[label % len(PALETTE)],
                        "symbol": SYMBOLS[label // len(PALETTE) % len(SYMBOLS)],
                        "size": size,
                        "opacity": 0.8,
                    },
                    "unselected": {"marker": {"opacity": 0.12}},
                }
            )
        data.append(
            {
                **_points(spread.points, np.flatnonzero(true != predicted)),
                **axes,
                "name": message("mistaken").translated(translate),
                "legendgroup": "mistaken",
                "showlegend": number == 1 and bool((true != predicted).any()),
                "marker": {"symbol": "circle-open", "size": size + 7, "line": {"width": 1.5}},
                "unselected": {"marker": {"opacity": 0.12}},
            }
        )
    titles = [spread.name.translated(translate) for spread in spreads]
    return {"data": data, "titles": titles, "legend": len(np.unique(true)) <= FEW}


def how_to_read(spreads: Sequence[Spread], several: bool) -> Message:
    """What to read off the picture.

    Args:
        several: whether some pictures are mistaken.
    """
    shown = [percent(spread.shown) for spread in spreads if spread.shown is not None]
    ring = message("a ring marks what the network takes for another class") if several else message("none is mistaken")
    if shown:
        return message(
            "Each point is a picture, near others that the network sees alike; its colour is its true class, {ring}. "
            "The two axes are those along which the features vary most: they show {shares} of the variance.",
            ring=ring,
            shares=message("{first} on the first map, {second} on the second", first=shown[0], second=shown[1])
            if len(shown) == 2
            else shown[0],
        )
    return message(
        "Each point is a picture, near others that the network sees alike; its colour is its true class, {ring}. t-SNE "
        "keeps neighbours together; how large a group is and how far from others means nothing.",
        ring=ring,
    )


def found(spreads: Sequence[Spread], chance: float, width: int, total: int) -> list[Message]:
    """What the features say in numbers, measured in all of their dimensions.

    Args:
        chance: how often another picture taken at random is of the same class.
        width: of the features.
        total: pictures that validate, of which those of the map are some or all.
    """
    first, last = spreads[0].same, spreads[-1].same
    values = {"n": f"{len(first):,}", "width": f"{width:,}", "chance": percent(chance)}
    if len(spreads) == 1:
        told = [
            message(
                "For {share} of {n} validation pictures the nearest other one is of the same class ({chance} by "
                "chance), measured in all {width} features.",
                share=percent(float(first.mean())),
                **values,
            )
        ]
    else:
        told = [
            message(
                "Before training the nearest other picture is of the same class for {before} of {n} validation "
                "pictures, afterwards for {after} ({chance} by chance), measured in all {width} features.",
                before=percent(float(first.mean())),
                after=percent(float(last.mean())),
                **values,
            ),
            verdict_of_examples(first, last).message,
        ]
    if total > len(first):
        told.append(message("These are {n} of {total} pictures, drawn at random.", n=values["n"], total=f"{total:,}"))
    return told


def description(spreads: Sequence[Spread], classes: Sequence[str], true: np.ndarray) -> Message:
    """What a reader who cannot see the maps needs to know: how many points of which class, and what lies together."""
    return message(
        "Map of the features of {n} pictures: {classes}. {maps}.",
        n=f"{len(true):,}",
        classes=[f"{classes[label]} {(true == label).sum():,}" for label in np.unique(true)],
        maps=[
            message(
                "{name}: the nearest other picture is of the same class for {share}",
                name=spread.name,
                share=percent(float(spread.same.mean())),
            )
            for spread in spreads
        ],
    )


def _points(points: np.ndarray, places: np.ndarray) -> dict[str, Any]:
    return {
        "type": "scattergl",
        "mode": "markers",
        "x": [float(f"{value:.4g}") for value in points[places, 0]],
        "y": [float(f"{value:.4g}") for value in points[places, 1]],
        "customdata": places.tolist(),
        "hoverinfo": "none",
    }
