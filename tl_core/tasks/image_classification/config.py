"""What an experiment is: frozen dataclasses with a JSON round trip, a content hash and validation.

A config holds everything that decides a run's curve. Same config, same seed, same data: same split and, on CPU, the
same curve.
"""

import dataclasses
from dataclasses import MISSING, dataclass
from typing import Any, Literal

from tl_core.base import records, settings
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import in_range, named, setting, unreadable
from tl_core.images.data.split import DataConfig
from tl_core.images.options import Augmentation
from tl_core.images.pretrained.backbones import BACKBONES, backbone, boundary
from tl_core.training.options import Optimizer, PhaseName, Precision, Schedule
from tl_core.training.settings import (
    cache,
    early_stopping,
    frozen_blocks,
    learning_rate,
    optimizer,
    precision,
    schedule,
    seed,
)


@dataclass(frozen=True)
class BackboneConfig:
    """The pretrained network below the head."""

    name: str = setting(  # key of tl_core.images.pretrained.backbones.BACKBONES
        "mobilenet_0.25",
        key="backbone",
        label=message("Backbone"),
        term=message("backbone"),
        group="network",
        shown="select",
        help=message("The pretrained network below your new head. Behind its name: how many parameters it has."),
    )
    weights: str = setting(  # one of tl_core.images.pretrained.backbones.SOURCES, or the path of a local weights file
        "imagenet",
        key="weights",
        label=message("Weights"),
        term=message("weights"),
        group="network",
        shown="select",
        help=message(
            "What the backbone knows when training begins: what it learned from ImageNet's 1.3 million photographs, "
            "from this project's few small ones, from drawn patterns without any thing in them, or nothing. Compare "
            "them: the source decides what transfer is worth."
        ),
    )
    image_size: int = setting(  # pixels, square input
        224,
        key="size",
        label=message("Image size"),
        term=message("image size"),
        group="network",
        shown="select",
        low=32,
        high=640,
        told=message("{value} px"),
        help=message("Every picture is resized and cropped to this square. Larger shows more detail and takes longer."),
    )


@dataclass(frozen=True)
class HeadConfig:
    """The new layers on top: pooling, one optional hidden layer, the classifier."""

    pooling: Literal["average", "flatten"] = setting(
        "average",
        key="pooling",
        label=message("Pooling"),
        term=message("pooling"),
        group="head",
        shown="segments",
        choices={"average": message("Average"), "flatten": message("Flatten")},
        help=message(
            "Average keeps one number for each channel; flatten keeps every position and makes a larger head."
        ),
    )
    units: int = setting(  # width of the hidden relu layer; 0 leaves it out
        256,
        key="units",
        label=message("Hidden units"),
        term=message("hidden units"),
        group="head",
        shown="stops",
        low=0,
        high=8192,
        offered=(0, 32, 64, 128, 256, 512, 1024),
        help=message("Width of the layer before the classifier; 0 leaves it out."),
    )
    dropout: float = setting(  # rate before the classifier, 0 to <1
        0.0,
        key="dropout",
        label=message("Dropout"),
        term=message("dropout"),
        group="head",
        shown="slider",
        low=0,
        high=0.95,
        offered=(0, 0.9),
        step=0.05,
        help=message("The share of hidden units switched off at random in each step, so that none is relied on alone."),
    )
    output: Literal["softmax", "sigmoid"] = setting(  # sigmoid: one unit, two classes
        "softmax",
        key="output",
        label=message("Output"),
        term=message("output"),
        group="head",
        shown="segments",
        choices={"softmax": named("Softmax"), "sigmoid": named("Sigmoid")},
        help=message(
            "Softmax gives one probability for each class; one sigmoid unit is enough for exactly two classes."
        ),
    )


@dataclass(frozen=True)
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int = frozen_blocks(MISSING)  # leading blocks of the backbone kept frozen; -1 means all of them
    epochs: int = setting(
        key="epochs",
        label=message("Epochs"),
        term=message("epochs"),
        group="training",
        shown="number",
        low=1,
        high=1000,
        summed=True,
        help=message("How often the network sees every training picture."),
    )
    learning_rate: float = learning_rate(
        1e-3,
        high=10,
        help=message("How far each step moves the weights. A new head takes large steps, fine-tuning small ones."),
    )
    optimizer: Optimizer = optimizer("adam")
    name: PhaseName = "head"
    schedule: Schedule = schedule("constant")  # cosine: after a short warm-up the rate falls to a tenth


@dataclass(frozen=True)
class RunConfig:
    """One image experiment, complete."""

    data: DataConfig
    backbone: BackboneConfig = BackboneConfig()
    head: HeadConfig = HeadConfig()
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(frozen_blocks=-1, epochs=10),)
    batch_size: int = setting(
        32,
        key="batch",
        label=message("Batch size"),
        term=message("batch size"),
        group="advanced",
        shown="stops",
        low=1,
        high=1024,
        offered=(4, 8, 16, 20, 32, 64, 128, 256),
        help=message("Pictures in each step. More need more memory and give smoother steps."),
    )
    augmentation: Augmentation = setting(
        "none",
        key="augmentation",
        label=message("Augmentation"),
        term=message("augmentation"),
        group="data",
        shown="segments",
        choices={"none": message("None"), "light": message("Light"), "strong": message("Strong")},
        help=message("Shows flipped, shifted and zoomed versions of each picture: helps when there are few."),
    )
    views: int = setting(  # augmented views kept in the activation cache; used only with augmentation
        4,
        key="views",
        label=message("Versions of each picture"),
        term=message("cached views"),
        group="data",
        shown="number",
        low=1,
        high=64,
        shared=False,
        help=message("So many augmented versions pass the frozen blocks once and are then used in turn."),
    )
    early_stopping: int = early_stopping(  # epochs without a better validation loss before a phase ends; 0 is off
        message("A phase ends after so many epochs without a lower validation loss; 0 trains to the end.")
    )
    label_smoothing: float = setting(  # share of each label that is spread over all classes while training, 0 to 0.5
        0.0,
        key="smoothing",
        label=message("Label smoothing"),
        term=message("label smoothing"),
        group="data",
        shown="slider",
        low=0,
        high=0.5,
        step=0.05,
        off=message("no"),
        help=message(
            "So much of each label is spread over all classes in training: the network grows less sure of itself."
        ),
    )
    class_weights: bool = setting(  # weight the loss by inverse class frequency
        False,
        key="class_weights",
        label=message("Balance the classes"),
        term=message("class weights"),
        group="data",
        shown="toggle",
        help=message("Errors on rare classes count for more (class weights)."),
    )
    precision: Precision = precision()  # auto: whatever is faster on this machine for this backbone
    cache: bool = cache()  # keep activations at the freeze boundary; False computes them anew each epoch
    seed: int = seed(
        "seed",
        message("Seed of the training"),
        message("seed"),
        message("The same number gives the same start and order, and on a CPU the same curve."),
    )
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
    settings.validate(config)
    held = config.data.validation + config.data.test
    in_range(message("validation and test fractions together"), held, 0, 0.9)


def read(data: Any) -> RunConfig:
    """As `run_config`, checked against the backbone's blocks as well.

    Raises:
        UserError: as `run_config`; or the backbone is unknown, or has fewer blocks than are to be frozen.
    """
    config = run_config(data)
    for phase in config.phases:
        boundary(backbone(config.backbone.name), phase.frozen_blocks)
    return config


def title(config: RunConfig) -> str:
    """The backbone's name for a reader."""
    row = BACKBONES.get(config.backbone.name)
    return row.title if row else config.backbone.name
