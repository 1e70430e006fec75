"""What a fine-tuning of a language model is, and what it costs in parameters, memory and operations before it starts.

Nothing here imports TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Literal

from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, setting
from tl_core.text.data.typography import straightened
from tl_core.text.pretrained.registry import CHECKPOINTS
from tl_core.text.pretrained.shape import Shape
from tl_core.training.options import Optimizer, PhaseName, Precision, Schedule, warm_up
from tl_core.training.settings import (
    RATES,
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
class PhaseConfig:
    """One stretch of training with one freeze boundary, optimizer and rate."""

    frozen_blocks: int = frozen_blocks(0)  # leading ones of embeddings, h.0, h.1, ... kept frozen; -1 means all of them
    steps: int = setting(
        300,
        key="steps",
        label=message("Steps"),
        term=message("steps"),
        group="training",
        shown="number",
        low=1,
        high=1_000_000,
        summed=True,
        help=message("How often the weights are changed. Each step reads one batch of windows of your text."),
    )
    learning_rate: float = learning_rate(
        1e-3,
        high=1,
        offered=tuple(rate for rate in RATES if rate < 0.1),
        help=message(
            "How far each step moves the weights. Small models bear large ones; LoRA wants about five times more."
        ),
    )
    optimizer: Optimizer = optimizer("adamw")
    schedule: Schedule = schedule("cosine")  # after a short warm-up the rate falls to a tenth
    name: PhaseName = "fine-tuning"


VALIDATION_TOKENS = 8192  # at most, spread over the validation part


@dataclass(frozen=True)
class TextConfig:
    """One text experiment, complete.

    The event log's epochs are rounds of `evaluate_every` steps here: a text of some size is seldom read twice.
    """

    corpus: str = setting(  # id of the text
        key="text", label=message("Version of the text"), term=message("text"), group="data", private=True
    )
    model: str = setting(  # name of tl_core.text.pretrained.registry.CHECKPOINTS, or a folder in the Hub's format
        "tales",
        key="model",
        label=message("Model"),
        term=message("model"),
        group="network",
        shown="select",
        private=True,
        help=message(
            "The pretrained language model that learns your text. Behind its name: how many parameters it has."
        ),
    )
    validation: float = setting(  # fraction of every document, its end
        0.1,
        key="validation",
        label=message("For validation"),
        term=message("validation fraction"),
        group="data",
        shown="slider",
        low=0,
        high=0.8,
        offered=(0, 0.5),
        percent=True,
        help=message("The end of each document. It is never trained on."),
    )
    straighten: bool = setting(  # plain quotes and dashes instead of typographic ones, in the text and the prompt
        False,
        key="straighten",
        label=message("Straighten quotes and dashes"),
        term=message("straightened quotes"),
        group="network",
        shown="toggle",
        help=message(
            "While it trains, the model reads “ ” ‘ ’ – — … as plain characters. A tokenizer that does not know them "
            "spells each in single bytes, and the model then writes torn ones. The text that you brought stays as it "
            "is."
        ),
    )
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(),)
    lora_rank: int = setting(  # 0: train whole weights; else only low-rank changes of query and value
        0,
        key="rank",
        label=message("LoRA rank"),
        term=message("LoRA rank"),
        group="freezing",
        shown="stops",
        low=0,
        high=256,
        offered=(1, 2, 4, 8, 16, 32),
        off=message("no"),
        help=message("How thin the matrices are. 4 or 8 are often enough."),
    )
    evaluate_every: int = setting(
        25,
        key="evaluate",
        label=message("Steps between validations"),
        term=message("steps between validations"),
        group="samples",
        shown="number",
        low=1,
        high=100_000,
    )
    sample_every: int = setting(
        50,
        key="sample",
        label=message("Steps between samples"),
        term=message("steps between samples"),
        group="samples",
        shown="number",
        low=1,
        high=1_000_000,
    )
    batch_size: int = setting(
        8,
        key="batch",
        label=message("Windows in each step"),
        term=message("batch size"),
        group="data",
        shown="number",
        low=1,
        high=256,
    )
    context: int = setting(
        128,
        key="context",
        label=message("Tokens in a window"),
        term=message("context"),
        group="data",
        shown="number",
        low=8,
        high=1024,
        help=message("So much of the text the model sees at once."),
    )
    early_stopping: int = early_stopping(  # rounds without a better validation loss before a phase ends; 0 is off
        message("A phase ends after so many validations without a lower loss; 0 trains to the end.")
    )
    weight_decay: float = setting(  # of AdamW; the other optimizers have none
        0.01,
        key="decay",
        label=message("Weight decay"),
        term=message("weight decay"),
        group="advanced",
        shown="stops",
        low=0,
        high=1,
        offered=(0.0, 0.001, 0.01, 0.1),
        help=message("Pulls all weights a little towards zero at each step, where the optimizer is AdamW."),
    )
    dropout: float = setting(
        0.0,
        key="dropout",
        label=message("Dropout"),
        term=message("dropout"),
        group="advanced",
        shown="slider",
        low=0,
        high=0.95,
        offered=(0, 0.5),
        step=0.05,
    )
    prompt: str = setting(
        "Once upon a time",
        key="prompt",
        label=message("Prompt of the samples"),
        term=message("prompt"),
        group="training",
        shown="line",
        high=400,
        private=True,
        help=message(
            "The model continues it before training and again and again while it learns, always with one seed."
        ),
    )
    sample_length: int = setting(
        60,
        key="length",
        label=message("Tokens in a sample"),
        term=message("sample length"),
        group="samples",
        shown="number",
        low=1,
        high=512,
    )
    seed: int = seed(
        "seed",
        message("Seed"),
        message("seed"),
        message("The same number gives the same order and, on a CPU, the same curve."),
    )
    cache: bool = cache()  # keep activations at the freeze boundary
    precision: Precision = precision()  # auto: whatever is faster on this machine for this model
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
    config = built(TextConfig, _upgraded(data))
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
    settings.validate(config)


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


def read(data: Any) -> TextConfig:
    """As `text_config`, checked against the model's blocks as well, unless it is a folder, which may not be here.

    Raises:
        UserError: as `text_config`; or the model has fewer blocks than are to be frozen.
    """
    config = text_config(data)
    if config.model in CHECKPOINTS:
        for number in range(len(config.phases)):
            boundary(config, CHECKPOINTS[config.model].shape, number)
    return config


def title(config: TextConfig) -> str:
    """The model's name for a reader, or that of its folder."""
    row = CHECKPOINTS.get(config.model)
    return row.title if row else PurePath(config.model).name or config.model
