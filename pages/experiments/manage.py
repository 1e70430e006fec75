"""Open, rename, tag, download or delete the selected runs."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.experiments.listing import Listed
from pages.registry import link
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.runs import store
from tl_core.runs.store import ACTIVE, Run


def show_actions(lines: Sequence[Listed]) -> None:
    """What can be done with the selected runs, as one row of buttons."""
    if error := st.session_state.pop("manage_error", None):
        st.error(problem(error), icon=":material/error:")
    single = lines[0].run if len(lines) == 1 else None
    with st.container(horizontal=True):
        if single:
            with st.container(border=True, width="content"):
                link("run", label=_("Open"), icon=":material/open_in_new:", run=single.id)
            if may("change", single):
                with st.popover(_("Rename and tag"), icon=":material/edit:"):
                    _rename(single)
            if may("read", single):
                st.link_button(_("Download (.zip)"), f"tl/run/{single.id}", icon=":material/folder_zip:")
        doomed = [line.run for line in lines if may("change", line.run) and line.status not in ACTIVE]
        if doomed:
            with st.popover(_("Delete"), icon=":material/delete:"):
                _delete(doomed, kept=len(lines) - len(doomed))


def _rename(run: Run) -> None:
    with st.form(f"rename_{run.id}", border=False):
        st.text_input(_("Name"), run.name, max_chars=80, key=f"name_{run.id}")
        st.text_input(
            _("Tags"), ", ".join(run.tags), key=f"tags_{run.id}", help=_("Up to ten words, separated by commas.")
        )
        st.form_submit_button(_("Save"), type="primary", on_click=_attempt, args=(_renamed, run.id))


def _renamed(run_id: str) -> None:
    store.rename(run_id, st.session_state[f"name_{run_id}"])
    store.tag(run_id, st.session_state[f"tags_{run_id}"].replace("，", ",").replace("、", ",").split(","))


def _delete(doomed: Sequence[Run], kept: int) -> None:
    st.markdown(
        _("Delete {name} with its model and reports? This cannot be undone.").format(name=plain(doomed[0].name))
        if len(doomed) == 1
        else _("Delete {n} runs with their models and reports? This cannot be undone.").format(n=len(doomed))
    )
    if kept:
        st.caption(
            ngettext(
                "{n} selected run stays: it is active or somebody else's.",
                "{n} selected runs stay: they are active or somebody else's.",
                kept,
            ).format(n=kept)
        )
    st.button(
        _("Delete for good"),
        key="manage_delete",
        type="primary",
        icon=":material/delete_forever:",
        on_click=_attempt,
        args=(_deleted, [run.id for run in doomed]),
    )


def _deleted(runs: Sequence[str]) -> None:
    for run in runs:
        if may("change", store.get(run)):
            store.delete(run)


def _attempt(action: Callable[..., None], *arguments: object) -> None:
    """Callback: do it, or keep what went wrong for the page to say."""
    try:
        action(*arguments)
    except UserError as error:
        st.session_state["manage_error"] = error
