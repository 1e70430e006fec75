"""How long a fine-tuning will take, before it starts: from earlier runs on this machine, else from a measurement.

The multiplications and additions of everything that a run does are counted. How many a second this machine manages
while it trains is known from earlier runs; before the first one, from how fast blocks learn here
(`tl_core.training.machine`). TensorFlow-free.
"""

import contextlib
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tl_core.base.errors import UserError
from tl_core.base.events import Epoch, Event, Started
from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.tasks.text_generation.parameters import cost
from tl_core.text.pretrained.registry import shape_of
from tl_core.text.pretrained.shape import Shape
from tl_core.training import machine
from tl_core.training.options import EXACT_BYTES

UPDATE = 350  # operations' time that the optimizer takes for a weight: it reads and writes several numbers for each
ROUGH = 5e10  # operations a second of two cores, until this computer has been measured
GPU = 2e12  # operations a second of a graphics processor, very roughly: what is small does not fill it
BEGIN, BLOCK = 2.5, 1.2  # seconds to load the model (the libraries are loaded beforehand), and to compile each block
TOKEN, MEMORY = 1e-3, 2e10  # seconds a written token takes however small the network; bytes of weights a second
DISK = 5e8  # bytes a second
VALIDATION, SOURCE = 8192, 4096  # tokens of a validation at most, and of the source task's text


@dataclass(frozen=True)
class Sample:
    """What a run did: operations a second."""

    model: str
    rate: float


def seconds(
    config: TextConfig, shape: Shape, rate: float, training: int | None = None, validation: int | None = None
) -> float:
    """From the click to the end.

    Args:
        config: the experiment.
        shape: of its model.
        rate: operations a second.
        training, validation: tokens of the text; None where they have not been counted: a long text is assumed.

    Raises:
        UserError: the freeze boundary is out of range.
    """
    window, operations, kept = min(config.context, shape.context), 0.0, 0.0
    for number, phase in enumerate(config.phases):
        each = cost(config, shape, number)
        first = phase.steps  # until the text has been read once: what the frozen blocks make of it is kept from then on
        if training is not None:
            first = min(phase.steps, -(-training // (window * config.batch_size)))
        operations += phase.steps * _step(config, shape, number)
        operations += first * (each.operations_per_step - each.operations_per_cached_step)
        kept += (-(-phase.steps // config.evaluate_every) + 2) * 4 * each.trainable / DISK
    looks = 1 + config.epochs  # before the first step, and behind each round
    seen = SOURCE + (VALIDATION if validation is None else min(VALIDATION, validation // window * window))
    operations += looks * seen * 2 * shape.parameters
    samples = 2 + (config.steps - 1) // config.sample_every
    written = samples * (config.sample_length * (TOKEN + 4 * shape.parameters / MEMORY) + 8 * shape.parameters / DISK)
    return BEGIN + BLOCK * shape.layers + operations / rate + written + kept


def epoch_seconds(config: TextConfig, shape: Shape, rate: float, validation: int | None = None) -> float:
    """From one validation to the next, that one included, once the activations of the text are kept."""
    seen = VALIDATION if validation is None else min(VALIDATION, validation)
    return (config.evaluate_every * _step(config, shape) + seen * 2 * shape.parameters) / rate


def cached(config: TextConfig, shape: Shape, training: int) -> int:
    """Bytes of activations that will lie on disk: of the windows of so many tokens that are read."""
    window, sizes = min(config.context, shape.context), {}
    windows = training // window
    row = 4 * window * shape.width
    if windows * row > EXACT_BYTES:
        row //= 2
    for number, phase in enumerate(config.phases):
        if config.cache and (below := boundary(config, shape, number)) > 1:
            sizes[below] = min(windows, phase.steps * config.batch_size) * row
    return sum(sizes.values())


def measured(config: TextConfig, shape: Shape) -> float | None:
    """Operations a second that blocks like this model's were measured to learn with; None before the measurement."""
    return machine.rate(config.batch_size * min(config.context, shape.context), shape.width)


def samples(config: TextConfig, log: Iterable[Event], host: str) -> list[Sample]:
    """The speed that a run's log holds, if it ran on `host` and its model is still here."""
    with contextlib.suppress(UserError):  # also where the folder holds another model by now, with fewer blocks
        found = sample(config, shape_of(config.model), log, host)
        return [found] if found else []
    return []


def sample(config: TextConfig, shape: Shape, log: Iterable[Event], host: str) -> Sample | None:
    """The rate behind a run on `host`, from the middle one of its rounds; None where it ran elsewhere or had none.

    Raises:
        UserError: the freeze boundary is out of range.
    """
    here, tokens = False, config.batch_size * min(config.context, shape.context)
    rates = []
    for event in log:
        if isinstance(event, Started):
            here = event.host == host
        elif here and isinstance(event, Epoch) and event.rate > 0:
            rates.append(event.rate / tokens)  # steps a second
    if not rates:
        return None
    return Sample(config.model, statistics.median(rates) * _step(config, shape))


def rate_of(known: Sequence[Sample], model: str) -> float | None:
    """Operations a second: of runs of the same model where there are any, else of all."""
    rates = [each.rate for each in known if each.model == model] or [each.rate for each in known]
    return statistics.median(rates) if rates else None


def _step(config: TextConfig, shape: Shape, number: int = -1) -> float:
    """Operations of a step once all activations are kept, and the optimizer's time as so many."""
    each = cost(config, shape, number)
    return each.operations_per_cached_step + UPDATE * each.trainable
