"""What a fine-tuning of a language model is, and what it costs in parameters, memory and operations before it starts.

Nothing here imports TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import in_range, one_of, unreadable, whole
from tl_core.text.data.typography import straightened
from tl_core.text.pretrained.shape import Shape
from tl_core.training.options import (
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    Optimizer,
    PhaseName,
    Precision,
    Schedule,
    warm_up,
)


@dataclass(frozen=True)
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int = 0  # leading ones of embeddings, h.0, h.1, ... kept frozen; -1 means all of them
    steps: int = 300
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adamw"
    schedule: Schedule = "cosine"  # after a short warm-up the rate falls to a tenth
    name: PhaseName = "fine-tuning"


VALIDATION_TOKENS = 8192  # at most, spread over the validation part


@dataclass(frozen=True)
class TextConfig:
    """One text experiment, complete.

    The event log's epochs are rounds of `evaluate_every` steps here: a text of some size is seldom read twice.
    """

    corpus: str  # id of the text
    model: str = "tales"  # name of tl_core.text.pretrained.registry.CHECKPOINTS, or a folder in the Hub's format
    validation: float = 0.1  # fraction of every document, its end
    straighten: bool = False  # plain quotes and dashes instead of typographic ones, in the text and the prompt
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(),)
    lora_rank: int = 0  # 0: train whole weights; else only low-rank changes of query and value
    evaluate_every: int = 25  # steps
    sample_every: int = 50  # steps
    batch_size: int = 8  # windows
    context: int = 128  # tokens a window
    early_stopping: int = 0  # rounds without a better validation loss before a phase ends; 0 is off
    weight_decay: float = 0.01  # of AdamW; the other optimizers have none
    dropout: float = 0.0
    prompt: str = "Once upon a time"
    sample_length: int = 60  # tokens
    seed: int = 0
    cache: bool = True  # keep activations at the freeze boundary
    precision: Precision = "auto"  # auto: whatever is faster on this machine for this model
    kind: Literal["text"] = "text"

    @property
    def opening(self) -> str:
        """The prompt as the model reads it: spelled as the text is."""
        return straightened(self.prompt) if self.straighten else self.prompt

    @property
    def epochs(self) -> int:
        """Rounds of all phases together: a validation stands at the end of each."""
        return sum(-(-phase.steps // self.evaluate_every) for phase in self.phases)

    @property
    def steps(self) -> int:
        """Optimizer steps of all phases together."""
        return sum(phase.steps for phase in self.phases)

    @property
    def frozen_blocks(self) -> int:
        """Of the last phase; -1 means all."""
        return self.phases[-1].frozen_blocks

    @property
    def learning_rate(self) -> float:
        """Of the last phase."""
        return self.phases[-1].learning_rate

    @property
    def warm_up(self) -> int:
        """Steps at the beginning of the last phase in which the learning rate rises."""
        return warm_up(self.phases[-1].steps)

    def with_phase(self, **changes: Any) -> "TextConfig":
        """The same experiment with its last phase changed."""
        return replace(self, phases=(*self.phases[:-1], replace(self.phases[-1], **changes)))

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `text_config` reads back."""
        return dataclasses.asdict(self)


def text_config(data: Any) -> TextConfig:
    """Build and validate a TextConfig from `TextConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, or a value is of another type or out of range.
    """
    try:
        config = records.build(TextConfig, _upgraded(data), strict=True)
    except ValueError as error:
        raise unreadable(error) from error
    validate(config)
    return config


def _upgraded(data: Any) -> Any:
    """Settings of the versions in which a fine-tuning had one phase, with what they called it."""
    flat = ("frozen_blocks", "steps", "learning_rate")
    if not isinstance(data, Mapping) or "phases" in data:
        return data
    phase = {name: data[name] for name in flat if name in data}
    return {name: value for name, value in data.items() if name not in flat} | {"phases": [phase]}


