"""How long a fine-tuning will take, before it starts: from earlier runs on this machine, else from a short measurement.

The multiplications and additions of everything that a run does are counted. How many a second this machine manages
while it trains is known from earlier runs; before the first one, from what TensorFlow was measured to multiply
(`tl_core.training.machine`), and until that is there, NumPy multiplies two matrices of the size that the network's
blocks are made of, a moment long. TensorFlow-free.
"""

import contextlib
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.events import Epoch, Event, Started
from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.tasks.text_generation.parameters import cost
from tl_core.text.pretrained.registry import shape_of
from tl_core.text.pretrained.shape import Shape
from tl_core.training import machine

MOMENT = 0.15  # seconds that the measurement takes, or three products where those take longer
# Training manages nearly the rate of a matrix product in a network as wide as GPT-2, less in a narrow one, whose other
# operations weigh more. Measured in seconds of one core's time for the bundled model and DistilGPT-2, on an Intel Xeon.
WIDE, NARROWER = 768, 0.35
PARALLEL = 0.85  # several cores share the work less evenly than a product
UPDATE = 700  # operations' time that the optimizer takes for a weight: it reads and writes several numbers for each
LAUNCH = 7e8  # and what calling them takes in a block, forwards and backwards
GPU = 2e12  # operations a second of a graphics processor, very roughly: what is small does not fill it
BEGIN, BLOCK = 2.5, 1.2  # seconds to load the model (the libraries are loaded beforehand), and to compile each block
TOKEN, MEMORY = 1e-3, 2e10  # seconds a written token takes however small the network; bytes of weights a second
DISK = 5e8  # bytes a second
VALIDATION, SOURCE = 8192, 4096  # tokens of a validation at most, and of the source task's text


@dataclass(frozen=True)
class Sample:
    """What a run did: the rate of a matrix product that would explain its training."""

    model: str
    rate: float


def seconds(
    config: TextConfig, shape: Shape, rate: float, training: int | None = None, validation: int | None = None
) -> float:
    """From the click to the end.

    Args:
        config: the experiment.
        shape: of its model.
        rate: operations a second of a matrix product.
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
    return BEGIN + BLOCK * shape.layers + operations / (rate * _part(shape)) + written + kept


def multiplied(config: TextConfig, shape: Shape) -> float:
    """Operations a second in the product that the network's blocks are made of, in float32 on all cores.

    As TensorFlow was measured on this computer, else as NumPy manages now. The best try counts: other programs only
    slow it down.
    """
    tokens, width = config.batch_size * min(config.context, shape.context), shape.width
    if measured := machine.rate(tokens, width):
        return measured
    left, right = np.ones((tokens, width), np.float32), np.ones((width, 4 * width), np.float32)
    out, tries, began = np.empty((tokens, 4 * width), np.float32), [], time.perf_counter()
    while len(tries) < 3 or time.perf_counter() - began < MOMENT:
        start = time.perf_counter()
        np.matmul(left, right, out=out)
        tries.append(time.perf_counter() - start)
    return 2 * tokens * width * 4 * width / min(tries)


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
    return Sample(config.model, statistics.median(rates) * _step(config, shape) / _part(shape))


def rate_of(known: Sequence[Sample], model: str) -> float | None:
    """Operations a second: of runs of the same model where there are any, else of all."""
    rates = [each.rate for each in known if each.model == model] or [each.rate for each in known]
    return statistics.median(rates) if rates else None


def _step(config: TextConfig, shape: Shape, number: int = -1) -> float:
    """Operations of a step once all activations are kept, and what else takes time in it as so many."""
    each, blocks = cost(config, shape, number), len(shape.blocks) - max(1, boundary(config, shape, number))
    return each.operations_per_cached_step + UPDATE * each.trainable + LAUNCH * blocks


def _part(shape: Shape) -> float:
    """The part of a matrix product's rate that training manages."""
    return PARALLEL * min(1.0, shape.width / WIDE) ** NARROWER
