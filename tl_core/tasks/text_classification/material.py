"""What a run learns from: labelled texts."""

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.data import labelled
from tl_core.text.data.labelled import LabelledTexts

GONE = message("texts that have been deleted")


def load(config: TextClassificationConfig) -> LabelledTexts:
    """The texts.

    Raises:
        UserError: they have been deleted, or are damaged.
    """
    return labelled.load(config.data.dataset)


def id(config: TextClassificationConfig) -> str:
    """What the texts are known by."""
    return config.data.dataset


def name(config: TextClassificationConfig) -> str | None:
    """What the texts are called; None where they have been deleted."""
    try:
        return load(config).name
    except UserError:
        return None


def private(config: TextClassificationConfig) -> str | None:
    """Whose alone it is to see what shows the texts; None where everybody may.

    Raises:
        UserError: they have been deleted, and nobody knows any more.
    """
    texts = load(config)
    return None if texts.shared else texts.owner
