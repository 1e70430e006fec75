"""Ways to use one encoder on the same texts, made to be compared: only weights, boundary and phases differ."""

import contextlib
from dataclasses import replace

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.tasks.text_classification.config import EncoderConfig, PhaseConfig, TextClassificationConfig
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import ENCODERS

WAYS: dict[str, Message] = {
    "frozen": message("Frozen"),
    "head_first": message("Head first, then all"),
    "at_once": message("All at once"),
    "scratch": message("From scratch"),
}
AGAINST = "scratch"  # what the others are measured against
BEATEN = message("That is negative transfer: what the network knew before does harm here.")
ACROSS = "epoch"  # what their curves are drawn over, by the name of an event's field
BESIDE = ()  # further metrics that are told of them
EPOCHS = 10


def usual(dataset: str) -> TextClassificationConfig:
    """What the ways are tried with unless somebody chooses otherwise: the smallest encoder that is on this computer.

    Args:
        dataset: id.
    """
    data = DataConfig(dataset, validation=0.3, per_class=50)
    phases = (PhaseConfig(-1, EPOCHS, 1e-2, "adam", "head"),)
    return TextClassificationConfig(data, EncoderConfig(_smallest(), length=32), phases=phases, batch_size=16)


def ways(config: TextClassificationConfig) -> dict[str, TextClassificationConfig]:
    """The experiment in each way: the same epochs, data, split, head, seed, batch and length.

    Args:
        config: of its phases the epochs count.
    """
    epochs = config.epochs
    first = max(1, epochs // 3)
    known, blank = (
        replace(config, encoder=replace(config.encoder, weights=weights)) for weights in ("pretrained", "random")
    )
    rest = PhaseConfig(0, max(1, epochs - first), 1e-4, "adam", "fine-tuning", "cosine")
    return {
        "frozen": replace(known, phases=(PhaseConfig(-1, epochs, 1e-2, "adam", "head"),)),
        "head_first": replace(known, phases=(PhaseConfig(-1, first, 1e-2, "adam", "head"), rest)),
        "at_once": replace(known, phases=(PhaseConfig(0, epochs, 2e-4, "adam", "fine-tuning", "cosine"),)),
        "scratch": replace(blank, phases=(PhaseConfig(0, epochs, 3e-4, "adam", "from scratch", "cosine"),)),
    }


def seeded(config: TextClassificationConfig, seed: int) -> TextClassificationConfig:
    """The experiment with another seed of the training and of the split: other texts, other first weights."""
    return replace(config, data=replace(config.data, seed=seed), seed=seed)


def sized(config: TextClassificationConfig, per_class: int) -> TextClassificationConfig:
    """The experiment with so many training texts of each class; 0: all."""
    return replace(config, data=replace(config.data, per_class=per_class))


def _smallest() -> str:
    """The encoder with the fewest parameters among those that need no download; else among all."""
    rows = sorted(ENCODERS.values(), key=lambda row: row.shape.parameters)
    for row in rows:
        with contextlib.suppress(UserError):  # its files are damaged
            if encoders.find(row.name):
                return row.name
    return rows[0].name
