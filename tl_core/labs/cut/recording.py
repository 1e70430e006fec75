"""What a recording of the probes tells: its lesson, weights, pictures, classes. There is no report."""

from tl_core.base.messages import Message, message
from tl_core.labs import probes
from tl_core.labs.cut import material
from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification import recording
from tl_core.tasks.lesson import Lesson

LESSONS = {
    "cut": Lesson(
        message("Where should I cut? A probe behind every block"),
        message("Drawn flowers"),
        message(
            "Follow the pretrained line from block to block, and see how soon it leaves the one with random weights "
            "behind."
        ),
    ),
}
# what these ask of a config, this one has too
weights, untaught, classes = recording.weights, recording.untaught, recording.classes
keep, result = recording.keep, recording.result  # no report, so there is nothing to keep


def data(config: CutConfig, name: Message) -> Message:
    """What the probes of the first seed learned from, as for a training.

    Raises:
        UserError: the pictures are gone.
    """
    dataset = material.load(config)
    return recording.divided(name, dataset, probes.divided(config.data, dataset, 1)[0])
