"""Whose is what in lists: the reader's own things come first; those of others are marked and never the default."""

from collections.abc import Iterable
from typing import TypeVar

from pages.ui.i18n import _
from pages.ui.session import person
from tl_core.runs import people
from tl_core.runs.people import Owned

Thing = TypeVar("Thing", bound=Owned)


def own_first(things: Iterable[Thing]) -> list[Thing]:
    """The reader's own things, then those of others; each group in its order."""
    reader = person()
    return sorted(things, key=lambda thing: not people.mine(reader, thing))


def own(things: Iterable[Thing]) -> list[Thing]:
    """The reader's own things alone."""
    reader = person()
    return [thing for thing in things if people.mine(reader, thing)]


def marked(parts: Iterable[str], thing: Owned) -> str:
    """What a list says of a thing, joined by dots, and whether it is somebody else's."""
    others = [] if people.mine(person(), thing) else [_("from somebody else")]
    return " · ".join([*parts, *others])
