"""How long an experiment will take, before it starts: from earlier runs on this machine, else from a rough figure.

The multiplications and additions of everything that a run does are counted; how many a second this machine manages
while it trains is known from earlier runs, before the first one roughly. TensorFlow-free.
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
    """Seconds from Start to the last epoch, and a sentence on where the figure comes from."""

    seconds: float
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
    shape, seconds = shape_of(config.encoder.name), BEGIN
    found = statistics.median(sample.rate for sample in samples) if samples else ROUGH
    rate = min(max(found, ROUGH / UNLIKELY), ROUGH * UNLIKELY)
    for number, phase in enumerate(config.phases):
        frozen = boundary(shape, phase.frozen_blocks)
        below, above = _forward(shape, config, 0, frozen), _forward(shape, config, frozen, len(shape.blocks))
        again = 0 if config.cache else phase.epochs
        operations = (training + validation) * below * (again or 1)
        operations += phase.epochs * (training * _training(config, shape, number) + validation * above)
        seconds += operations / rate + LAYER * (len(shape.blocks) - frozen)
        seconds += phase.epochs * (STEP * training / config.batch_size + HEAD * (training + validation))
    if samples:
        return Estimate(seconds, message("estimated from earlier runs on this computer"))
    rough = message("a rough figure for a computer with two cores and no GPU; the first run here will correct it")
    return Estimate(seconds, rough)


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
