"""A setting is declared once, where its field stands in a config: how it is called, checked, drawn, told and linked.

`setting(...)` is the field; all that walks over a config's settings (nested ones too, and those of each phase) is here.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeVar

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message

Group = Literal["data", "split", "network", "head", "freezing", "training", "samples", "advanced"]
Widget = Literal["number", "slider", "stops", "select", "segments", "toggle", "line"]

Config = TypeVar("Config")
YES, NO = message("yes"), message("no")


@dataclass(frozen=True)
class Setting:
    """What there is to know about one setting.

    Attributes:
        key: of its widget, and its name in a link.
        label: on the page and in tables.
        term: the field's own word, in the middle of a sentence.
        group: what it belongs to.
        shown: the widget that draws it; None where a page draws it in a way of its own.
        low, high: what is allowed; of a text, `high` is the greatest length in characters.
        offered: what the widget offers of that: the ends of its range, or all stops.
        step: of a slider.
        choices: what may be chosen, and what each is called.
        percent: whether a fraction is shown as a percentage.
        told: a value as text, where neither the choices nor the plain number are that; `{value}` where it is a Message.
        off: what 0 is called.
        summed: whether the values of several phases add up.
        shared: whether a link carries it.
        private: whether it may be a piece of somebody's data, or a place on somebody's computer.
    """

    key: str
    label: Message
    term: Message
    group: Group
    shown: Widget | None = None
    help: Message | None = None
    low: float | None = None
    high: float | None = None
    offered: tuple[float, ...] = ()
    step: float | None = None
    choices: Mapping[str, Message] = field(default_factory=dict)
    percent: bool = False
    told: Callable[[Any], str | Message] | Message | None = None
    off: Message | None = None
    summed: bool = False
    shared: bool = True
    private: bool = False

    def text(self, value: Any) -> Message:
        """A value as a reader sees it; different values have different texts."""
        if value in self.choices:
            return self.choices[value]
        if isinstance(value, bool):
            return YES if value else NO
        if self.off and value == 0:
            return self.off
        if isinstance(self.told, Message):
            return dataclasses.replace(self.told, values={"value": number(value)})
        if self.told:
            found = self.told(value)
            return found if isinstance(found, Message) else _as_is(found)
        if self.percent:
            return _as_is(f"{number(100 * value)} %")
        return _as_is(value if isinstance(value, str) else number(value))


@dataclass(frozen=True)
class Declared:
    """A setting and where it stands in a config."""

    path: tuple[str, ...]
    setting: Setting
    kind: type  # int, float, bool or str
    repeated: bool  # once a phase

    def of(self, config: Any) -> tuple[Any, ...]:
        """Its values: one, or one a phase."""
        found = [config]
        for name in self.path:
            found = [getattr(each, name) for each in found]
            if found and isinstance(found[0], tuple):
                found = list(found[0])
        return tuple(found)


@dataclass(frozen=True)
class Row:
    """One line of a table of settings."""

    name: str  # "head.dropout"
    label: Message
    values: tuple[Any, ...]  # by which two configs are compared; where all phases have the same, that alone
    texts: tuple[Message, ...]
    summed: bool = False
    private: bool = False

    def text(self, gettext: Callable[[str], str] = str) -> str:
        """What the values of all phases are, in the language of `gettext`."""
        return (" + " if self.summed else " → ").join(text.translated(gettext) for text in self.texts)


def setting(default: Any = dataclasses.MISSING, **described: Any) -> Any:
    """A field of a config with its default and what `Setting` says of it."""
    return field(default=default, metadata={"setting": Setting(**described)})


def declared(config: type) -> tuple[Declared, ...]:
    """All settings of a type of config, in the order of its fields; nested ones where their part stands."""
    return _declared(config)


@lru_cache
def _declared(config: type) -> tuple[Declared, ...]:
    found, hints = [], typing.get_type_hints(config)
    for item in dataclasses.fields(config):
        kind, described = hints[item.name], item.metadata.get("setting")
        repeated = typing.get_origin(kind) is tuple
        part = typing.get_args(kind)[0] if repeated else kind
        if described:
            plain = str if typing.get_origin(kind) is Literal else kind
            found.append(Declared((item.name,), described, plain, repeated=False))
        elif isinstance(part, type) and dataclasses.is_dataclass(part):
            found += [
                dataclasses.replace(each, path=(item.name, *each.path), repeated=repeated) for each in declared(part)
            ]
    return tuple(found)


def validate(config: Any) -> None:
    """Check every value by itself.

    Raises:
        UserError: names the setting, its value and what is allowed.
    """
    for each in declared(type(config)):
        about = each.setting
        for value in each.of(config):
            if about.choices:
                one_of(about.term, value, tuple(about.choices))
            elif each.kind in (int, float) and about.low is not None and about.high is not None:
                if each.kind is int:
                    whole(about.term, value, int(about.low), int(about.high))
                else:
                    in_range(about.term, value, about.low, about.high)


def rows(config: Any) -> list[Row]:
    """Every setting of a config with its value; two configs of one type that differ anywhere differ in some row."""
    found = []
    for each in declared(type(config)):
        about, values = each.setting, each.of(config)
        if len(set(values)) == 1 and not about.summed:
            values = values[:1]
        texts = tuple(map(about.text, values))
        found.append(Row(".".join(each.path), about.label, values, texts, about.summed, about.private))
    return found


def values(config: Any) -> dict[str, Any]:
    """A config as the values of its widgets, by their keys; those of the second phase end in 2.

    They are plain and language-neutral: a fraction in percent is a whole number.
    """
    found = {}
    for each in declared(type(config)):
        for number_, value in enumerate(each.of(config)):
            shown = round(100 * value) if each.setting.percent else each.kind(value)
            found[each.setting.key + suffix(number_)] = shown
    return found


def build(config: type, shown: Mapping[str, Any], phase: int = 0, **given: Any) -> Any:
    """A config from the values of its widgets.

    Args:
        config: its type, or that of a part of one.
        shown: as from `values`.
        phase: which phase's values are read, from 0.
        given: fields that are not read from there: phases, names, what a page shows in a way of its own.
    """
    fields, hints = dict(given), typing.get_type_hints(config)
    for item in dataclasses.fields(config):
        about = item.metadata.get("setting")
        if item.name in given:
            continue
        if about:
            value = shown[about.key + suffix(phase)]
            fields[item.name] = value / 100 if about.percent else value
        elif dataclasses.is_dataclass(hints[item.name]):
            fields[item.name] = build(hints[item.name], shown)
    return config(**fields)


def suffix(phase: int) -> str:
    """What the keys of a phase's settings end in."""
    return str(phase + 1) if phase else ""


