"""What a recording tells of a classifier of texts: its weights, texts, classes and report, without the texts."""

from dataclasses import replace
from pathlib import Path

from tl_core.base.messages import Message, message
from tl_core.classification import report as reports
from tl_core.classification.report import Report
from tl_core.tasks.lesson import Lesson
from tl_core.tasks.text_classification import material
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.data.labelled import split
from tl_core.text.pretrained.encoders import ENCODERS

LESSONS: dict[str, Lesson] = {}  # none is shipped


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
