"""Other people's words inside our Markdown: a class may be called `*new*`, a folder `[a](b)`."""

from typing import Any

from pages.components.i18n import _
from tl_core.errors import UserError
from tl_core.messages import Message

_SIGNS = frozenset("\\`*_[]#<>$:~|")


def plain(text: str) -> str:
    """`text` with no sign of Markdown taking effect."""
    return "".join(f"\\{letter}" if letter in _SIGNS else letter for letter in text)


def sentence(message: Message) -> str:
    """A message in the reader's language, its values as they are."""
    return Message(message.text, {name: _escaped(value) for name, value in message.values.items()}).translated(_)


def problem(error: UserError) -> str:
    """What happened and what to do, as one paragraph."""
    return f"**{sentence(error.what)}** {sentence(error.remedy)}"


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Message):
        return Message(value.text, {name: _escaped(inner) for name, inner in value.values.items()})
    if isinstance(value, (list, tuple)):
        return [_escaped(inner) for inner in value]
    return value
