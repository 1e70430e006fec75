"""Train one experiment: from a config and a dataset to best weights, a report and a model."""

from collections.abc import Callable
from pathlib import Path

from tl_core.base import events
from tl_core.images.data.dataset import Dataset
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.learner import ImageLearner
from tl_core.training import loop
from tl_core.training.loop import Outcome


def train(
    config: RunConfig,
    dataset: Dataset,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train all phases, then write the report on the validation pictures and the model.

    Args:
        config: the experiment.
        dataset: its pictures.
        folder: the run's folder; see `tl_core.training.checkpoint`, `report` and `export` for what comes to lie there.
        emit, should_stop, resume, started: as in `tl_core.training.loop.train`.

    Raises:
        UserError: weights cannot be had, settings do not fit the pictures, or the loss is no longer a number.
    """
    learner = ImageLearner(config, dataset, folder, emit, should_stop)
    return loop.train(learner, folder, emit, should_stop, resume=resume, started=started)
