"""What a fine-tuning costs: parameters that are trained and frozen, memory, operations; known without the network."""

from dataclasses import dataclass

from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.text.pretrained.shape import Shape


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