def number(value: float) -> str:
    """1000 -> "1,000", 0.5 -> "0.5"; never so short that another number would read the same."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def rate(value: float) -> str:
    """0.00001 -> "1e-5"."""
    mantissa, _e, power = f"{value:.0e}".partition("e")
    return f"{mantissa}e{int(power)}" if float(f"{mantissa}e{power}") == value else number(value)


def named(text: str) -> Message:
    """A name that is the same in every language."""
    return _as_is(text)


def built(kind: type[Config], data: Any) -> Config:
    """Build a config, a frozen dataclass, from the plain dictionary that `dataclasses.asdict` made of one.

    Raises:
        UserError: a key is unknown or missing, or a value is of another type.
    """
    try:
        return records.build(kind, data, strict=True)
    except (ValueError, TypeError) as error:
        raise unreadable(error) from error


def unreadable(error: Exception) -> UserError:
    """That settings are not in the form that this version writes."""
    return UserError(
        message("These settings cannot be read: {reason}.", reason=str(error)),
        message("They may come from another version of the app; set the experiment up again."),
    )


def in_range(name: Message, value: float, low: float, high: float) -> None:
    """Check one setting.

    Raises:
        UserError: it is no number, or none from `low` to `high`.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        raise UserError(
            message("The setting {name} is {value}.", name=name, value=repr(value)),
            message("Choose a number from {low} to {high}.", low=low, high=high),
        )


def whole(name: Message, value: int, low: int, high: int) -> None:
    """Check that a setting is a whole number from `low` to `high`.

    Raises:
        UserError: it is not.
    """
    in_range(name, value, low, high)
    if value != int(value):
        raise UserError(
            message("The setting {name} is {value}.", name=name, value=repr(value)),
            message("Choose a whole number from {low} to {high}.", low=low, high=high),
        )


def one_of(name: Message, value: str, allowed: tuple[str, ...]) -> None:
    """Check that a setting is one of those that there are.

    Raises:
        UserError: it is not.
    """
    if value not in allowed:
        raise UserError(
            message("The setting {name} is {value}.", name=name, value=repr(value)),
            message("Choose one of: {allowed}.", allowed=list(allowed)),
        )


def _as_is(text: str) -> Message:
    return Message("{text}", {"text": text})
