"""What a recording tells of a classifier of texts: its weights, texts, classes and report, without the texts."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from tl_core.base.messages import Message, message
from tl_core.classification import report as reports
from tl_core.classification.report import Report
from tl_core.tasks.lesson import Lesson
from tl_core.tasks.text_classification import material
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.data.labelled import split
from tl_core.text.data.reviews import TONES
from tl_core.text.pretrained.encoders import ENCODERS


def _reviews(config: TextClassificationConfig, classes: tuple[str, ...], phases: tuple[str, ...]) -> bool:
    taught = config.encoder.weights != "random"
    same = tuple(phase.name for phase in config.phases) == phases and taught == (phases[0] == "head")
    return same and classes == TONES["en"]


LESSONS: dict[str, Lesson] = {
    "reviews": Lesson(
        message("Reviews, frozen encoder"),
        message("Reviews that the app wrote"),
        message(
            "MiniLM-L6 has read millions of sentences and stays as it is; only the head learns. See how far the first "
            "epoch gets already, and what negation and irony still cost at the end."
        ),
        partial(_reviews, phases=("head",)),
    ),
    "reviews_scratch": Lesson(
        message("Reviews, from scratch"),
        message("Reviews that the app wrote"),
        message(
            "The same network has never read a word: all that it will know stands in these reviews. Compare the last "
            "validation accuracy, and the time it took, with the frozen run."
        ),
        partial(_reviews, phases=("from scratch",)),
    ),
}


def weights(config: TextClassificationConfig) -> Message:
    """What the encoder knew when training began."""
    if untaught(config):
        return message("random")
    row = ENCODERS.get(config.encoder.name)
    return Message(row.repository) if row else message("a file of its maker's own")


def untaught(config: TextClassificationConfig) -> bool:
    """Whether it knew nothing."""
    return config.encoder.weights == "random"


def classes(config: TextClassificationConfig) -> tuple[str, ...]:
    """What is told apart.

    Raises:
        UserError: the texts are gone.
    """
    return material.load(config).classes


def data(config: TextClassificationConfig, name: Message) -> Message:
    """What it learned from, called `name` or, where that is empty, as its owner calls it.

    Raises:
        UserError: the texts are gone.
    """
    texts = material.load(config)
    parts = split(texts, config.data)
    return message(
        "{name}: {training} texts to train on, {validation} to validate",
        name=name if name.text else Message(texts.name),
        training=f"{len(parts.train):,}",
        validation=f"{len(parts.validation):,}",
    )


def keep(run: Path, into: Path) -> None:
    """Write what of the run's report anybody may see: figures and confusion matrix, without the texts."""
    made = reports.load(run, "validation")
    if made is not None:
        reports.save(replace(made, predictions=()), into)


def result(folder: Path) -> Report | None:
    """What `keep` wrote, if there was something."""
    return reports.load(folder, "validation")
