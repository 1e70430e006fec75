"""How far training has moved each block of a network, and what it has forgotten of its source task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.metrics import percent
from tl_core.charts import style
from tl_core.charts.style import PALETTE
from tl_core.labs.noise import bootstrap


@dataclass(frozen=True)
class Block:
    """A block: how far its weights have moved, as a share of their length before, and its BatchNorm statistics."""

    name: str
    weights: float
    statistics: float | None  # None: it has none


def figure(blocks: Sequence[Block], translate: Callable[[str], str]) -> dict[str, Any]:
    """A bar for each block as Plotly's plain dictionary, and one beside it for the BatchNorm statistics, if any moved.

    Args:
        blocks: from the input up.
        translate: gettext of the reader's language.
    """
    names = [block.name for block in blocks]
    kinds = [(message("Weights"), PALETTE[0], [block.weights for block in blocks])]
    if any(block.statistics for block in blocks):
        kinds.append((message("BatchNorm statistics"), PALETTE[1], [block.statistics or 0.0 for block in blocks]))
    data = [
        {
            "type": "bar",
            "name": name.translated(translate),
            "x": names,
            "y": [style.number(value) for value in values],
            "text": ["0" if value == 0 else percent(value) for value in values],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": colour},
            "hoverinfo": "skip",
        }
        for name, colour, values in kinds
    ]
    drawn = style.layout(
        message("Relative distance to the weights before").translated(translate), message("Block").translated(translate)
    )
    most = max(max(values) for _name, _colour, values in kinds)
    drawn["xaxis"] = {"title": drawn["xaxis"]["title"], "type": "category", "fixedrange": True}
    drawn["yaxis"] |= {"tickformat": ".2~p", "range": [0, 1.15 * most or 1], "fixedrange": True}
    return {"data": data, "layout": style.laid_over(drawn, len(data), legend=len(data) > 1)}


def description(blocks: Sequence[Block]) -> Message:
    """What a reader who cannot see the chart needs to know: its bars."""
    return message(
        "Bar chart of how far each block has moved: {blocks}.",
        blocks=[f"{block.name} {percent(block.weights)}" for block in blocks],
    )


def moved(blocks: Sequence[Block]) -> Message:
    """Which block has moved most, and how many have not moved at all."""
    most = max(blocks, key=lambda block: block.weights)
    return message(
        "{block} has moved most: by {share} of the length of its weights. {frozen} of {n} blocks have not moved "
        "at all.",
        block=most.name,
        share=percent(most.weights),
        frozen=sum(block.weights == 0 for block in blocks),
        n=len(blocks),
    )


def statistics(blocks: Sequence[Block]) -> Message:
    """What has become of the BatchNorm statistics."""
    found = [block.statistics for block in blocks if block.statistics is not None]
    if not found:
        return message("This network has no BatchNorm statistics.")
    if not any(found):
        return message("The BatchNorm statistics have not moved: they stay those of the source task.")
    return message("The BatchNorm statistics have moved, too: by {share} at most.", share=percent(max(found)))


def forgotten(kept: np.ndarray) -> Message:
    """How many answers of the source task have stayed.

    Args:
        kept: bool [n], whether the network with its former head says of a picture what it said before.
    """
    change = bootstrap(np.ones(len(kept), bool), kept)
    return message(
        "Forgetting: with its former ImageNet head the backbone gives {share} of {n} validation pictures the class "
        "that it gave them before training (95 % interval {low} to {high}, bootstrap over the pictures).",
        share=percent(1 + change.mean),
        low=percent(1 + change.low),
        high=percent(1 + change.high),
        n=f"{len(kept):,}",
    )
