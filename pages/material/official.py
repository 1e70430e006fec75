"""Sets that are downloaded from their official homes: a card for each, and what to do without a network."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import streamlit as st

from pages.ui.i18n import _
from pages.ui.markdown import sentence
from pages.ui.reachable import reachable
from tl_core.base import archives
from tl_core.base.archives import Archive
from tl_core.base.messages import Message

PATIENCE = 2.0  # seconds that the page waits, when all else is drawn, to hear whether there is a network


class Sample(Protocol):
    """What a person wants to know of a set before downloading it."""

    @property
    def key(self) -> str:
        """Its name on the command line."""

    @property
    def title(self) -> Message:
        """As people call it."""

    @property
    def about(self) -> Message:
        """What it is."""

    @property
    def licence(self) -> Message:
        """On which terms."""

    @property
    def home(self) -> str:
        """A page about it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def size(self) -> int:
        """Bytes to download."""

    @property
    def archives(self) -> Sequence[Archive]:
        """What is downloaded."""


def here(row: Sample) -> bool:
    """Whether it can be brought in without a network."""
    return all(archives.cached(archive) for archive in row.archives)


def cards(rows: Sequence[Sample], key: str, alternatives: str, bring_in: Callable[..., object], *args: Any) -> None:
    """What each is, its licence, and the button that calls `bring_in(row, *args)`.

    Args:
        alternatives: a sentence on what needs no network, for a warning where there is none.
    """
    warning = st.container()
    with st.grid(2, min_column_width=300):
        for row in rows:
            with st.container(border=True, height="stretch", gap="small"):
                _card(row, key, bring_in, args)
    missing = [row for row in rows if not here(row)]
    if missing and reachable(archives.url(missing[0].archives[0]), PATIENCE) is False:
        warning.warning(
            _(
                "The official homes cannot be reached from here, so nothing can be downloaded now. {alternatives} "
                "Where there is a network, `python -m tl_core fetch --samples {name}` fetches a set beforehand."
            ).format(alternatives=alternatives, name=missing[0].key),
            icon=":material/wifi_off:",
        )


def _card(row: Sample, key: str, bring_in: Callable[..., object], args: tuple[Any, ...]) -> None:
    ready = here(row)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{sentence(row.title)}**", width="content")
        if ready:
            st.badge(_("On this computer"), icon=":material/check_circle:", color="green")
        else:
            size = f"{row.size / 1e6:.0f}" if row.size >= 10e6 else f"{row.size / 1e6:.1f}"
            st.badge(_("{size} MB").format(size=size), icon=":material/download:", color="gray")
    st.markdown(sentence(row.about))
    st.caption(_("Classes: {names}").format(names=", ".join(row.classes)))
    st.caption(f":material/license: {sentence(row.licence)} [{_('Home page')}]({row.home})")
    st.space("stretch")
    st.button(
        _("Bring in") if ready else _("Download and bring in"),
        key=f"{key}_sample_{row.key}",
        icon=":material/add_circle:" if ready else ":material/download:",
        on_click=bring_in,
        args=(row, *args),
    )
