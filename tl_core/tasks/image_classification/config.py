"""What an experiment is: frozen dataclasses with a JSON round trip, a content hash and validation.

A config holds everything that decides a run's curve. Same config, same seed, same data: same split and, on CPU, the
same curve.
"""

import dataclasses
from dataclasses import MISSING, dataclass, replace
from typing import Any, Literal

from tl_core.base import records
from tl_core.base.messages import message
from tl_core.base.settings import named, setting, unreadable
from tl_core.classification.mistakes import MISTAKES, Mistake
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
from tl_core.images.data.split import DataConfig
from tl_core.images.options import Augmentation
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone, boundary
from tl_core.training.options import Optimizer, PhaseName, Precision, Schedule
from tl_core.training.settings import cache, frozen_blocks, optimizer, precision, schedule


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
    units: int = units(256)  # width of the hidden relu layer; 0 leaves it out
    dropout: float = head_dropout(  # rate before the classifier
        0.0,
        "dropout",
        message("Dropout"),
        message("The share of hidden units switched off at random in each step, so that none is relied on alone."),
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
    epochs: int = epochs(message("How often the network sees every training picture."))
    learning_rate: float = learning_rate()
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
    batch_size: int = batch_size(
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
    early_stopping: int = early_stopping()  # epochs without a better validation loss before a phase ends; 0 is off
    label_smoothing: float = label_smoothing()  # share of each label that is spread over all classes while training
    class_weights: bool = class_weights()  # weight the loss by inverse class frequency
    precision: Precision = precision()  # auto: whatever is faster on this machine for this backbone
    cache: bool = cache()  # keep activations at the freeze boundary; False computes them anew each epoch
    shifts: bool = setting(  # the best weights are tried on changed validation pictures as well
        False,
        key="shifts",
        label=message("Also measured on changed pictures"),
        term=message("changed pictures"),
        group="advanced",
        help=message("The best weights are also tried on the validation pictures without colour, and blurred."),
    )
    mistake: Mistake = setting(  # of the lab of mistakes; what is handed out has it too
        "none",
        key="mistake",
        label=message("Mistake made on purpose"),
        term=message("mistake made on purpose"),
        group="advanced",
        choices=MISTAKES,
        shared=False,
        help=message("A lesson in what goes wrong: the examples are spoiled on purpose."),
    )
    seed: int = seed()
    kind: Literal["image"] = "image"

    @property
    def row(self) -> Backbone:
        """The backbone's row in the registry; where that mistake is made, with another scaling.

        Raises:
            UserError: there is none of this name.
        """
        row = backbone(self.backbone.name)
        return replace(row, scaling="unit") if self.mistake == "scaling" else row

    @property
    def keeps_statistics(self) -> bool:
        """Whether BatchNorm keeps the statistics that a pretrained network came with: always, unless by mistake."""
        return self.backbone.weights != "random" and self.mistake != "batchnorm"

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
