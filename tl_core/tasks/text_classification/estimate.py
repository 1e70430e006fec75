"""What an experiment will cost, before it starts: from earlier runs on this machine, else from a measurement.

The multiplications and additions of everything that a run does are counted; how many a second this machine manages
while it trains is known from earlier runs, before the first one from how fast blocks learn here
(`tl_core.training.machine`). TensorFlow-free.
"""

import contextlib
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tl_core.base.errors import UserError
from tl_core.base.events import Epoch, Event, Progress, Started
from tl_core.base.events import Phase as PhaseEvent
from tl_core.base.messages import Message, message
from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary, parameter_counts
from tl_core.text.pretrained.encoders import EncoderShape, shape_of
from tl_core.training import machine

ROUGH = 8e10  # operations a second; measured with MiniLM-L6 on two cores of an Intel Xeon, 60 to 64 texts a second
UNLIKELY = 1e6  # times faster or slower: no computer is, a damaged log may say so
UPDATE = 600  # operations' time that the optimizer takes for a weight: it reads and writes several numbers for each
STEP, HEAD = 2e-3, 3e-5  # seconds that a step takes however small the network, and the head for one text
BEGIN, LAYER = 8.0, 2.0  # seconds to load the libraries and the encoder, and to compile what a trained layer does


@dataclass(frozen=True)
class Sample:
    """Operations a second that a run managed."""

    rate: float


@dataclass(frozen=True)
class Estimate:
    """What an experiment costs: seconds from Start to the end, seconds of an epoch of the last phase with its
    validation, bytes of activations on disk, and where the figures come from."""

    seconds: float
    epoch: float
    cached: int
    source: Message


def estimate(
    config: TextClassificationConfig, training: int, validation: int, samples: Sequence[Sample] = ()
) -> Estimate:
    """Say how long `config` takes with so many training and validation texts.

    Args:
        config: the experiment.
        training, validation: texts.
        samples: from `samples`, of earlier runs on this machine.

    Raises:
        UserError: the encoder is not here, or the freeze boundary is out of range.
    """
    shape, seconds, epoch = shape_of(config.encoder.name), BEGIN, 0.0
    here = machine.rate(config.batch_size * config.encoder.length, shape.width)
    found = statistics.median(sample.rate for sample in samples) if samples else here or ROUGH
    rate = min(max(found, ROUGH / UNLIKELY), ROUGH * UNLIKELY)
    sizes: dict[int, int] = {}  # freeze boundary -> bytes
    for number, phase in enumerate(config.phases):
        frozen = boundary(shape, phase.frozen_blocks)
        below, above = _forward(shape, config, 0, frozen), _forward(shape, config, frozen, len(shape.blocks))
        first = (training + validation) * below / rate
        epoch = (training * _training(config, shape, number) + validation * above) / rate
        epoch += STEP * training / config.batch_size + HEAD * (training + validation)
        if config.cache:
            seconds += first
            sizes[frozen] = (training + validation) * _row(shape, config, frozen)
        else:
            epoch += first
        seconds += phase.epochs * epoch + LAYER * (len(shape.blocks) - frozen)
    source = message("a rough figure for a computer with two cores and no GPU; the first run here will correct it")
    if samples:
        source = message("estimated from earlier runs on this computer")
    elif here:
        source = message("estimated from a short measurement of this computer")
    return Estimate(seconds, epoch, sum(sizes.values()), source)


def samples(config: TextClassificationConfig, log: Iterable[Event], host: str) -> list[Sample]:
    """The speeds that a run's log holds, if it ran on `host` and its encoder is still here."""
    found: list[Sample] = []
    here, number = False, -1
    with contextlib.suppress(UserError):  # the folder holds another encoder by now, or none
        shape = shape_of(config.encoder.name)
        for event in log:
            if isinstance(event, Started):
                here, number = event.host == host, -1
            elif isinstance(event, PhaseEvent) and event.frozen_blocks is not None:
                number = min(number + 1, len(config.phases) - 1)
            elif here and isinstance(event, Progress) and event.phase == "features" and event.rate:
                frozen = boundary(shape, config.phases[max(number, 0)].frozen_blocks)
                found.append(Sample(event.rate * _forward(shape, config, 0, frozen)))
            elif here and number >= 0 and isinstance(event, Epoch) and event.rate > 0:
                found.append(Sample(event.rate * _training(config, shape, number)))  # 0 of a head alone
    return [each for each in found if each.rate > 0]


def _row(shape: EncoderShape, config: TextClassificationConfig, frozen: int) -> int:
    """Bytes of one text's activations on disk, as `network.row` has them; what lies below the first layer has none."""
    if frozen <= 1:
        return 0
    return 4 * (shape.width if frozen == len(shape.blocks) else config.encoder.length * (shape.width + 1))


def _forward(shape: EncoderShape, config: TextClassificationConfig, first: int, last: int) -> float:
    """Operations for one text through blocks `first` to before `last`: those of layers, and of attention in them."""
    length, layers = config.encoder.length, max(0, last - max(first, 1))
    weights = sum(block.parameters for block in shape.blocks[max(first, 1) : last])
    return 2.0 * length * weights + 4.0 * layers * length**2 * shape.width


def _training(config: TextClassificationConfig, shape: EncoderShape, number: int) -> float:
    """Operations for one training text: forwards and, twice as much, backwards; and its part of the update."""
    frozen = boundary(shape, config.phases[number].frozen_blocks)
    passes = 3 * _forward(shape, config, frozen, len(shape.blocks))
    trainable = parameter_counts(config, 2, number).trainable if frozen < len(shape.blocks) else 0
    return passes + UPDATE * trainable / config.batch_size
