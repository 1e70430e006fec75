"""Sentences for people, kept translatable until somebody reads them.

`tl_core` never knows the reader's language: a worker may fail in the night and be read in the morning by two people
in two languages. So a sentence travels as its English template and its values, and is put together where it is shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

NESTED = 8  # sentences and lists in each other that are read at most


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
    def from_json(cls, data: Any, nested: int = NESTED) -> "Message":
        """Read what `to_json` wrote; unknown keys are ignored.

        Raises:
            ValueError: it is no sentence, or one that could not be put together.
        """
        values = data.get("values", {}) if isinstance(data, Mapping) else None
        if not isinstance(values, Mapping) or not isinstance(data.get("text"), str):
            raise ValueError("there is no sentence")
        if values:
            _check(data["text"], values)
        return cls(data["text"], {name: _unpacked(value, nested) for name, value in values.items()})


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


def _unpacked(value: Any, nested: int) -> Any:
    if not isinstance(value, (Mapping, list)):
        return value
    if not nested:
        raise ValueError("a sentence is nested too deeply")
    if isinstance(value, list):
        return [_unpacked(item, nested - 1) for item in value]
    if set(value) != {"message"}:
        raise ValueError("a sentence holds an object")
    return Message.from_json(value["message"], nested - 1)


def _check(template: str, values: Mapping[str, Any]) -> None:
    """A template may name its values and nothing else: no attributes of theirs, no widths."""
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None and (name not in values or not name.isidentifier() or form or conversion):
            raise ValueError(f"a sentence has no value {name}")
