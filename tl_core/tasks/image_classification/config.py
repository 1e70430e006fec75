"""What an experiment is: frozen dataclasses with a JSON round trip, a content hash and validation.

A config holds everything that decides a run's curve. Same config, same seed, same data: same split and, on CPU, the
same curve.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import in_range, one_of, unreadable, whole
from tl_core.images.data.split import DataConfig
from tl_core.images.options import AUGMENTATIONS, Augmentation
from tl_core.training.options import OPTIMIZERS, PRECISIONS, SCHEDULES, Optimizer, PhaseName, Precision, Schedule


@dataclass(frozen=True)
class BackboneConfig:
    """The pretrained network below the head."""

    name: str = "mobilenet_0.25"  # key of tl_core.images.pretrained.backbones.BACKBONES
    weights: str = "imagenet"  # one of tl_core.images.pretrained.backbones.SOURCES, or the path of a local weights file
    image_size: int = 224  # pixels, square input


@dataclass(frozen=True)
class HeadConfig:
    """The new layers on top: pooling, one optional hidden layer, the classifier."""

    pooling: Literal["average", "flatten"] = "average"
    units: int = 256  # width of the hidden relu layer; 0 leaves it out
    dropout: float = 0.0  # rate before the classifier, 0 to <1
    output: Literal["softmax", "sigmoid"] = "softmax"  # sigmoid: one unit, two classes


@dataclass(frozen=True)
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int  # leading blocks of the backbone kept frozen; -1 means all of them
    epochs: int
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    name: PhaseName = "head"
    schedule: Schedule = "constant"  # cosine: after a short warm-up the rate falls to a tenth


@dataclass(frozen=True)
class RunConfig:
    """One image experiment, complete."""

    data: DataConfig
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(frozen_blocks=-1, epochs=10),)
    batch_size: int = 32
    augmentation: Augmentation = "none"
    views: int = 4  # augmented views kept in the activation cache; used only with augmentation
    early_stopping: int = 0  # epochs without a better validation loss before a phase ends; 0 is off
    label_smoothing: float = 0.0  # share of each label that is spread over all classes while training, 0 to 0.5
    class_weights: bool = False  # weight the loss by inverse class frequency
    precision: Precision = "auto"  # auto: whatever is faster on this machine for this backbone
    cache: bool = True  # keep activations at the freeze boundary; False computes them anew each epoch
    seed: int = 0
    kind: Literal["image"] = "image"

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `run_config` reads back."""
        return dataclasses.asdict(self)


def run_config(data: Any) -> RunConfig:
    """Build and validate a RunConfig from `RunConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, or a value is of another type or out of range.
    """
    try:
        for part in ("backbone", "head", "phases"):  # what an experiment is has no default in a file
            if part not in data:
                raise ValueError(f"{part} is missing")
        config = records.build(RunConfig, data, strict=True)
    except (ValueError, TypeError) as error:
        raise unreadable(error) from error
    validate(config)
    return config


def validate(config: RunConfig) -> None:
    """Check every value that does not need the dataset or the backbone's layers.

    Raises:
        UserError: names the setting, its value and the allowed range.
    """
    if not config.phases:
        raise UserError(
            message("The experiment has no training phase."),
            message("Add at least one phase with one epoch."),
        )
    in_range(message("validation fraction"), config.data.validation, 0, 0.8)
    in_range(message("test fraction"), config.data.test, 0, 0.8)
    in_range(message("validation and test fractions together"), config.data.validation + config.data.test, 0, 0.9)
    whole(message("image size"), config.backbone.image_size, 32, 640)
    whole(message("hidden units"), config.head.units, 0, 8192)
    in_range(message("dropout"), config.head.dropout, 0, 0.95)
    whole(message("batch size"), config.batch_size, 1, 1024)
    whole(message("cached views"), config.views, 1, 64)
    in_range(message("label smoothing"), config.label_smoothing, 0, 0.5)
    whole(message("early stopping"), config.early_stopping, 0, 1000)
    whole(message("seed"), config.seed, 0, 2**31 - 1)
    whole(message("seed of the split"), config.data.seed, 0, 2**31 - 1)
    one_of(message("pooling"), config.head.pooling, ("average", "flatten"))
    one_of(message("output"), config.head.output, ("softmax", "sigmoid"))
    one_of(message("augmentation"), config.augmentation, AUGMENTATIONS)
    one_of(message("precision"), config.precision, PRECISIONS)
    for phase in config.phases:
        whole(message("frozen blocks"), phase.frozen_blocks, -1, 1000)
        whole(message("epochs"), phase.epochs, 1, 1000)
        in_range(message("learning rate"), phase.learning_rate, 1e-8, 10)
        one_of(message("optimizer"), phase.optimizer, OPTIMIZERS)
        one_of(message("learning rate schedule"), phase.schedule, SCHEDULES)
