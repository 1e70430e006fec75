"""Where the curve leads: to the page for training with the boundary that was chosen, of pictures or of texts."""

from typing import Any, Protocol

import streamlit as st

from pages.registry import go, link
from pages.tasks.registry import room
from pages.ui.i18n import _
from tl_core.tasks.registry import Config

_CHOSEN = "cut_chosen"


class Cut(Protocol):
    """What is asked of an experiment."""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the blocks, in their order."""

    def training(self, frozen: int) -> Config:
        """A training with so many blocks frozen."""


def _address(config: Cut, frozen: int) -> tuple[str, dict[str, Any]]:
    """The page for training, and its parameters with such a training filled in."""
    training = config.training(frozen)
    settings = room(training, "settings")
    return settings.PAGE, settings.link(training)


def to_training(config: Cut) -> None:
    """A link for each block: the same as a click on its point, for keyboards and telephones."""
    st.markdown(
        _("Cut behind a block: click a point, or choose it here. The page for training opens with it filled in.")
    )
    with st.container(horizontal=True, gap="small"):
        for frozen, place in enumerate(config.places, 1):
            page, filled_in = _address(config, frozen)
            link(page, label=place, icon=":material/content_cut:", **filled_in)


def leave_for(config: Cut, frozen: int) -> None:
    """Have the page lead there at its next drawing: from within its growing part it cannot."""
    st.session_state[_CHOSEN] = (config, frozen)
    st.rerun()


def leave() -> None:
    """Go where the last click on the curve leads."""
    if chosen := st.session_state.pop(_CHOSEN, None):
        page, filled_in = _address(*chosen)
        go(page, **filled_in)
