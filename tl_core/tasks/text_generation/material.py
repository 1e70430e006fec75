"""What a run learns from: a text."""

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus
from tl_core.text.data.corpus import Corpus

GONE = message("a text that has been deleted")


def load(config: TextConfig) -> Corpus:
    """The text.

    Raises:
        UserError: it has been deleted, or is damaged.
    """
    return corpus.load(config.corpus)


def id(config: TextConfig) -> str:
    """What the text is known by."""
    return config.corpus


def name(config: TextConfig) -> str | None:
    """What the text is called; None where it has been deleted."""
    try:
        return load(config).name
    except UserError:
        return None


def private(config: TextConfig) -> str | None:
    """Whose alone it is to see what shows the text, its samples and its model; None where everybody may.

    Raises:
        UserError: it has been deleted, and nobody knows any more.
    """
    text = load(config)
    return text.owner if text.private else None
