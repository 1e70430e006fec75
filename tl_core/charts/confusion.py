"""What a report says: the confusion matrix as a Plotly figure, and sentences on classes and mistakes.

Reports in, plain dictionaries and sentences out; no I/O, no Streamlit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.charts.style import literal
from tl_core.classification.report import ClassScore, Report

RIGHT, WRONG = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion
SEEN = 0.55  # a cell at least this strongly coloured is written in white
INK = "#6B7785"  # readable on light and on dark pages


@dataclass(frozen=True)
class Nouns:
    """What is classified, in the middle of a sentence: one of it, and several."""

    one: Message
    many: Message


PICTURES = Nouns(message("picture"), message("pictures"))
TEXTS = Nouns(message("text"), message("texts"))
MANY = 15  # classes; from here on the counts are left to hovering


def figure(report: Report, translate: Callable[[str], str], ink: str = INK, nouns: Nouns = PICTURES) -> dict[str, Any]:
    """The confusion matrix: rows are the true classes, columns what the network says, the diagonal is right.

    A cell's strength is its share of its row, so that rare classes are seen too. On every cell that holds examples
    lies a marker whose `customdata` is (true, predicted): heat maps cannot be clicked, markers can.

    Args:
        report: of a part of the examples.
        translate: gettext of the reader's language.
        ink: colour of the counts on pale cells, and of the names.
        nouns: what is classified.

    Returns:
        {"data": traces, "layout": layout}.
    """
    _ = translate
    count = len(report.classes)
    names = _distinct(report.classes)
    shares = [_shares(row) for row in report.confusion]
    heat = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": [[share if i == j else -share for j, share in enumerate(row)] for i, row in enumerate(shares)],
        "zmin": -1,
        "zmax": 1,
        "colorscale": [[0, _rgba(WRONG, 1)], [0.499, _rgba(WRONG, 0)], [0.5, _rgba(RIGHT, 0)], [1, _rgba(RIGHT, 1)]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hoverinfo": "skip",
    }
    cells = [(i, j) for i in range(count) for j in range(count) if report.confusion[i][j]]
    strong = [cell for cell in cells if shares[cell[0]][cell[1]] >= SEEN]
    weak = [cell for cell in cells if shares[cell[0]][cell[1]] < SEEN]
    markers = []
    for group, colour in ((strong, "#FFFFFF"), (weak, ink)):
        font = {"textfont": {"color": colour}}  # also when another cell is chosen: Plotly would let it fade
        markers.append(
            {
                "type": "scatter",
                "mode": "markers" if count >= MANY else "markers+text",
                "x": [names[j] for i, j in group],
                "y": [names[i] for i, j in group],
                "text": [f"{report.confusion[i][j]:,}" for i, j in group],
                "textfont": {"size": 15, "color": colour},
                "customdata": [[i, j] for i, j in group],
                "hovertext": [
                    literal(_cell_text(report, i, j, shares[i][j], nouns).translated(translate)) for i, j in group
                ],
                "hovertemplate": "%{hovertext}<extra></extra>",
                "marker": {"symbol": "square", "size": max(8, min(44, 420 // count)), "opacity": 0},
                "selected": {"marker": {"opacity": 0.3, "color": "#888888"}, **font},
                "unselected": {"marker": {"opacity": 0}, **font},
                "showlegend": False,
            }
        )
    layout = {
        "xaxis": {
            "title": {"text": _("The network says"), "font": {"color": ink}},
            "tickfont": {"color": ink},
            "side": "bottom",
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names,
            "range": [-0.5, count - 0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "title": {"text": _("True class"), "font": {"color": ink}},
            "tickfont": {"color": ink},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": names,
            "range": [count - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "height": max(320, min(900, 140 + 52 * count)),
        "margin": {"l": 8, "r": 8, "t": 16, "b": 8},
        "hovermode": "closest",
        "dragmode": False,
        "clickmode": "event+select",
    }
    return {"data": [heat, *markers], "layout": layout}


def reading(report: Report, nouns: Nouns = PICTURES) -> Message:
    """One sentence under the confusion matrix: the most frequent mistake, or that there is none."""
    pairs = _confused(report)
    if not pairs:
        return message("Everything lies on the diagonal: no {example} is taken for another class.", example=nouns.one)
    count, true, predicted = pairs[0]
    return message(
        "The most frequent mistake: {n} of {total} {examples} of {true} are taken for {predicted}.",
        examples=nouns.many,
        n=count,
        total=sum(report.confusion[true]),
        true=report.classes[true],
        predicted=report.classes[predicted],
    )


def description(report: Report, nouns: Nouns = PICTURES) -> Message:
    """What a reader who cannot see the confusion matrix needs to know of it."""
    return message(
        "Confusion matrix of {n} classes: {right} of {total} {examples} lie on the diagonal. {reading}",
        n=len(report.classes),
        right=sum(report.confusion[label][label] for label in range(len(report.classes))),
        total=len(report.predictions),
        reading=reading(report, nouns),
        examples=nouns.many,
    )


def classes_reading(report: Report, nouns: Nouns = PICTURES) -> Message:
    """One sentence under the table of classes: which class is found best and which worst."""
    known = [score for score in report.scores if score.recall is not None]
    best, worst = max(known, key=_recall), min(known, key=_recall)
    if best.recall == worst.recall:
        return message(
            "Every class is found equally well: {recall} of its {examples}.",
            recall=percent(_recall(best)),
            examples=nouns.many,
        )
    return message(
        "{best} is found best ({high} of its {examples}), {worst} is missed most ({low}).",
        best=best.name,
        high=percent(_recall(best)),
        worst=worst.name,
        low=percent(_recall(worst)),
        examples=nouns.many,
    )


def mistakes_reading(report: Report, nouns: Nouns = PICTURES) -> Message:
    """One sentence under the worst mistakes: how many there are, and how sure the network is when it is wrong."""
    wrong = report.mistakes
    if not wrong:
        return message(
            "There are no mistakes on these {total} {examples}.", total=len(report.predictions), examples=nouns.many
        )
    return message(
        "{n} of {total} {examples} are wrong. When it is wrong, the network is {sure} sure on average; "
        "look whether the {example}, the label or the network is to blame.",
        n=len(wrong),
        total=len(report.predictions),
        example=nouns.one,
        examples=nouns.many,
        sure=percent(sum(item.confidence for item in wrong) / len(wrong)),
    )


def cells(report: Report) -> list[tuple[int, int]]:
    """The cells that hold examples as (true, predicted): mistakes first, the most frequent ones at the top."""
    wrong = [(true, predicted) for _count, true, predicted in _confused(report)]
    return wrong + [(label, label) for label in range(len(report.classes)) if report.confusion[label][label]]


def _confused(report: Report) -> list[tuple[int, int, int]]:
    """(count, true, predicted) of every kind of mistake, the most frequent first."""
    found = [
        (count, true, predicted)
        for true, row in enumerate(report.confusion)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(found, key=lambda item: (-item[0], item[1], item[2]))


def _cell_text(report: Report, true: int, predicted: int, share: float, nouns: Nouns) -> Message:
    values = {
        "examples": nouns.many,
        "n": report.confusion[true][predicted],
        "share": percent(share),
        "true": report.classes[true],
        "predicted": report.classes[predicted],
    }
    if true == predicted:
        return message("{n} {examples} of {true} are recognised ({share}). Click to see them.", **values)
    return message("{n} {examples} of {true} are taken for {predicted} ({share}). Click to see them.", **values)


def _shares(row: Sequence[int]) -> list[float]:
    total = sum(row)
    return [count / total if total else 0.0 for count in row]


def _recall(score: ClassScore) -> float:
    """Of a class that has examples."""
    return score.recall or 0.0


def _distinct(names: Sequence[str]) -> list[str]:
    """Shortened names for the axes; Plotly would merge equal ones."""
    short = [name if len(name) <= 18 else f"{name[:17]}…" for name in names]
    unique = [name if short.count(name) == 1 else f"{name} {index + 1}" for index, name in enumerate(short)]
    return [literal(name) for name in unique]


def _rgba(colour: tuple[int, int, int], alpha: float) -> str:
    return f"rgba({colour[0]}, {colour[1]}, {colour[2]}, {alpha})"
