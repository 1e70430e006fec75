"""Train one experiment: from a config and labelled texts to best weights and a report."""

from collections.abc import Callable
from pathlib import Path

from tl_core.base import events
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.tasks.text_classification.learner import TextClassificationLearner
from tl_core.text.data.labelled import LabelledTexts
from tl_core.training import loop
from tl_core.training.loop import Outcome


def train(
    config: TextClassificationConfig,
    dataset: LabelledTexts,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train all phases, then write the report on the validation texts.

    Args:
        config: the experiment.
        dataset: its texts.
        folder: the run's folder; see `tl_core.training.checkpoint` and `model` for what comes to lie there.
        emit, should_stop, resume, started: as in `tl_core.training.loop.train`.

    Raises:
        UserError: weights cannot be had, settings do not fit the texts, or the loss is no longer a number.
    """
    learner = TextClassificationLearner(config, dataset, folder, emit, should_stop)
    return loop.train(learner, folder, emit, should_stop, resume=resume, started=started)
