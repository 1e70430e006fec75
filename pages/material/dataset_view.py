"""What a dataset is like: figures, warnings, its classes, and what was not taken."""

from collections import defaultdict

import streamlit as st

from pages.components.class_table import ClassRow, class_table
from pages.components.image_grid import address
from pages.ui.i18n import _, ngettext, show
from pages.ui.markdown import plain, sentence
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset, DatasetSummary
from tl_core.images.data.report import DatasetReport, dataset_report

EXAMPLES = 6  # pictures beside each class
LISTED = 2_000  # files that were not taken, in the table


@st.cache_data(max_entries=16, show_spinner=False)
def report(dataset_id: str) -> DatasetReport:
    """The report of one state of a dataset; states never change."""
    return dataset_report(datasets.load(dataset_id))


def figures(summary: DatasetSummary, seen: DatasetReport) -> None:
    """What there is, in a row of numbers."""
    with st.container(horizontal=True, gap="medium"):
        room = _("They take {size} MB on the server's disk.").format(size=f"{summary.bytes / 1e6:,.1f}")
        st.metric(_("Pictures"), f"{seen.images:,}", width="content", help=room)
        st.metric(_("Classes"), f"{len(seen.classes):,}", width="content")
        if seen.sizes:
            size = f"{seen.sizes.width[1]} × {seen.sizes.height[1]} px"
            spread = _("Width {width}, height {height} px. Larger pictures were made smaller on the way in.").format(
                width=f"{seen.sizes.width[0]}–{seen.sizes.width[2]}",
                height=f"{seen.sizes.height[0]}–{seen.sizes.height[2]}",
            )
            st.metric(_("Median size"), size, width="content", help=spread)
        st.metric(
            _("Copies"),
            f"{seen.spare_copies:,}",
            width="content",
            help=_("Pictures with exactly the same content as another one."),
        )
        st.metric(
            _("Not taken"),
            f"{len(seen.rejected):,}",
            width="content",
            help=_("Files that are damaged or no pictures; the reasons are listed below."),
        )


def remarks(seen: DatasetReport) -> None:
    """What a teacher would say about it."""
    for notice in seen.notices:
        st.info(sentence(notice), icon=":material/info:")
    for warning in seen.warnings:
        st.warning(sentence(warning), icon=":material/warning:")


def classes(dataset: Dataset, seen: DatasetReport) -> None:
    """How many pictures each class has, and what they look like."""
    members = defaultdict(list)
    for image in dataset.images:
        members[image.label].append(image)
    rows = []
    for label, count in enumerate(seen.classes):
        step = max(1, len(members[label]) // EXAMPLES)
        examples = members[label][::step][:EXAMPLES]
        pictures = [address(dataset, image, 96) for image in examples]
        rows.append(ClassRow(count.name, [("images", count.images)], pictures))
    class_table(rows, [("images", _("Pictures"))], label=_("Pictures of each class"), key="view_classes")
    st.caption(_classes_reading(seen))


def _classes_reading(seen: DatasetReport) -> str:
    filled = sorted((count.images, count.name) for count in seen.classes if count.images)
    if len(filled) < 2:
        return _("A classifier needs at least two classes.")
    (low, small), (high, large) = filled[0], filled[-1]
    if low == high:
        return _("Every class has {n} pictures: none is favoured.").format(n=f"{low:,}")
    return _("{large} has the most pictures ({high}), {small} the fewest ({low}).").format(
        large=plain(large), high=f"{high:,}", small=plain(small), low=f"{low:,}"
    )


def not_taken(seen: DatasetReport) -> None:
    """The refused files: how many for each reason, and each by its name."""
    if not seen.rejected:
        return
    title = ngettext("{n} file was not taken", "{n} files were not taken", len(seen.rejected))
    with st.expander(title.format(n=f"{len(seen.rejected):,}"), icon=":material/block:"):
        st.markdown(
            "\n".join(f"- **{refused.count:,}** × {sentence(refused.reason)}" for refused in seen.refused),
        )
        listed = seen.rejected[:LISTED]
        st.dataframe(
            {_("File"): [key for key, _reason in listed], _("Reason"): [show(reason) for _key, reason in listed]},
            hide_index=True,
            height=min(320, 38 + 35 * len(listed)),
        )
        if len(seen.rejected) > LISTED:
            st.caption(_("The first {n} are listed.").format(n=f"{LISTED:,}"))
