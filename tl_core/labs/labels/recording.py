"""What a recording of the search for wrong labels tells: its lesson, weights, pictures, classes. There is no report."""

from tl_core.base.messages import Message, message
from tl_core.labs.labels import material
from tl_core.labs.labels.config import LabelsConfig
from tl_core.tasks.image_classification import recording
from tl_core.tasks.lesson import Lesson

LESSONS = {
    "labels": Lesson(
        message("Whose label is wrong? Wrong labels planted and found"),
        message("Drawn flowers"),
        message(
            "Some labels were made wrong on purpose. See how few of the most doubtful ones a person has to look at to "
            "find most of them."
        ),
    ),
}
# what these ask of a config, this one has too
weights, untaught, classes = recording.weights, recording.untaught, recording.classes
keep, result = recording.keep, recording.result  # no report, so there is nothing to keep


def data(config: LabelsConfig, name: Message) -> Message:
    """Which labels were searched, and what judged the heads.

    Raises:
        UserError: the pictures are gone.
    """
    dataset = material.load(config)
    parts = material.parts(config, dataset)
    return message(
        "{name}: {searched} labels searched, {judging} other pictures to judge",
        name=name if name.text else Message(dataset.name),
        searched=f"{len(parts.searched):,}",
        judging=f"{len(parts.judging):,}",
    )
