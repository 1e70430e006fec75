"""What a recording tells of a fine-tuned language model: its lesson, weights and text; its samples are in the log."""

from pathlib import Path

from tl_core.base.messages import Message, message
from tl_core.tasks.lesson import Lesson
from tl_core.tasks.text_generation import material
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import grammar
from tl_core.text.data.corpus import split
from tl_core.text.pretrained.registry import CHECKPOINTS


def weights(config: TextConfig) -> Message:
    """What the model knew when training began."""
    row = CHECKPOINTS.get(config.model)
    if row is None:
        return message("a file of its maker's own")
    return Message(row.repository) if row.repository else message("this project's own")


def untaught(config: TextConfig) -> bool:
    """Whether it knew nothing: never."""
    return False


def classes(config: TextConfig) -> tuple[str, ...]:
    """What is told apart: nothing."""
    return ()


def data(config: TextConfig, name: Message) -> Message:
    """What it learned from, called `name` or, where that is empty, as its owner calls it.

    Raises:
        UserError: the text is gone.
    """
    text = material.load(config)
    training, validation = split(text, config.validation, config.straighten)
    return message(
        "{name}: {training} characters to train on, {validation} to validate",
        name=name if name.text else Message(text.name),
        training=f"{len(training):,}",
        validation=f"{len(validation):,}",
    )


def keep(run: Path, into: Path) -> None:
    """Write what of the run's report anybody may see: there is none."""


def result(folder: Path) -> None:
    """What `keep` wrote: nothing."""


def _recipes(config: TextConfig, classes: tuple[str, ...]) -> bool:
    whole = config.frozen_blocks == 0 and not config.lora_rank
    return config.model == "tales" and whole and material.load(config).text == grammar.write("recipes").strip("\n")


LESSONS: dict[str, Lesson] = {
    "recipes": Lesson(
        message("From fairy tales to recipes: the bundled language model is fine-tuned"),
        message("Recipes"),
        message(
            "All blocks learn. Compare the samples: same prompt, same seed. See how soon the steep part of the curve "
            "is over, from which step on only the training curve still falls, how much the model copies, and how far "
            "it forgets its fairy tales."
        ),
        _recipes,
    ),
}
