"""The datasets that are there: choose one, rename it, delete it."""

import streamlit as st

from pages.material.busy import busy
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.session import choose_dataset, current_dataset, may
from pages.ui.whose import marked, own, own_first
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import DatasetSummary

ADDRESS = "dataset"  # the address's parameter that names the dataset


def known() -> list[DatasetSummary]:
    """All datasets: the reader's own first, each group newest first."""
    return own_first(datasets.available())


def chosen(summaries: list[DatasetSummary]) -> DatasetSummary | None:
    """The dataset that the session or the address names, else the reader's own newest; None if there is none."""
    by_folder = {folder(summary.id): summary for summary in summaries}
    for wanted in (current_dataset(), st.query_params.get(ADDRESS, "")):
        if summary := by_folder.get(folder(wanted)):
            return summary
    return next(iter(own(summaries)), None)


def chooser(summaries: list[DatasetSummary], now: DatasetSummary | None) -> None:
    """The list, and beside it what can be done to the chosen dataset; None: all are of others, none is chosen yet."""
    names = {folder(summary.id): described(summary) for summary in summaries}
    st.session_state["shelf_chosen"] = folder(now.id) if now else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            _("Dataset"),
            list(names),
            format_func=names.__getitem__,
            key="shelf_chosen",
            on_change=lambda: choose_dataset(st.session_state["shelf_chosen"]),
            index=0 if now else None,
            placeholder=_("Choose pictures that somebody else brought in"),
            width="stretch",
        )
        if now and may("change", now):
            with st.popover(_("Rename"), icon=":material/edit:", key="shelf_rename"):
                _rename(now)
            with st.popover(_("Delete"), icon=":material/delete:", key="shelf_delete"):
                _delete(now)
    if error := st.session_state.pop("shelf_error", None):
        st.error(problem(error), icon=":material/error:")


def _rename(now: DatasetSummary) -> None:
    name = st.text_input(_("Name"), value=now.name, max_chars=120, key=f"shelf_name {now.id} {now.name}")

    def save() -> None:
        try:
            datasets.rename(now.id, name)
        except UserError as error:
            st.session_state["shelf_error"] = error

    st.button(_("Save"), key="shelf_save", type="primary", icon=":material/check:", on_click=save)


def _delete(now: DatasetSummary) -> None:
    st.markdown(
        ngettext(
            "Delete **{name}** with its {n} picture for good?",
            "Delete **{name}** with its {n} pictures for good?",
            now.images,
        ).format(name=plain(now.name), n=f"{now.images:,}")
    )
    st.caption(_("Runs that were trained on it keep their curves, reports and models."))

    def delete() -> None:
        if run := busy(folder(now.id)):
            st.session_state["shelf_busy"] = run.name
            return
        try:
            datasets.delete(now.id)
            choose_dataset("")
            st.query_params.pop(ADDRESS, None)
        except UserError as error:
            st.session_state["shelf_error"] = error

    st.button(_("Delete for good"), key="shelf_delete_now", type="primary", icon=":material/delete:", on_click=delete)
    if name := st.session_state.pop("shelf_busy", None):
        st.error(_("The run {name} is working with these pictures. Stop it first.").format(name=plain(name)))


def described(summary: DatasetSummary) -> str:
    """What a list says of a dataset."""
    pictures = ngettext("{n} picture", "{n} pictures", summary.images).format(n=f"{summary.images:,}")
    classes = ngettext("{n} class", "{n} classes", len(summary.classes)).format(n=len(summary.classes))
    return marked([summary.name, pictures, classes], summary)


def folder(dataset_id: str) -> str:
    """What all states of a dataset share, of the id of any."""
    return dataset_id.split("@")[0]
