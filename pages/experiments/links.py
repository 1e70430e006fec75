"""Settings as the parameters of a link, and back."""

from collections.abc import Collection, Mapping
from typing import Any

from pages.ui.fields import Fields
from tl_core.base.errors import UserError
from tl_core.base.messages import message


def parameters(
    fields: Fields, shown: Mapping[str, Any], default: Mapping[str, Any], always: Collection[str] = ()
) -> dict[str, str]:
    """The values that differ from the defaults, and some always, as text; without those that no link carries."""
    return {
        name: str(value)
        for name, value in shown.items()
        if (value != default[name] or name in always) and name not in fields.unshared()
    }


def values(fields: Fields, parameters: Mapping[str, str], default: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with what a link says instead; each value is of its default's type.

    Raises:
        UserError: a value cannot be read.
    """
    shown = dict(default)
    for name in default.keys() & parameters.keys() - fields.unshared():
        try:
            shown[name] = _read(fields, name, type(default[name]), parameters[name])
        except ValueError as error:
            raise unreadable(name) from error
    return shown


def unreadable(name: str) -> UserError:
    """What is said of a link that says something impossible."""
    return UserError(
        message("The link does not say {name} in a way this app understands.", name=name),
        message("Choose the settings on this page instead."),
    )


def _read(fields: Fields, name: str, kind: type, said: str) -> Any:
    if kind is bool:
        return {"True": True, "False": False}[said] if said in ("True", "False") else bool(int(said))
    if kind is str and name in fields.declared and len(said) > (fields.declared[name].setting.high or len(said)):
        raise ValueError("it is too long")
    return kind(said)
