"""Checks of settings: each names the setting, its value and what is allowed."""

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message


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
