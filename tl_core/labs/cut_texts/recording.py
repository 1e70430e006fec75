"""What a recording of the probes tells: its lesson, weights, texts, classes. There is no report."""

from tl_core.base.messages import message
from tl_core.tasks.lesson import Lesson
from tl_core.tasks.text_classification import recording

LESSONS = {
    "cut_texts": Lesson(
        message("Where to cut an encoder? A probe behind every block"),
        message("Reviews that the app wrote"),
        message(
            "Compare the first point, which knows single words only, with the best one, and see how soon the "
            "pretrained line leaves the one with random weights behind."
        ),
    ),
}
# what these ask of a config, this one has too
weights, untaught, classes = recording.weights, recording.untaught, recording.classes
data, keep, result = recording.data, recording.keep, recording.result  # no report, so there is nothing to keep
