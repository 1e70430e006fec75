"""Sentences for people, kept translatable until somebody reads them.

`tl_core` never knows the reader's language: a worker may fail in the night and be read in the morning by two people
in two languages. So a sentence travels as its English template and its values, and is put together where it is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def N_(text: str) -> str:
    """Mark `text` for translation (Babel extracts it) and return it unchanged."""
    return text


@dataclass(frozen=True)
class Message:
    """One sentence: an English template (the gettext key) and the values of its `{fields}`.

    `values` holds JSON types, or further Messages (and lists of them), which are translated first.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.translated(lambda text: text)

    def translated(self, gettext: Callable[[str], str]) -> str:
        """The sentence in the language of `gettext`, its values filled in."""
        if not self.text:
            return ""
        values = {name: _shown(value, gettext) for name, value in self.values.items()}
        return gettext(self.text).format(**values) if values else gettext(self.text)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `from_json` reads back."""
        return {"text": self.text, "values": {name: _packed(value) for name, value in self.values.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Message":
        """Read what `to_json` wrote; unknown keys are ignored."""
        return cls(data["text"], {name: _unpacked(value) for name, value in data.get("values", {}).items()})


def message(text: str, **values: Any) -> Message:
    """Mark `text` for translation and hold it with its values: `message("{n} images", n=3)`."""
    return Message(text, values)


def _shown(value: Any, gettext: Callable[[str], str]) -> Any:
    if isinstance(value, Message):
        return value.translated(gettext)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_shown(item, gettext)) for item in value)
    return value


def _packed(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": value.to_json()}
    if isinstance(value, (list, tuple)):
        return [_packed(item) for item in value]
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"message"}:
        return Message.from_json(value["message"])
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    return value
