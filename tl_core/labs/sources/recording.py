"""What a recording of the sources tells: its lesson, weights, pictures, classes. There is no report."""

from tl_core.base.messages import Message, message
from tl_core.labs import probes
from tl_core.labs.sources import material
from tl_core.labs.sources.config import SOURCES, SourcesConfig
from tl_core.tasks.image_classification import recording
from tl_core.tasks.lesson import Lesson

LESSONS = {
    "sources": Lesson(
        message("Which source helps? Three of them, ranked beforehand"),
        message("Drawn flowers"),
        message(
            "Each source stands against the same network with random weights. See which one gains, and whether the "
            "scores that came before any training had it right."
        ),
    ),
}
classes = recording.classes  # what this asks of a config, this one has too
keep, result = recording.keep, recording.result  # no report, so there is nothing to keep


def weights(config: SourcesConfig) -> Message:
    """What the networks knew, one after the other."""
    return Message("{sources}", {"sources": [recording.WEIGHTS[each.weights] for each in SOURCES.values()]})


def untaught(config: SourcesConfig) -> bool:
    """Whether they knew nothing: they never do."""
    return False


def data(config: SourcesConfig, name: Message) -> Message:
    """What the classifiers of the first seed learned from, as for a training.

    Raises:
        UserError: the pictures are gone.
    """
    dataset = material.load(config)
    return recording.divided(name, dataset, probes.divided(config.data, dataset, 1)[0])
