"""What a network says of one picture: a bar for each of the likeliest classes, and a sentence.

Labels in, a Plotly figure (a plain dictionary) and messages out; no I/O, no Streamlit.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.charts.style import PALETTE, literal

Labels = Sequence[tuple[str, float]]  # (class, probability), the likeliest first

SURE = 0.9  # from this probability on the sentence calls the network sure
NOTHING = 0.005  # a smaller second probability is not worth naming
TORN = 0.15  # a smaller distance between the first two is called torn
FADED = 0.45  # opacity of the bars after the first
LONG = 28  # letters of a class name that are shown beside its bar
ROW = 44  # pixels a bar


def figure(labels: Labels, translate: Callable[[str], str]) -> dict[str, Any]:
    """Horizontal bars, the likeliest on top; their scale always ends at 100 %, so that pictures can be compared.

    Args:
        labels: at least one.
        translate: gettext of the reader's language.

    Returns:
        {"data": traces, "layout": layout}.
    """
    _ = translate
    rows = list(range(len(labels)))  # numbers, not names: two of ImageNet's classes may have the same name
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [probability for name, probability in labels],
        "y": rows,
        "text": [percent(probability) for name, probability in labels],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [literal(name) for name, probability in labels],
        "hovertemplate": "%{customdata}: %{x:.2%}<extra></extra>",
        "marker": {"color": PALETTE[0], "opacity": [1.0] + [FADED] * (len(labels) - 1)},
        "width": 0.68,
    }
    layout = {
        "xaxis": {
            "title": {"text": _("Probability"), "standoff": 6},
            "range": [0, 1.18],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "tickformat": ".0%",
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {
            "tickvals": rows,
            "ticktext": [_short(name) for name, probability in labels],
            "autorange": "reversed",
            "automargin": True,
            "fixedrange": True,
            "ticklabelstandoff": 6,
        },
        "height": ROW * len(labels) + 80,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 48},
        "showlegend": False,
    }
    return {"data": [bars], "layout": layout}


def reading(labels: Labels) -> Message:
    """One sentence that says what the chart shows."""
    (first, probability), *rest = labels
    if not rest:
        return message("The network knows one class only: {first}.", first=first)
    second, runner_up = rest[0]
    values = {"first": first, "p": percent(probability), "second": second, "q": percent(runner_up)}
    if runner_up < NOTHING:
        return message("The network is as good as certain: {first} with {p}.", **values)
    if probability >= SURE:
        return message("The network is sure: {first} with {p}; next comes {second} with {q}.", **values)
    if probability - runner_up < TORN:
        return message("The network is torn between {first} ({p}) and {second} ({q}).", **values)
    return message("The network takes it for {first} with {p}; {second} has {q}.", **values)


def description(labels: Labels) -> Message:
    """What a reader who cannot see the chart needs to know of it."""
    bars = [message("{name} {p}", name=name, p=percent(probability)) for name, probability in labels]
    return message("Bar chart of probabilities: {bars}.", bars=bars)


def _short(name: str) -> str:
    return literal(name if len(name) <= LONG else name[: LONG - 1] + "…")
