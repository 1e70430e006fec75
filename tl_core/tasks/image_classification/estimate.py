"""How long an experiment will take, before it starts: from earlier runs on this machine, else from a rough table.

One formula says how long a run would take on the machine of the table; what earlier runs really did, divided by what
the formula says for them, corrects it. TensorFlow-free.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tl_core.base.events import Epoch, Event, Progress, Started
from tl_core.base.events import Phase as PhaseEvent
from tl_core.base.messages import Message, message
from tl_core.images.pretrained.backbones import Backbone, backbone, boundary
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.parameters import head_parameters

# Forward passes, images per second at an image size, on two cores of an AMD EPYC (efficientnet_lite0: of an Intel Xeon)
# in the faster precision. Measured: efficientnet_lite0, vgg16, resnet50, mobilenet_0.25, all three mobilenetv2,
# efficientnetv2b0, convnexttiny; the others by their published number of multiplications against the nearest measured
# relative.
FORWARD = {
    "efficientnet_lite0": (95, 224),
    "vgg16": (71, 150),
    "vgg19": (56, 150),
    "resnet50": (60, 224),
    "inceptionv3": (40, 299),
    "xception": (18, 299),
    "densenet121": (45, 224),
    "mobilenet_0.25": (890, 224),
    "mobilenet_0.5": (450, 224),
    "mobilenet": (190, 224),
    "mobilenetv2_0.35": (1600, 96),
    "mobilenetv2_0.5": (1300, 96),
    "mobilenetv2": (378, 160),
    "efficientnetv2b0": (144, 224),
    "convnexttiny": (4.4, 224),
}
OTHERS = (200, 160)  # a backbone that the table does not know
# Forward passes that a step of training takes as long as: fine-tuned, and from scratch. Backwards through depthwise
# convolutions is slow on a CPU, and from scratch BatchNorm has the statistics of each batch to find. Measured.
STEPS = {"efficientnet_lite0": (4.5, 7.5)}
USUAL = (3.0, 3.0)  # a backward pass costs about twice a forward pass
STEP = 0.002  # seconds an optimizer step takes however small the network
WEIGHT = 6.5e-9  # seconds a step takes for each parameter of the head: the article's Flatten has 2 to 8 million
HEAD = 3e-5  # seconds the head takes for one image
UNLIKELY = 1e6  # times faster or slower than the table: no computer is, a damaged log may say so
BEGIN = 8.0  # seconds to load TensorFlow and the weights


@dataclass(frozen=True)
class Sample:
    """What a run did: images per second, and what the formula says for the same work."""

    name: str  # backbone
    image_size: int
    frozen_blocks: int | None  # None: the pass below the boundary
    rate: float
    expected: float


@dataclass(frozen=True)
class Estimate:
    """Seconds from Start to the last epoch, and a sentence on where the figure comes from."""

    seconds: float
    source: Message


def estimate(config: RunConfig, training: int, validation: int, samples: Sequence[Sample] = ()) -> Estimate:
    """Say how long `config` takes with so many training and validation images.

    Args:
        config: the experiment.
        training: training images.
        validation: validation images.
        samples: from `samples`, of earlier runs on this machine.
    """
    row = backbone(config.backbone.name)
    seconds = 0.0
    below = _factor(samples, row.name, config.backbone.image_size, None)
    for phase in config.phases:
        frozen = boundary(row, phase.frozen_blocks)
        above = _factor(samples, row.name, config.backbone.image_size, frozen)
        if config.cache and frozen:
            views = config.views if config.augmentation != "none" else 1
            seconds += (training * views + validation) / (_below(config, row, frozen) * below)
        epoch = training / _training(config, row, frozen) + validation / _validation(config, row, frozen)
        seconds += phase.epochs * epoch / above
    if samples:
        source = message("estimated from earlier runs on this computer")
    else:
        source = message("a rough figure for a computer with two cores and no GPU; the first run here will correct it")
    return Estimate(BEGIN + seconds, source)


def samples(config: RunConfig, log: Iterable[Event], host: str) -> list[Sample]:
    """The speeds that a run's log holds, if it ran on `host`."""
    row = backbone(config.backbone.name)
    here, frozen = False, None
    passes: dict[int, Sample] = {}
    epochs: dict[int, list[Sample]] = {}
    for event in log:
        if isinstance(event, Started):
            here = event.host == host
        elif isinstance(event, PhaseEvent) and event.frozen_blocks is not None:
            frozen = min(event.frozen_blocks, len(row.blocks))  # a log is input
        elif here and isinstance(event, Progress) and event.phase == "features" and event.rate:
            first = next((b for b in (frozen, boundary(row, config.phases[0].frozen_blocks)) if b), len(row.blocks))
            expected = _below(config, row, first)
            passes[0] = Sample(row.name, config.backbone.image_size, None, event.rate, expected)
        elif here and isinstance(event, Epoch) and event.rate > 0 and frozen is not None:
            expected = _training(config, row, frozen)
            sample = Sample(row.name, config.backbone.image_size, frozen, event.rate, expected)
            epochs.setdefault(frozen, []).append(sample)
    middle = [sorted(group, key=lambda sample: sample.rate)[len(group) // 2] for group in epochs.values()]
    return [*passes.values(), *middle]


def _factor(known: Sequence[Sample], name: str, size: int, frozen: int | None) -> float:
    """How much faster this machine is than the table, from the most similar work it has done."""
    same_kind = [sample for sample in known if (sample.frozen_blocks is None) == (frozen is None)]
    for group in (
        [s for s in same_kind if (s.name, s.image_size, s.frozen_blocks) == (name, size, frozen)],
        [s for s in same_kind if s.name == name],
        [s for s in known if s.frozen_blocks is None],
        list(known),
    ):
        if group:
            ratio = statistics.median(sample.rate / sample.expected for sample in group)
            return min(max(ratio, 1 / UNLIKELY), UNLIKELY)
    return 1.0


def _forward(config: RunConfig, row: Backbone) -> float:
    rate, size = FORWARD.get(row.name, OTHERS)
    return rate * (size / config.backbone.image_size) ** 2


def _share(row: Backbone, frozen: int) -> float:
    """The part of the layers that lies below the boundary, taken as its part of the time."""
    return sum(block.layers for block in row.blocks[:frozen]) / sum(block.layers for block in row.blocks)


def _below(config: RunConfig, row: Backbone, frozen: int) -> float:
    """Images per second through the frozen blocks."""
    return _forward(config, row) / max(_share(row, frozen), 0.02)


def _training(config: RunConfig, row: Backbone, frozen: int) -> float:
    """Images per second of training."""
    share = _share(row, frozen)
    passes = STEPS.get(row.name, USUAL)[config.backbone.weights == "random"]
    blocks = (passes * (1 - share) + (0 if config.cache else share)) / _forward(config, row)
    step = STEP + WEIGHT * head_parameters(config, classes=2)
    return 1 / (blocks + HEAD + step / config.batch_size)


def _validation(config: RunConfig, row: Backbone, frozen: int) -> float:
    share = _share(row, frozen) if config.cache else 0.0
    return 1 / ((1 - share) / _forward(config, row) + HEAD)
