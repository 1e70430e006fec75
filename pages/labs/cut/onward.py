"""Where the curve leads: to the Train page with the boundary that was chosen, to a file, to somebody else."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.experiments import manage
from pages.experiments.listing import Listed, Results
from pages.registry import go, link
from pages.tasks.registry import room
from pages.ui.i18n import _
from pages.ui.session import mine
from tl_core.base.events import Trial
from tl_core.labs.cut import found
from tl_core.labs.cut.config import CutConfig
from tl_core.runs import store
from tl_core.runs.store import Run
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


def take_along(run: Run, trials: Sequence[Trial]) -> None:
    """The trials as a file, the experiment as a link, and what can be done with it."""
    config = run.config
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            _("All probes (.csv)"),
            found.table(config, trials),
            f"probes-{run.id}.csv",
            "text/csv",
            key="cut_csv",
            icon=":material/table:",
        )
        with st.popover(_("Share this experiment"), icon=":material/link:"):
            st.caption(_("Whoever opens this link sees this experiment."))
            address = str(st.context.url or "").split("?")[0]
            st.code(f"{address}?run={run.id}", language=None, wrap_lines=True)
        link("cut", label=_("Another experiment"), icon=":material/add:")
    with st.expander(_("Rename, tag, download or delete"), icon=":material/folder_managed:"):
        manage.show_actions([Listed(run, store.status(run), mine(run), Results(None, {}))])
