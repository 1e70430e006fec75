"""Ways to fine-tune one language model on the same text, made to be compared: only rank, boundary and phases differ.

There is none from scratch: a model that has never read a word writes none, however long a lesson is.
"""

from dataclasses import replace

from tl_core.base.messages import Message, message
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig, suggested_rate
from tl_core.text.pretrained.registry import checkpoint

WAYS: dict[str, Message] = {
    "frozen": message("All but the last block frozen"),
    "lora": message("LoRA beside frozen weights"),
    "at_once": message("All weights"),
}
AGAINST = "frozen"  # what the others are measured against
BEATEN = message("Here it does harm to train more than the last block.")
ACROSS = "step"  # what their curves are drawn over, by the name of an event's field
BESIDE = ("source_perplexity",)  # further metrics that are told of them: forgetting shows here
STEPS, RANK = 100, 4


def usual(corpus: str) -> TextConfig:
    """What the ways are tried with unless somebody chooses otherwise.

    Args:
        corpus: id.
    """
    return TextConfig(
        corpus, phases=(PhaseConfig(0, STEPS),), sample_every=1_000_000, sample_length=20, context=64, batch_size=8
    )


def ways(config: TextConfig) -> dict[str, TextConfig]:
    """The experiment in each way: the same steps, text, seed, batch and context.

    Args:
        config: of its phases the steps count; its LoRA rank where it has one.
    """
    shape, rank = checkpoint(config.model).shape, config.lora_rank or RANK
    phase = PhaseConfig(0, config.steps, suggested_rate(shape))
    upper = replace(phase, frozen_blocks=len(shape.blocks) - 1)
    thin = replace(phase, frozen_blocks=1, learning_rate=suggested_rate(shape, rank))
    return {
        "frozen": replace(config, lora_rank=0, phases=(upper,)),
        "lora": replace(config, lora_rank=rank, phases=(thin,)),
        "at_once": replace(config, lora_rank=0, phases=(phase,)),
    }


def seeded(config: TextConfig, seed: int) -> TextConfig:
    """The experiment with another seed; the validation part is the end of the text whatever the seed."""
    return replace(config, seed=seed)
