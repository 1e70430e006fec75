"""Settings that several labs have, each declared once: how many pictures, seeds of probes, and its owner's guess."""

from typing import Any

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import setting


def pictures() -> Any:
    """The most pictures that an experiment looks at."""
    return setting(
        600,
        key="pictures",
        label=message("Pictures at most"),
        term=message("number of pictures"),
        group="data",
        shown="number",
        low=20,
        high=20_000,
        help=message("Where there are more, so many are drawn, of each class its share. More take longer."),
    )


def seeds() -> Any:
    """How often probes are repeated."""
    return setting(
        3,
        key="seeds",
        label=message("Seeds"),
        term=message("number of seeds"),
        group="training",
        shown="number",
        low=1,
        high=10,
        help=message(
            "So often everything is repeated, with other examples to learn from and to be tested on and with another "
            "random network. The bands show how much chance alone changes."
        ),
    )


def guess(most: int) -> Any:
    """What its owner expects, as a number up to `most`; 0: no guess. It does not travel with a link."""
    return setting(
        0,
        key="guess",
        label=message("Guess"),
        term=message("guess"),
        group="training",
        low=0,
        high=most,
        off=message("none"),
        shared=False,
    )


def beside_random(weights: str) -> None:
    """Check that there is something to set beside random weights.

    Raises:
        UserError: the weights are random themselves.
    """
    if weights == "random":
        raise UserError(
            message("Random weights are set beside pretrained ones, not beside themselves."),
            message("Choose pretrained weights."),
        )
