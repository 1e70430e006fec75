"""Other people's words inside our Markdown: a class may be called `*new*`, a folder `[a](b)`, a run `www.example.org`.

Streamlit renders Markdown in every text and label, also in those of metrics, options, tooltips and toasts. Whatever
comes from outside (names, reasons, addresses) goes through here; tables, code and alternative texts are plain anyway.
"""

import re
from collections.abc import Callable
from typing import Any

from pages.ui.i18n import _, together
from tl_core.base.errors import UserError
from tl_core.base.messages import Message

_SIGNS = re.compile(r"([\\`*_\[\]#<>$:~|&])")
_ITEM = re.compile(r"^( ?)([-+]|\d{1,9}(?=[.)]( |$)))")  # at the beginning of a text it would begin a list
# Links, icons and logos are looked for once more in the finished text, where escaping no longer helps.
_LOOKED_FOR = re.compile(r"(?<=:)(?=[A-Za-z/+-])|(?<=www)(?=\.)|(?<=@)", re.IGNORECASE)
_JOINER = "\u2060"  # takes no room, and no line is broken there


def plain(text: str) -> str:
    """`text` on one line, with no sign of Markdown taking effect."""
    line = _LOOKED_FOR.sub(_JOINER, re.sub(r"\s+", " ", text))
    return _ITEM.sub(lambda found: found[1] + (f"\\{found[2]}" if found[2] in "-+" else f"{found[2]}\\"), _signed(line))


def sentence(message: Message) -> str:
    """A message in the reader's language, its values as they are; also those in a command between backticks."""
    template = _(message.text) if message.text else ""
    if not message.values:
        return template
    said = {name: _shown(value, plain) for name, value in message.values.items()}
    typed = {name: _shown(value, _code) for name, value in message.values.items()}
    pieces = enumerate(template.split("`"))
    return "`".join(piece.format(**(typed if number % 2 else said)) for number, piece in pieces)


def reason(error: UserError) -> str:
    """What happened and what to do, in plain type."""
    return together(sentence(error.what), sentence(error.remedy))


def problem(error: UserError) -> str:
    """What happened and what to do, as one paragraph."""
    return f"**{sentence(error.what)}** {sentence(error.remedy)}"


def _signed(text: str) -> str:
    return _SIGNS.sub(r"\\\1", text)


def _code(text: str) -> str:
    """A value between backticks, where nothing but a backtick has a meaning."""
    return re.sub(r"\s+", " ", text).replace("`", "'")


def _shown(value: Any, written: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return written(value)
    if isinstance(value, Message):
        return sentence(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_shown(item, written)) for item in value)
    return value
