"""What a recording of the probes tells: weights, texts, classes. There is no report."""

from tl_core.tasks.lesson import Lesson
from tl_core.tasks.text_classification import recording

LESSONS: dict[str, Lesson] = {}  # none is recorded yet
# what these ask of a config, this one has too
weights, untaught, classes = recording.weights, recording.untaught, recording.classes
data, keep, result = recording.data, recording.keep, recording.result  # no report, so there is nothing to keep
