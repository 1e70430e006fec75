"""What an experiment will cost, before it starts: from three batches, else from earlier runs here, else from a table.

Three batches of the experiment itself, tried on this machine (`calibration`), say how long everything takes. Until they
have been, a formula says how long a run would take on the machine of the table; what earlier runs really did, divided
by what the formula says for them, corrects it. TensorFlow-free.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tl_core.base.events import Epoch, Event, Progress, Started
from tl_core.base.events import Phase as PhaseEvent
from tl_core.base.messages import Message, message
from tl_core.base.records import Count, Seconds
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone, boundary
from tl_core.images.shifts import SHIFTS
from tl_core.tasks.image_classification.config import DataConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.parameters import head_inputs, head_parameters, parameter_counts

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
BEGIN = 2.5  # seconds until a worker that was kept ready has the run and has read what it learns from
# Seconds for each layer: to build it, to compile its forward pass, to compile what learns it. Measured.
BUILD, COMPILE, COMPILE_LEARNING = 0.008, 0.006, 0.05
SAVE = 1.6  # times as long as building it: the median of ten runs of `python -m tl_core bench costs`
EPOCH, DISK = 0.02, 3e8  # seconds of an epoch beside its pictures; bytes of weights a second that are kept


@dataclass(frozen=True)
class Sample:
    """What a run did: images per second, and what the formula says for the same work."""

    name: str  # backbone
    image_size: int
    frozen_blocks: int | None  # None: the pass below the boundary
    rate: float
    expected: float


@dataclass(frozen=True)
class Pace:
    """What a phase takes on this machine: seconds to compile, and seconds for each picture."""

    compile_below: Seconds
    compile: Seconds  # what learns and what predicts
    below: Seconds  # from a file through the frozen blocks
    learning: Seconds
    looking: Seconds  # as validation does
    row: Count | None = None  # bytes of a picture's activations; None: not known without the network


@dataclass(frozen=True)
class Calibration:
    """What three batches of an experiment took on this machine: to build the network, and a pace for each phase."""

    build: Seconds
    phases: tuple[Pace, ...]


@dataclass(frozen=True)
class Estimate:
    """What an experiment costs: seconds from Start to the end, seconds of an epoch of the last phase with its
    validation, bytes of activations on disk (None: not known yet), and where the figures come from."""

    seconds: float
    epoch: float
    cached: int | None
    source: Message
    rough: bool  # this machine has not been measured yet


def calibrated(config: RunConfig) -> RunConfig:
    """The experiment with all that changes nothing about how long a batch takes as it usually is."""
    phases = tuple(PhaseConfig(phase.frozen_blocks, 1, optimizer=phase.optimizer) for phase in config.phases)
    usual = RunConfig(DataConfig(config.data.dataset), phases=phases)
    kept = ("backbone", "head", "batch_size", "augmentation", "precision", "cache")
    return replace(usual, **{name: getattr(config, name) for name in kept})


def estimate(
    config: RunConfig,
    training: int,
    validation: int,
    samples: Sequence[Sample] = (),
    calibration: Calibration | None = None,
) -> Estimate:
    """Say how long `config` takes with so many training and validation images.

    Args:
        config: the experiment.
        training: training images.
        validation: validation images.
        samples: from `samples`, of earlier runs on this machine.
        calibration: three batches of `calibrated(config)` on this machine.
    """
    row = backbone(config.backbone.name)
    if calibration and len(calibration.phases) == len(config.phases):
        build, paces = calibration.build, calibration.phases
    else:
        calibration = None
        build, paces = (
            BUILD * _layers(row),
            tuple(_pace(config, row, number, samples) for number in range(len(config.phases))),
        )
    seconds, epoch = BEGIN + build, 0.0
    sizes: dict[int, int | None] = {}  # freeze boundary -> bytes of activations
    for number, (phase, pace) in enumerate(zip(config.phases, paces, strict=True)):
        kept = 4 * parameter_counts(config, 2, number).trainable  # bytes of the best weights
        epoch = EPOCH + kept / DISK + training * pace.learning + validation * pace.looking
        frozen = boundary(row, phase.frozen_blocks)
        if config.cache and frozen:
            views = config.views if config.augmentation != "none" else 1
            rows = training * min(views, config.epochs) + validation
            seconds += rows * pace.below
            sizes[frozen] = None if pace.row is None else rows * pace.row
        else:
            epoch += (training + validation) * pace.below
        seconds += pace.compile_below + pace.compile + phase.epochs * epoch
    last = paces[-1]
    looks = 1 + (
        len(SHIFTS) if config.shifts else 0
    )  # of the best weights, at the validation pictures and changed ones
    seconds += validation * (looks * last.looking + (looks - 1) * last.below) + SAVE * build
    if calibration:
        source = message("measured on three batches of it on this computer")
    elif samples:
        source = message("estimated from earlier runs on this computer")
    else:
        source = message("a rough figure for a computer with two cores and no GPU; the first run here will correct it")
    cached = None if None in sizes.values() else sum(filter(None, sizes.values()))
    return Estimate(seconds, epoch, cached, source, not (calibration or samples))


def samples(config: RunConfig, log: Iterable[Event], host: str) -> list[Sample]:
    """The speeds that a run's log holds, if it ran on `host` and its backbone is still known."""
    row = BACKBONES.get(config.backbone.name)
    if row is None:
        return []
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


def _pace(config: RunConfig, row: Backbone, number: int, samples: Sequence[Sample]) -> Pace:
    """Of a phase: by the table, corrected by what this machine has done."""
    frozen, size = boundary(row, config.phases[number].frozen_blocks), config.backbone.image_size
    above, layers = _factor(samples, row.name, size, frozen), _layers(row)
    thawed = sum(block.layers for block in row.blocks[frozen:])
    return Pace(
        COMPILE * (layers - thawed),
        (COMPILE_LEARNING + COMPILE) * thawed,
        1 / (_below(config, row, frozen) * _factor(samples, row.name, size, None)) if frozen else 0.0,
        1 / (_training(config, row, frozen) * above),
        1 / (_validation(config, row, frozen) * above),
        4 * head_inputs(config) if frozen == len(row.blocks) else None,
    )


def _layers(row: Backbone) -> int:
    return sum(block.layers for block in row.blocks)


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
    """Images per second of training, once what is below the boundary has been computed."""
    share = _share(row, frozen)
    passes = STEPS.get(row.name, USUAL)[config.backbone.weights == "random"]
    blocks = passes * (1 - share) / _forward(config, row)
    step = STEP + WEIGHT * head_parameters(config, classes=2)
    return 1 / (blocks + HEAD + step / config.batch_size)


def _validation(config: RunConfig, row: Backbone, frozen: int) -> float:
    return 1 / ((1 - _share(row, frozen)) / _forward(config, row) + HEAD)
