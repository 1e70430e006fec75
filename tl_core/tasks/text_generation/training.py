"""Fine-tune a language model on a text: from a config and a corpus to a model folder that others load."""

from collections.abc import Callable
from pathlib import Path

from tl_core.base import events
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.learner import TextLearner
from tl_core.text.data.corpus import Corpus
from tl_core.training import loop
from tl_core.training.loop import Outcome


def train(
    config: TextConfig,
    corpus: Corpus,
    folder: Path,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    started: Callable[..., None],
) -> Outcome:
    """Train all phases, then write the best model to `folder/model` in the Hub's format.

    Args:
        config: the experiment.
        corpus: its text.
        folder: the run's folder; see `tl_core.training.checkpoint` and `tuned` for what comes to lie there.
        emit, should_stop, resume, started: as in `tl_core.training.loop.train`.

    Raises:
        UserError: the model cannot be had, the text is too short, or the loss is no longer a number.
    """
    learner = TextLearner(config, corpus, folder, emit, should_stop)
    return loop.train(learner, folder, emit, should_stop, resume=resume, started=started)