def validate(config: TextConfig) -> None:
    """Check every value that does not need the model or the text.

    Raises:
        UserError: names the setting, its value and the allowed range.
    """
    if not config.phases:
        raise UserError(
            message("The experiment has no training phase."),
            message("Add at least one phase with one step."),
        )
    for name, value, low, high in (
        (message("validation fraction"), config.validation, 0, 0.8),
        (message("LoRA rank"), config.lora_rank, 0, 256),
        (message("steps between validations"), config.evaluate_every, 1, 100_000),
        (message("steps between samples"), config.sample_every, 1, 1_000_000),
        (message("batch size"), config.batch_size, 1, 256),
        (message("context"), config.context, 8, 1024),
        (message("weight decay"), config.weight_decay, 0, 1),
        (message("dropout"), config.dropout, 0, 0.95),
        (message("sample length"), config.sample_length, 1, 512),
    ):
        in_range(name, value, low, high)
    whole(message("early stopping"), config.early_stopping, 0, 1000)
    one_of(message("precision"), config.precision, PRECISIONS)
    for phase in config.phases:
        whole(message("frozen blocks"), phase.frozen_blocks, -1, 1000)
        whole(message("steps"), phase.steps, 1, 1_000_000)
        in_range(message("learning rate"), phase.learning_rate, 1e-8, 1)
        one_of(message("optimizer"), phase.optimizer, OPTIMIZERS)
        one_of(message("learning rate schedule"), phase.schedule, SCHEDULES)


def suggested_rate(shape: Shape, lora_rank: int = 0) -> float:
    """A learning rate to begin with: small networks bear larger ones, and LoRA wants five times as much.

    Sources: Radford et al. 2018 fine-tune with 6.25e-5; Hu et al. 2021 (https://arxiv.org/abs/2106.09685) train LoRA
    on GPT-2 with 2e-4; for the bundled model measured.
    """
    rate = 1e-3 if shape.width < 512 else 5e-5
    return rate * (5 if lora_rank else 1)


def boundary(config: TextConfig, shape: Shape, number: int = -1) -> int:
    """The number of leading blocks that stay as they are in a phase (the last one, unless `number` says which).

    With LoRA the embeddings always stay.

    Raises:
        UserError: the model has fewer blocks.
    """
    total, asked = len(shape.blocks), config.phases[number].frozen_blocks
    if asked > total:
        raise UserError(
            message("The setting {name} is {value}.", name=message("frozen blocks"), value=asked),
            message("Choose a number from {low} to {high}.", low=0, high=total),
        )
    chosen = total if asked < 0 else asked
    if config.lora_rank and chosen == total:
        raise UserError(
            message("With all blocks frozen there is nothing left for LoRA to change."),
            message("Move the freeze boundary down by at least one block."),
        )
    return max(1, chosen) if config.lora_rank else chosen


@dataclass(frozen=True)
class Cost:
    """What a setting costs. Operations and memory are estimates; parameters are exact."""

    trainable: int
    frozen: int  # trainable + frozen is the network with its LoRA weights
    memory: int  # bytes while training
    operations_per_step: int  # multiplications and additions
    operations_per_cached_step: int  # from the second reading of the text on

    @property
    def share(self) -> float:
        """Trainable part of all parameters."""
        return self.trainable / (self.trainable + self.frozen)


def cost(config: TextConfig, shape: Shape, number: int = -1) -> Cost:
    """Parameters, memory and operations of a phase of a fine-tuning (the last one, unless `number` says which).

    A trained weight costs two operations a token forward and four backward; a frozen one above the boundary two and
    two; one below it two, and none where its activations are cached (Kaplan et al. 2020,
    https://arxiv.org/abs/2001.08361, for the counts).

    Raises:
        UserError: the boundary is out of range.
    """
    below = boundary(config, shape, number)
    blocks = shape.blocks
    upper = sum(block.parameters for block in blocks[max(1, below) :])
    tokens = config.batch_size * min(config.context, shape.context)
    if config.lora_rank:
        # A of query and value: [width, heads, rank]; B: [rank, width / heads]
        pair = shape.width * shape.heads * config.lora_rank + config.lora_rank * shape.width // shape.heads
        trainable = 2 * pair * (len(blocks) - below)
        total = shape.parameters + 2 * pair * shape.layers
    else:
        trainable = sum(block.parameters for block in blocks[below:]) + 2 * shape.width
        total = shape.parameters
    head = shape.vocabulary * shape.width
    forward = 2 * (upper + head)
    backward = (2 if config.lora_rank else 4) * upper + (2 if below else 4) * head
    lower = 2 * sum(block.parameters for block in blocks[1:below])
    whole, upper_only = tokens * (lower + forward + backward), tokens * (forward + backward)
    layers = len(blocks) - max(1, below)
    kept = layers * (16 * shape.width + 2 * shape.heads * config.context) + 3 * shape.vocabulary
    memory = 4 * (total + 3 * trainable + tokens * kept)
    cached = upper_only if config.cache and below > 1 else whole
    return Cost(trainable, total - trainable, memory, whole, cached)
