"""What labelled texts are like for one encoder: classes, lengths, copies, what is cut off, and what was not taken."""

import streamlit as st

from pages.components.class_table import ClassRow, class_table
from pages.ui.i18n import _, ngettext
from pages.ui.markdown import sentence
from pages.ui.tables import table
from tl_core.text.data.labelled_report import LabelledReport

MOST = 20  # rows of a table


def figures(seen: LabelledReport, limit: int) -> None:
    """The figures, and what should be known before training.

    Args:
        seen: the report.
        limit: tokens that the encoder reads of a text.
    """
    training, validation = (sum(getattr(each, part) for each in seen.classes) for part in ("training", "validation"))
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Classes"), len(seen.classes), width="content")
        st.metric(_("Texts to train on"), f"{training:,}", width="content")
        st.metric(_("Texts to validate"), f"{validation:,}", width="content")
        if seen.lengths:
            st.metric(
                _("Tokens of the middle text"),
                f"{seen.lengths.median:,}",
                width="content",
                help=_("The pieces in which this encoder reads. The longest text has {n}.").format(
                    n=f"{seen.lengths.longest:,}"
                ),
            )
            st.metric(
                _("Cut texts"),
                f"{seen.lengths.cut:,}",
                width="content",
                help=_("Longer than {n} tokens: their end is not seen.").format(n=limit),
            )
        else:
            st.metric(_("Characters of the middle text"), f"{seen.characters:,}", width="content")
        st.metric(
            _("Copied texts"),
            f"{sum(each.count - 1 for each in seen.copies):,}",
            width="content",
            help=_("The same but for spaces and capitals; copies always stay in one part."),
        )
    for warning in seen.warnings:
        st.warning(sentence(warning), icon=":material/warning:")
    if seen.rejected:
        count = len(seen.rejected)
        st.warning(
            ngettext("{n} line or file was not taken.", "{n} lines or files were not taken.", count).format(n=count),
            icon=":material/warning:",
        )


def look_inside(seen: LabelledReport) -> None:
    """Each class with one of its texts, and lists of what is odd."""
    parts = [("train", _("Training")), ("validation", _("Validation")), ("test", _("Test"))]
    rows = [
        ClassRow(each.name, [("train", each.training), ("validation", each.validation), ("test", each.test)])
        for each in seen.classes
    ]
    class_table(rows, parts, label=_("Texts of each class in each part"), key="labelled_classes")
    with st.expander(_("Look into the texts"), icon=":material/menu_book:", key="labelled_inside"):
        table(
            [_("Class"), _("One of its texts")],
            [[each.name, each.example[:400]] for each in seen.classes],
            label=_("A text of each class"),
        )
        if seen.copies:
            table(
                [_("Copied text"), _("How often"), _("In several classes")],
                [
                    [each.text, f"{each.count:,}", _("yes") if each.across_classes else _("no")]
                    for each in seen.copies[:MOST]
                ],
                label=_("Copied texts"),
            )
        if seen.rejected:
            table(
                [_("Line or file"), _("Why it was not taken")],
                [[where, reason.translated(_)] for where, reason in seen.rejected[:MOST]],
                label=_("What was not taken"),
            )
