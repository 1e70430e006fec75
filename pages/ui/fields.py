"""The widgets of settings, each drawn from the one declaration in its config; their values are language-neutral."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from tl_core.base import settings
from tl_core.base.settings import Declared, Group, Setting

SAVED = {"persist_state": "session"}  # settings survive a visit to another page
PHASES = 2  # at most, on a page


@dataclass(frozen=True)
class Told:
    """A line of a table of settings, in the reader's language."""

    label: str
    text: str
    value: Any  # by which runs are compared: the text may hide what is private


def table(config: Any, texts: Mapping[str, str], values: Mapping[str, Any] | None = None) -> list[Told]:
    """Every setting of a config.

    Args:
        config: an experiment.
        texts: what is shown instead, by the settings' full names.
        values: by what runs are compared instead, likewise.
    """
    return [
        Told(show(row.label), texts.get(row.name) or row.text(_), (values or {}).get(row.name, row.values))
        for row in settings.rows(config)
    ]


@dataclass(frozen=True)
class Fields:
    """The settings of one page in the session, by their keys; those of a second phase end in 2."""

    prefix: str  # of all keys
    config: type

    @cached_property
    def declared(self) -> Mapping[str, Declared]:
        """Where each key's setting stands."""
        return {
            each.setting.key + settings.suffix(phase): each
            for each in settings.declared(self.config)
            for phase in range(PHASES if each.repeated else 1)
        }

    def get(self, name: str) -> Any:
        """The value of one setting now."""
        return st.session_state[self.prefix + name]

    def label(self, name: str) -> str:
        """What one setting is called, in the reader's language."""
        return sentence(self.declared[name].setting.label)

    def set(self, name: str, value: Any) -> None:
        """Change one setting; before its widget is drawn, or in a callback."""
        st.session_state[self.prefix + name] = value

    def put(self, values: Mapping[str, Any]) -> None:
        """Change many, likewise."""
        for name, value in values.items():
            self.set(name, value)

    def begin(self, values: Mapping[str, Any]) -> None:
        """Give those that have no value yet these."""
        for name, value in values.items():
            st.session_state.setdefault(self.prefix + name, value)

    def unshared(self) -> Collection[str]:
        """The keys that no link carries."""
        return {name for name, each in self.declared.items() if not each.setting.shared}

    def group(self, group: Group) -> Iterator[str]:
        """The keys of a group that have a widget, once each."""
        for each in settings.declared(self.config):
            if each.setting.group == group and each.setting.shown and not each.repeated:
                yield each.setting.key

    def draw(
        self,
        name: str,
        place: DeltaGenerator | None = None,
        *,
        choices: Sequence[Any] | None = None,
        called: Callable[[Any], str] | None = None,
        high: float | None = None,
        disabled: bool = False,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """The widget of one setting.

        Args:
            name: its key.
            place: where; the page as a rule.
            choices: those that there are now, where the declaration cannot know them.
            called: what each is called, likewise.
            high: the greatest number that makes sense now; a greater one is lowered to it.
            disabled: only to be looked at.
            on_change: a callback.
        """
        each, where = self.declared[name], place or st
        about = each.setting
        label, common = (
            sentence(about.label),
            {
                "key": self.prefix + name,
                "help": sentence(about.help) if about.help else None,
                "disabled": disabled,
                "on_change": on_change,
                **SAVED,
            },
        )
        called = called or (lambda value: show(about.text(value)))
        if about.shown in ("select", "segments"):
            names = {value: called(value) for value in choices or about.choices}
            if about.shown == "select":
                where.selectbox(label, list(names), format_func=names.__getitem__, **common)
            else:
                where.segmented_control(label, list(names), format_func=names.__getitem__, required=True, **common)
        elif about.shown == "toggle":
            where.toggle(label, **common)
        elif about.shown == "line":
            where.text_input(label, max_chars=int(about.high) if about.high else None, **common)
        elif about.shown == "stops":
            names = {value: called(value) for value in sorted({*map(each.kind, about.offered), self.get(name)})}
            where.select_slider(label, list(names), format_func=names.__getitem__, **common)
        else:
            low, high = self._range(name, high)
            if about.shown == "number":
                where.number_input(label, low, high, **common)
            else:
                form = "%d %%" if about.percent else None
                where.slider(label, low, high, step=about.step, format=form, **common)

    def _range(self, name: str, high: float | None) -> tuple[Any, Any]:
        """What a widget offers: the declared range, wide enough for the value that it has."""
        each = self.declared[name]
        kind, scale = (int, 100) if each.setting.percent else (each.kind, 1)
        first, last = _ends(each.setting)
        value = self.get(name)
        if high is not None:
            last, value = high, min(value, kind(high))
            self.set(name, value)
        return min(kind(round(scale * first, 9)), value), max(kind(round(scale * last, 9)), value)


def _ends(about: Setting) -> tuple[float, float]:
    return (about.offered[0], about.offered[-1]) if about.offered else (about.low or 0, about.high or 0)
