"""Why a network says so: a map laid over its picture, and whether the map earns trust. Plain data in, pictures out."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS, percent
from tl_core.charts import style
from tl_core.charts.style import PALETTE

FOR, AGAINST = PALETTE[5], PALETTE[0]
DENSE = 0.75  # how far the strongest place is covered by its colour
SIDE = 480  # pixels of the picture shown
NOTHING = 0.005  # an effect on the probability that is not worth naming
BETTER = 0.02  # by so much, in the mean over the shares, the marked places must beat random ones
RELATED = 0.5  # from this correlation on a map hardly depends on what was learned

Map = Sequence[Sequence[float]]


def overlay(picture: Image.Image, values: Map) -> bytes:
    """The centred square of a picture, grey, coloured where a map speaks: orange for the class, blue against it.

    Args:
        picture: as it was uploaded.
        values: rows from top to bottom; the largest magnitude gets the full colour.

    Returns:
        A PNG.
    """
    square = ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE))
    grey = np.asarray(ImageOps.grayscale(square), np.float32)[..., None].repeat(3, -1)
    rows = np.asarray(values, np.float32)
    large = np.asarray(Image.fromarray(rows).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    strength = np.clip(np.abs(large) / max(float(np.abs(rows).max()), 1e-9), 0, 1)[..., None] * DENSE
    colour = np.where(large[..., None] > 0, _rgb(FOR), _rgb(AGAINST))
    buffer = io.BytesIO()
    Image.fromarray((grey * (1 - strength) + colour * strength).round().astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def where(values: Map) -> Message:
    """In which ninth of the picture the map says most, for who cannot see it."""
    rows = np.asarray(values)
    row, column = np.unravel_index(rows.argmax(), rows.shape)
    down, across = int(3 * row // rows.shape[0]), int(3 * column // rows.shape[1])
    return PLACES[down][across]


PLACES = (
    (message("top left"), message("top"), message("top right")),
    (message("left"), message("middle"), message("right")),
    (message("bottom left"), message("bottom"), message("bottom right")),
)


def occluded(values: Map, label: str) -> Message:
    """What an occlusion map found, in numbers."""
    most = float(np.max(values))
    if most < NOTHING:
        return message("No single covered place lowers the probability of {label}.", label=label)
    return message(
        "Covering the place that counts most lowers the probability of {label} by {points} percentage points.",
        label=label,
        points=f"{100 * most:.0f}" if most >= 0.1 else f"{100 * most:.1f}",
    )


def figure(
    shares: Sequence[float], marked: Sequence[float], random: Sequence[float], translate: Callable[[str], str]
) -> dict[str, Any]:
    """How the probability falls while more and more of the picture is covered, as Plotly's plain dictionary.

    Args:
        shares: of the picture, ascending.
        marked: probabilities, what the map marks most covered first.
        random: the same with random places first.
        translate: gettext of the reader's language.
    """
    metric = METRICS["accuracy"]
    lines = (
        (marked, FOR, message("Marked places first"), False),
        (random, "#808080", message("Random places first"), True),
    )
    drawn = style.layout(
        message("Probability").translated(translate),
        message("Share of the picture that is covered").translated(translate),
    )
    drawn["xaxis"] |= {"tickformat": ".0%", "hoverformat": ".0%", "range": [-0.02, 1], "fixedrange": True}
    drawn["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.03], "fixedrange": True}
    data = [
        {**style.line(shares, values, colour, metric.form, dashed=dashed), "name": name.translated(translate)}
        for values, colour, name, dashed in lines
    ]
    return {"data": data, "layout": drawn}


def description(shares: Sequence[float], marked: Sequence[float], random: Sequence[float]) -> Message:
    """What a reader who cannot see the chart needs to know: its points."""
    return message(
        "Line chart of the probability while the picture is covered. {points}.",
        points=[
            message(
                "{share} covered: marked places {p}, random places {q}", share=percent(s), p=percent(p), q=percent(q)
            )
            for s, p, q in zip(shares, marked, random, strict=True)
        ],
    )


def verdict(shares: Sequence[float], marked: Sequence[float], random: Sequence[float], draws: int) -> Message:
    """Whether the map marks what the answer hangs on."""
    ours, theirs = (float(np.trapezoid(values, shares)) / shares[-1] for values in (marked, random))
    values = {"p": percent(ours), "q": percent(theirs), "n": draws}
    if theirs - ours >= BETTER:
        return message(
            "The map marks what the answer hangs on: with its places covered first the probability is {p} on average, "
            "with random places first {q} ({n} draws).",
            **values,
        )
    return message(
        "Do not trust this map: with its places covered first the probability is {p} on average, and with random "
        "places first it is {q} ({n} draws).",
        **values,
    )


def learned(correlation: float) -> Message:
    """Whether the map belongs to what the network has learned."""
    values = {"r": f"{correlation:.2f}".replace("-", "−")}
    if correlation < RELATED:
        return message(
            "With shuffled weights the same network draws another map (correlation {r}): it shows what was learned.",
            **values,
        )
    return message(
        "With shuffled weights the same network draws nearly the same map (correlation {r}): it shows the picture "
        "rather than what was learned.",
        **values,
    )


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)], np.float32)
