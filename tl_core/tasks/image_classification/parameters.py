"""How many parameters of a network are trained, and how many are frozen, known without building it."""

from dataclasses import dataclass

from tl_core.images.pretrained.backbones import backbone, boundary
from tl_core.tasks.image_classification.config import RunConfig


@dataclass(frozen=True)
class Counts:
    """Parameters of a whole network: `trainable` contains `head`; `trainable + frozen` is Keras' `count_params`."""

    trainable: int
    frozen: int
    head: int


def head_inputs(config: RunConfig) -> int:
    """Numbers that the head gets for one picture."""
    row = backbone(config.backbone.name)
    side = row.feature_side(config.backbone.image_size)
    return row.channels * (side * side if config.head.pooling == "flatten" else 1)


def head_parameters(config: RunConfig, classes: int) -> int:
    """Weights and biases of the head that `network.build_head` makes for this config."""
    inputs = head_inputs(config)
    outputs = 1 if config.head.output == "sigmoid" else classes
    if config.head.units:
        return (inputs + 1) * config.head.units + (config.head.units + 1) * outputs
    return (inputs + 1) * outputs


def parameter_counts(config: RunConfig, classes: int, phase: int = 0) -> Counts:
    """What is trainable and what is frozen in phase number `phase` of the config, without building the network.

    Raises:
        UserError: unknown backbone, image size or boundary.
    """
    row = backbone(config.backbone.name)
    first_trainable = boundary(row, config.phases[phase].frozen_blocks)
    head = head_parameters(config, classes)
    trained = row.blocks[first_trainable:]
    trainable = head + sum(block.trainable for block in trained)
    frozen = sum(block.parameters for block in row.blocks) - sum(block.trainable for block in trained)
    return Counts(trainable, frozen, head)
