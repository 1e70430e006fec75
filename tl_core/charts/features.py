"""The map of the features: a point for each picture, in the colour of its class, with a ring where it is mistaken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.charts.style import PALETTE
from tl_core.labs.noise import verdict_of_examples

SYMBOLS = ("circle", "diamond", "square", "triangle", "cross")  # with more classes than colours


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
    """The maps as plain data, for whoever draws them.

    Args:
        spreads: one map, or two of the same pictures.
        classes: their names.
        true, predicted: int [n].
        translate: gettext of the reader's language.

    Returns:
        {"maps": title and points [n] of each, "groups": of each class that occurs its name, colour, symbol and the
        numbers of its pictures, "mistaken": likewise those that are ringed}.
    """
    groups = [
        {
            "name": classes[label],
            "colour": PALETTE[label % len(PALETTE)],
            "symbol": SYMBOLS[label // len(PALETTE) % len(SYMBOLS)],
            "pictures": np.flatnonzero(true == label).tolist(),
        }
        for label in np.unique(true)
    ]
    maps = [
        {
            "title": spread.name.translated(translate),
            "points": [[float(f"{x:.4g}"), float(f"{y:.4g}")] for x, y in spread.points],
        }
        for spread in spreads
    ]
    wrong = np.flatnonzero(true != predicted).tolist()
    return {
        "maps": maps,
        "groups": groups,
        "mistaken": {"name": message("mistaken").translated(translate), "pictures": wrong},
    }


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
            "The two axes are those along which the features vary most; their share of the whole variance: {shares}.",
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
