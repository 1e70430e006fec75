"""Where the curve leads: to the Train page with the boundary that was chosen."""

from dataclasses import replace

import streamlit as st

from pages.registry import go, link
from pages.tasks.registry import room
from pages.ui.i18n import _
from tl_core.labs.cut.config import CutConfig
from tl_core.tasks.image_classification.config import PhaseConfig, RunConfig
from tl_core.tasks.image_classification.recipes import PRESETS

_CHOSEN = "cut_chosen"


def experiment(config: CutConfig, frozen: int) -> RunConfig:
    """A training with so many blocks frozen on the same pictures; where some adapt, the head learns first."""
    quick = replace(PRESETS["quick"].template, data=config.data, backbone=config.backbone)
    if frozen == len(config.places):
        return quick
    return replace(
        quick,
        phases=(PhaseConfig(-1, 5, 1e-3, "adam", "head"), PhaseConfig(frozen, 8, 1e-4, "adam", "fine-tuning")),
    )


def _filled_in(config: CutConfig, frozen: int) -> dict[str, str]:
    """The Train page's address with such a training filled in."""
    training = experiment(config, frozen)
    return room(training, "settings").link(training)


def to_training(config: CutConfig) -> None:
    """A link for each block: the same as a click on its point, for keyboards and telephones."""
    st.markdown(_("Cut behind a block: click a point, or choose it here. The Train page opens with it filled in."))
    with st.container(horizontal=True, gap="small"):
        for frozen, place in enumerate(config.places, 1):
            link("train", label=place, icon=":material/content_cut:", **_filled_in(config, frozen))


def leave_for(config: CutConfig, frozen: int) -> None:
    """Have the page lead to the Train page at its next drawing: from within its growing part it cannot."""
    st.session_state[_CHOSEN] = (config, frozen)
    st.rerun()


def leave() -> None:
    """Go where the last click on the curve leads."""
    if chosen := st.session_state.pop(_CHOSEN, None):
        go("train", **_filled_in(*chosen))
