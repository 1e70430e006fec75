"""What a classifier of texts is, and what it costs in parameters before it is trained; nothing imports TensorFlow."""

import dataclasses
from dataclasses import MISSING, dataclass
from pathlib import PurePath
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, setting
from tl_core.classification.settings import (
    batch_size,
    class_weights,
    early_stopping,
    epochs,
    head_dropout,
    label_smoothing,
    learning_rate,
    seed,
    units,
    validate,
)
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import ENCODERS, EncoderShape
from tl_core.training.options import Optimizer, PhaseName, Precision, Schedule
from tl_core.training.settings import cache, frozen_blocks, optimizer, precision, schedule

Weights = Literal["pretrained", "random"]


@dataclass(frozen=True)
class EncoderConfig:
    """The pretrained network below the head."""

    name: str = setting(  # key of tl_core.text.pretrained.encoders.ENCODERS, or a folder in the Hub's format
        "minilm",
        key="encoder",
        label=message("Encoder"),
        term=message("encoder"),
        group="network",
        shown="select",
        private=True,
        help=message(
            "The pretrained network that reads a whole text, below your new head. Behind its name: how many "
            "parameters it has."
        ),
    )
    weights: Weights = setting(
        "pretrained",
        key="weights",
        label=message("Weights"),
        term=message("weights"),
        group="network",
        shown="segments",
        choices={"pretrained": message("Pretrained"), "random": message("Random (from scratch)")},
        help=message("What the encoder knows when training begins: what it learned from other texts, or nothing."),
    )
    length: int = setting(  # tokens that are read of a text, its marks included
        64,
        key="length",
        label=message("Tokens read of a text"),
        term=message("tokens a text"),
        group="network",
        shown="stops",
        low=8,
        high=512,
        offered=(16, 32, 64, 128, 256, 512),
        help=message("The end of a longer text is not seen. Twice as many take more than twice as long."),
    )


@dataclass(frozen=True)
class HeadConfig:
    """The new layers on top of the mean over a text's tokens."""

    units: int = units(0)  # width of the hidden relu layer; 0 leaves it out
    dropout: float = head_dropout(  # rate before the classifier
        0.1,
        "head_dropout",
        message("Dropout of the head"),
        message("The share of numbers switched off at random in each step, so that none is relied on alone."),
    )


@dataclass(frozen=True)
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int = frozen_blocks(MISSING)  # leading ones of embeddings, layer.0, ... kept frozen; -1: all
    epochs: int = epochs(message("How often the network sees every training text."))
    learning_rate: float = learning_rate()
    optimizer: Optimizer = optimizer("adam")
    name: PhaseName = "head"
    schedule: Schedule = schedule("constant")


@dataclass(frozen=True)
class TextClassificationConfig:
    """One experiment, complete."""

    data: DataConfig
    encoder: EncoderConfig = EncoderConfig()
    head: HeadConfig = HeadConfig()
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(frozen_blocks=-1, epochs=30, learning_rate=1e-2),)
    batch_size: int = batch_size(
        offered=(4, 8, 16, 32, 64, 128),
        help=message("Texts in each step. More need more memory and give smoother steps."),
    )
    early_stopping: int = early_stopping()  # epochs without a better validation loss before a phase ends; 0 is off
    label_smoothing: float = label_smoothing()  # share of each label that is spread over all classes while training
    class_weights: bool = class_weights()  # weight the loss by inverse class frequency
    dropout: float = setting(  # in the encoder's own layers, where they are trained
        0.1,
        key="dropout",
        label=message("Dropout in the encoder"),
        term=message("dropout in the encoder"),
        group="advanced",
        shown="slider",
        low=0,
        high=0.95,
        offered=(0, 0.5),
        step=0.05,
        help=message("In the layers that are trained; frozen ones have none."),
    )
    precision: Precision = precision()
    cache: bool = cache()  # keep activations at the freeze boundary
    seed: int = seed()
    kind: Literal["text_classification"] = "text_classification"

    @property
    def epochs(self) -> int:
        """Of all phases together."""
        return sum(phase.epochs for phase in self.phases)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `read` reads back."""
        return dataclasses.asdict(self)


def read(data: Any) -> TextClassificationConfig:
    """Build and validate a config from its `to_json`.

    Raises:
        UserError: a key is unknown or missing, a value is of another type or out of range, the encoder is unknown, or
            it has fewer blocks than are to be frozen.
    """
    config = built(TextClassificationConfig, data)
    validate(config)
    name = config.encoder.name
    if encoders.is_named(name):  # else a folder, which may not be here
        for phase in config.phases:
            boundary(encoders.encoder(name).shape, phase.frozen_blocks)
    return config


def title(config: TextClassificationConfig) -> str:
    """The encoder's name for a reader: "MiniLM-L6", or the name of a folder."""
    name = config.encoder.name
    return ENCODERS[name].title if name in ENCODERS else PurePath(name).name or name


def boundary(shape: EncoderShape, frozen_blocks: int) -> int:
    """The freeze boundary as a number from 0 (nothing frozen) to all blocks; -1 in a config means all.

    Raises:
        UserError: the encoder has fewer blocks.
    """
    total = len(shape.blocks)
    if frozen_blocks == -1:
        return total
    if not 0 <= frozen_blocks <= total:
        raise UserError(
            message("The encoder has {blocks} blocks, so {frozen} of them cannot be frozen.", blocks=total,
                    frozen=frozen_blocks),
            message("Choose a number from {low} to {high}.", low=0, high=total),
        )  # fmt: skip
    return frozen_blocks


@dataclass(frozen=True)
class Counts:
    """Parameters of a whole network; `trainable` contains `head`."""

    trainable: int
    frozen: int
    head: int


def parameter_counts(config: TextClassificationConfig, classes: int, phase: int = 0) -> Counts:
    """What is trainable and what is frozen in phase number `phase`, without building the network.

    Raises:
        UserError: unknown encoder or boundary.
    """
    shape = encoders.shape_of(config.encoder.name)
    frozen = boundary(shape, config.phases[phase].frozen_blocks)
    width, units = shape.width, config.head.units
    head = (width + 1) * units + (units + 1) * classes if units else (width + 1) * classes
    below = sum(block.parameters for block in shape.blocks[:frozen])
    return Counts(head + shape.parameters - below, below, head)
