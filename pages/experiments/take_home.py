"""What to do with a run that has ended: use its model, go on from it, compare it, take it home."""

import streamlit as st

from pages.registry import link
from pages.tasks.registry import room
from pages.ui.i18n import _
from pages.ui.session import may
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.tasks import registry


def go_on(run: Run) -> None:
    """The ways on from here, as one row of links and a menu of downloads."""
    rooms, readable = room(run.config, "take_home"), may("read", run)
    whole = registry.of(run.config).room("paths").whole(run.folder)
    has_model = readable and (whole or watch.history(run).best is not None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if has_model:
            page, words, icon = rooms.USE
            _link(page, _(words), icon, {"run": run.id})
        if run.config:
            again = room(run.config, "settings").PAGE
            _link(again, _("Train again with changes"), ":material/tune:", {"from": run.id})
        _link("runs", _("Compare"), ":material/compare_arrows:", {"compare": run.id})
        if not readable:
            return
        with st.popover(_("Take it home"), icon=":material/download:"):
            rooms.downloads(run, has_model)
            _whole_run(run)


def _link(page: str, label: str, icon: str, parameters: dict[str, str]) -> None:
    with st.container(border=True, width="content"):
        link(page, label=label, icon=icon, **parameters)


def _whole_run(run: Run) -> None:
    st.link_button(_("The whole run (.zip)"), f"tl/run/{run.id}", icon=":material/folder_zip:", width="stretch")
    st.caption(_("Settings, event log, reports and model, without checkpoints."))
