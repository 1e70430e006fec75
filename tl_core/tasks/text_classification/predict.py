"""What the engine answers about texts, and the loaded classifier that says of which class they are."""

from dataclasses import dataclass

import numpy as np

from tl_core.base.calls import Desk, Run
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.classification import report
from tl_core.tasks.text_classification import export, material, model
from tl_core.tasks.text_classification.calls import PREFIX, Answer, Classify, Evaluate, ModelFile
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.tasks.text_classification.model import Classifier
from tl_core.text.data.labelled import split
from tl_core.training import checkpoint

BATCH = 32  # texts between two looks at whether anybody waits

NAMES = {"validation": message("validation"), "test": message("test")}


@dataclass(frozen=True)
class Loaded:
    """A run's classifier as the engine keeps it."""

    classifier: Classifier
    version: object

    @property
    def bytes(self) -> int:
        """Of its weights."""
        return 4 * (self.classifier.encoder.shape.parameters + self.classifier.head.count_params())


def classify(asked: Classify, desk: Desk) -> tuple[Answer, ...]:
    """One answer for each text, in order."""
    with desk.use(asked.source) as loaded:
        classifier: Classifier = loaded.classifier
        rows = classifier.predict(asked.texts, desk.is_gone)
        words = [classifier.influence(text) if asked.influence else [] for text in asked.texts[: len(rows)]]
    answers = []
    for row, own in zip(rows, words, strict=True):
        order = np.argsort(-row, kind="stable")
        labels = tuple((classifier.classes[index], float(row[index])) for index in order)
        answers.append(Answer(labels, tuple(own)))
    return tuple(answers)


def evaluate(asked: Evaluate, desk: Desk) -> None:
    """Predict one part of a run's texts and keep the report in its folder.

    Raises:
        UserError: the part has no texts, the run has no weights, or the texts are gone.
    """
    run = _run(asked.run, desk)
    dataset = material.load(run.config)
    indices = getattr(split(dataset, run.config.data), asked.part)
    if not len(indices):
        raise UserError(
            message("This run has no {part} texts.", part=NAMES[asked.part]),
            message("Set aside a share of the texts for it before training."),
        )
    examples = [dataset.examples[index] for index in indices]
    said = []
    desk.say(message("Loading the model…"))
    with desk.use(f"{PREFIX}:{asked.run}") as loaded:
        for start in range(0, len(examples), BATCH):
            if desk.is_gone():
                return
            texts = [example.text for example in examples[start : start + BATCH]]
            said.append(loaded.classifier.predict(texts))
            desk.say(message("Reading the texts: {done} of {total}", done=start + len(texts), total=len(examples)))
    made = report.report(asked.part, dataset.id, dataset.classes, examples, np.concatenate(said))
    report.save(made, run.folder)


def model_file(asked: ModelFile, desk: Desk) -> str:
    """Where the ZIP of the run's whole model lies."""
    run = _run(asked.run, desk)
    desk.say(message("Preparing the model…"))
    with desk.building:
        return str(export.made(run.config, run.folder))


def of_run(name: str, desk: Desk) -> Loaded:
    """The classifier of a run, by the run's id."""
    run, version = _run(name, desk), version_of_run(name, desk)
    desk.say(message("Loading the model…"))
    with desk.building:
        return Loaded(model.load(run.folder, run.config), version)


def version_of_run(name: str, desk: Desk) -> object:
    """When the run's best weights were written; it may have been trained further since."""
    path = checkpoint.best_path(desk.run(name).folder)
    return path.stat().st_mtime_ns if path.is_file() else None


def _run(run_id: str, desk: Desk) -> Run:
    run = desk.run(run_id)
    if not isinstance(run.config, TextClassificationConfig):
        raise UserError(
            message("The run {name} does not tell classes of texts apart.", name=run.name),
            message("Choose another run."),
        )
    return run
