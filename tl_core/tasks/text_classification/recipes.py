"""Recipes that fill in a whole experiment: feature extraction, head first and then fine-tuning, and from scratch."""

from dataclasses import dataclass, replace

from tl_core.base.messages import Message, message
from tl_core.tasks.text_classification.config import EncoderConfig, PhaseConfig, TextClassificationConfig, Weights
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained.encoders import EncoderShape, shape_of


@dataclass(frozen=True)
class Recipe:
    """What it is called and for, and its phases for an encoder."""

    title: Message
    description: Message
    weights: Weights

    def config(self, config: TextClassificationConfig) -> TextClassificationConfig:
        """The experiment with the recipe's weights, phases and seeds; texts and encoder stay."""
        encoder = replace(config.encoder, weights=self.weights)
        phases = _phases(self.weights, self is RECIPES["two_phases"], shape_of(encoder.name))
        fresh = TextClassificationConfig(replace(DataConfig(""), dataset=config.data.dataset), encoder)
        return replace(fresh, phases=phases)


def _phases(weights: str, two: bool, shape: EncoderShape) -> tuple[PhaseConfig, ...]:
    if weights == "random":
        return (PhaseConfig(0, 6, 3e-4, "adam", "from scratch", "cosine"),)
    head = PhaseConfig(-1, 30, 1e-2, "adam", "head")
    if not two:
        return (head,)
    upper = max(1, len(shape.blocks) - 2)  # the last two layers adapt
    return replace(head, epochs=10), PhaseConfig(upper, 4, 1e-4, "adam", "fine-tuning", "cosine")


RECIPES: dict[str, Recipe] = {
    "quick": Recipe(
        message("Quick start"),
        message("The encoder stays as it is, only a head learns: every text is read once, so it takes seconds."),
        "pretrained",
    ),
    "two_phases": Recipe(
        message("Head, then fine-tune"),
        message(
            "First the new head alone, then the last two layers adapt at a lower rate: the usual way to the best "
            "result. Takes some minutes without a graphics processor."
        ),
        "pretrained",
    ),
    "scratch": Recipe(
        message("From scratch"),
        message(
            "The same network with random weights: it has never read a word, and all it will know stands in your "
            "texts. For contrast."
        ),
        "random",
    ),
}
DEFAULT = RECIPES["quick"].config(TextClassificationConfig(DataConfig(""), EncoderConfig()))
