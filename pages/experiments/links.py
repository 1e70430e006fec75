"""Settings as the parameters of a link, and back."""

from collections.abc import Collection, Mapping
from typing import Any

from tl_core.base.errors import UserError
from tl_core.base.messages import message


def parameters(shown: Mapping[str, Any], default: Mapping[str, Any], always: Collection[str] = ()) -> dict[str, str]:
    """The values that differ from the defaults, and some always, as text."""
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in shown.items()
        if value != default[name] or name in always
    }


def values(parameters: Mapping[str, str], default: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with what a link says instead; each value is of its default's type.

    Raises:
        UserError: a value cannot be read.
    """
    shown = dict(default)
    for name, value in default.items():
        if name in parameters:
            try:
                said = parameters[name]
                shown[name] = said == "True" if isinstance(value, bool) else type(value)(said)
            except ValueError as error:
                raise unreadable(name) from error
    return shown


def unreadable(name: str) -> UserError:
    """What is said of a link that says something impossible."""
    return UserError(
        message("The link does not say {name} in a way this app understands.", name=name),
        message("Choose the settings on this page instead."),
    )
