"""What a classifier of texts is, and what it costs in parameters before it is trained; nothing imports TensorFlow."""

import dataclasses
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import in_range, one_of, unreadable, whole
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.encoders import ENCODERS, EncoderShape
from tl_core.training.options import OPTIMIZERS, PRECISIONS, SCHEDULES, Optimizer, PhaseName, Precision, Schedule

Weights = Literal["pretrained", "random"]


@dataclass(frozen=True)
class EncoderConfig:
    """The pretrained network below the head."""

    name: str = "minilm"  # key of tl_core.text.pretrained.encoders.ENCODERS, or a folder in the Hub's format
    weights: Weights = "pretrained"
    length: int = 64  # tokens that are read of a text, its marks included


@dataclass(frozen=True)
class HeadConfig:
    """The new layers on top of the mean over a text's tokens."""

    units: int = 0  # width of the hidden relu layer; 0 leaves it out
    dropout: float = 0.1  # rate before the classifier


@dataclass(frozen=True)
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int  # leading ones of embeddings, layer.0, layer.1, ... kept frozen; -1 means all of them
    epochs: int
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    name: PhaseName = "head"
    schedule: Schedule = "constant"


@dataclass(frozen=True)
class TextClassificationConfig:
    """One experiment, complete."""

    data: DataConfig
    encoder: EncoderConfig = EncoderConfig()
    head: HeadConfig = HeadConfig()
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(frozen_blocks=-1, epochs=30),)
    batch_size: int = 32
    early_stopping: int = 0  # epochs without a better validation loss before a phase ends; 0 is off
    label_smoothing: float = 0.0  # share of each label that is spread over all classes while training
    class_weights: bool = False  # weight the loss by inverse class frequency
    dropout: float = 0.1  # in the encoder's own layers, where they are trained
    precision: Precision = "auto"
    cache: bool = True  # keep activations at the freeze boundary
    seed: int = 0
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
    try:
        config = records.build(TextClassificationConfig, data, strict=True)
    except (ValueError, TypeError) as error:
        raise unreadable(error) from error
    validate(config)
    if config.encoder.name in ENCODERS:  # else a folder, which may not be here
        for phase in config.phases:
            boundary(ENCODERS[config.encoder.name].shape, phase.frozen_blocks)
    return config


def title(config: TextClassificationConfig) -> str:
    """The encoder's name for a reader: "MiniLM-L6", or the name of a folder."""
    name = config.encoder.name
    return ENCODERS[name].title if name in ENCODERS else PurePath(name).name or name


def validate(config: TextClassificationConfig) -> None:
    """Check every value that does not need the texts or the encoder.

    Raises:
        UserError: names the setting, its value and the allowed range.
    """
    if not config.phases:
        raise UserError(
            message("The experiment has no training phase."), message("Add at least one phase with one epoch.")
        )
    in_range(message("validation fraction"), config.data.validation, 0, 0.8)
    in_range(message("test fraction"), config.data.test, 0, 0.8)
    in_range(message("validation and test fractions together"), config.data.validation + config.data.test, 0, 0.9)
    whole(message("seed of the split"), config.data.seed, 0, 2**31 - 1)
    one_of(message("weights"), config.encoder.weights, ("pretrained", "random"))
    whole(message("tokens a text"), config.encoder.length, 8, 512)
    whole(message("hidden units"), config.head.units, 0, 8192)
    in_range(message("dropout"), config.head.dropout, 0, 0.95)
    in_range(message("dropout in the encoder"), config.dropout, 0, 0.95)
    whole(message("batch size"), config.batch_size, 1, 1024)
    whole(message("early stopping"), config.early_stopping, 0, 1000)
    in_range(message("label smoothing"), config.label_smoothing, 0, 0.5)
    whole(message("seed"), config.seed, 0, 2**31 - 1)
    one_of(message("precision"), config.precision, PRECISIONS)
    for phase in config.phases:
        whole(message("frozen blocks"), phase.frozen_blocks, -1, 1000)
        whole(message("epochs"), phase.epochs, 1, 1000)
        in_range(message("learning rate"), phase.learning_rate, 1e-8, 10)
        one_of(message("optimizer"), phase.optimizer, OPTIMIZERS)
        one_of(message("learning rate schedule"), phase.schedule, SCHEDULES)


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
