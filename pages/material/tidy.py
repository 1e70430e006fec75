"""Put a dataset in order, a class at a time or picture by picture: remove, give another class, undo."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.components.image_grid import image_grid
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import plain, problem
from pages.ui.session import choose_dataset
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset, ImageRecord
from tl_core.images.data.report import DatasetReport

PAGE = 60  # pictures shown at once
ALL, COPIES = "*", "="  # choices beside the classes; no class is called so


def look_through(dataset: Dataset, seen: DatasetReport, *, editable: bool) -> None:
    """A class at a time or all together, page by page, with what can be done to the chosen pictures.

    Args:
        dataset: in its present state.
        seen: its report.
        editable: whether the reader may change it; else they may only look.
    """

    @st.fragment
    def view() -> None:
        _after_a_click()
        wanted = _choose_class(dataset, seen)
        images = _wanted(dataset, seen, wanted)
        pages = max(1, -(-len(images) // PAGE))
        page = st.session_state.get(f"tidy_page {wanted}", 1)
        page = page if page <= pages else 1
        shown = images[(page - 1) * PAGE : page * PAGE]
        actions = st.container(gap="small")
        selected = image_grid(
            dataset,
            shown,
            classes=wanted in (ALL, COPIES),
            label=_("Pictures to choose from"),
            key=f"tidy_grid {dataset.id} {wanted} {page}",
        )
        if pages > 1:
            st.pagination(pages, key=f"tidy_page {wanted}")
        if editable:
            with actions:
                copies = [group for group in seen.copies if not group.across_classes] if wanted == COPIES else []
                _actions(dataset, selected, "tidy", spare=[key for group in copies for key in group.keys[1:]])
        else:
            actions.caption(_("Somebody else brought these pictures in: you can look at them and train on them."))

    view()


def put_right(
    dataset: Dataset, shown: Sequence[ImageRecord], captions: Mapping[str, str], likely: Mapping[str, str], key: str
) -> None:
    """Some pictures of which something is said, and what can be done to the chosen ones.

    Args:
        dataset: in its present state; the reader may change it.
        shown: the pictures, in order.
        captions: what is said of each, by its key.
        likely: the class that each may rather be of, likewise.
        key: of the widgets.
    """

    @st.fragment
    def view() -> None:
        _after_a_click()
        actions = st.container(gap="small")
        label = _("Pictures to choose from")
        grid = f"{key}_grid {dataset.id}"
        selected = image_grid(dataset, shown[:PAGE], classes=True, label=label, key=grid, captions=captions)
        with actions:
            _actions(dataset, selected, key, likely=likely)

    view()


def _after_a_click() -> None:
    """Draw the whole page anew where something has been changed, or say why nothing could be."""
    if st.session_state.pop("tidy_changed", False):
        st.rerun()
    if error := st.session_state.pop("tidy_error", None):
        st.error(problem(error), icon=":material/error:")


def _choose_class(dataset: Dataset, seen: DatasetReport) -> str:
    names = {ALL: _("All")}
    names |= {str(label): f"{count.name} ({count.images:,})" for label, count in enumerate(seen.classes)}
    if seen.copies:
        names[COPIES] = _("Copies ({n})").format(n=f"{sum(len(group.keys) for group in seen.copies):,}")
    if st.session_state.get("tidy_class") not in names:
        st.session_state["tidy_class"] = ALL
    if len(names) <= 12:
        shown = {name: plain(text) for name, text in names.items()}
        st.segmented_control(
            _("Show"), list(names), format_func=shown.__getitem__, key="tidy_class", required=True, wrap=True
        )
    else:
        st.selectbox(_("Show"), list(names), format_func=names.__getitem__, key="tidy_class")
    return st.session_state["tidy_class"]


def _wanted(dataset: Dataset, seen: DatasetReport, wanted: str) -> Sequence[ImageRecord]:
    if wanted == ALL:
        return dataset.images
    if wanted == COPIES:
        by_key = {image.key: image for image in dataset.images}
        return [by_key[key] for group in seen.copies for key in group.keys if key in by_key]
    return [image for image in dataset.images if image.label == int(wanted)]


def _actions(
    dataset: Dataset,
    selected: list[str],
    key: str,
    likely: Mapping[str, str] | None = None,
    spare: Sequence[str] = (),
) -> None:
    """What can be done to the chosen pictures; with nothing chosen, how to choose.

    Args:
        key: of the widgets.
        likely: the class that a picture may rather be of, by its key.
        spare: keys of copies that can be removed at once.
    """
    count = len(selected)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if likely:
            st.button(
                _("Relabel as suggested"),
                key=f"{key}_likely",
                icon=":material/new_label:",
                disabled=not count,
                on_click=_change,
                args=(_relabel_each, dataset, {chosen: likely[chosen] for chosen in selected}),
            )
        st.button(
            ngettext("Remove {n} picture", "Remove {n} pictures", count).format(n=count) if count else _("Remove"),
            key=f"{key}_remove",
            icon=":material/delete:",
            disabled=not count,
            on_click=_change,
            args=(datasets.remove, dataset, selected),
        )
        name = st.selectbox(
            _("Another class"),
            dataset.classes,
            index=None,
            key=f"{key}_target",
            accept_new_options=True,
            placeholder=_("Choose or type a class"),
            disabled=not count,
            width=220,
        )
        st.button(
            _("Relabel"),
            key=f"{key}_relabel",
            icon=":material/label:",
            disabled=not count or not name,
            on_click=_change,
            args=(datasets.relabel, dataset, selected, name),
        )
        st.button(
            _("Undo"),
            key=f"{key}_undo",
            icon=":material/undo:",
            disabled=not datasets.can_undo(dataset),
            on_click=_change,
            args=(datasets.undo, dataset),
        )
        if spare:
            st.button(
                ngettext("Keep one of each, remove {n}", "Keep one of each, remove {n}", len(spare)).format(
                    n=len(spare)
                ),
                key=f"{key}_spare",
                icon=":material/filter_none:",
                on_click=_change,
                args=(datasets.remove, dataset, spare),
                help=_("Copies that lie in two classes stay: which one is right is for you to say."),
            )
    if count:
        st.caption(ngettext("{n} picture is chosen.", "{n} pictures are chosen.", count).format(n=count))
    else:
        st.caption(_("Click pictures to choose them, Shift-click for a whole row; removing can be undone."))


def _relabel_each(dataset: Dataset, classes: Mapping[str, str]) -> Dataset:
    """Give each picture a class of its own, by its key; an edit a class."""
    for name in sorted(set(classes.values())):
        dataset = datasets.relabel(dataset, [key for key, wanted in classes.items() if wanted == name], name)
    return dataset


def _change(edit: Callable[..., Dataset], dataset: Dataset, *arguments: object) -> None:
    """Callback: edit the dataset, and have the whole page drawn anew."""
    try:
        choose_dataset(edit(dataset, *arguments).id)
        st.session_state["tidy_changed"] = True
    except UserError as error:
        st.session_state["tidy_error"] = error
