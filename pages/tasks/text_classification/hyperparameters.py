"""The widgets that say how training goes: phases, rates, head, split, precision."""

import streamlit as st

from pages.tasks.text_classification import settings
from pages.ui.fields import SAVED
from pages.ui.i18n import _

draw = settings.FIELDS.draw


def choose_training() -> None:
    """One phase or two; epochs, rate and optimizer of each."""
    plan = st.segmented_control(
        _("Phases"),
        ["one", "two"],
        format_func={"one": _("One phase"), "two": _("Two: head first, then fine-tune")}.__getitem__,
        key=f"{settings.PREFIX}plan",
        required=True,
        on_change=settings.choose_plan,
        help=_("A fresh head makes large errors at first. Training it alone before thawing blocks protects them."),
        **SAVED,
    )
    if plan == "two":
        st.markdown(_("**Phase 1: the head**, all blocks frozen"))
        _phase("")
        st.markdown(_("**Phase 2: fine-tuning** above the line"))
        _phase("2")
    else:
        _phase("")


def choose_the_rest() -> None:
    """Head, texts and machine settings that most people leave alone."""
    head, texts, machine = st.columns(3, gap="medium")
    groups = (
        (head, _("**Head**"), ("head",)),
        (texts, _("**Texts**"), ("data", "split")),
        (machine, _("**Training**"), ("advanced",)),
    )
    for column, heading, names in groups:
        with column:
            st.markdown(heading)
            for group in names:
                for name in settings.FIELDS.group(group):
                    draw(name)


def _phase(suffix: str) -> None:
    """The widgets of one phase."""
    for name, column in zip(("epochs", "rate", "optimizer", "schedule"), st.columns([4, 6, 4, 5]), strict=True):
        draw(name + suffix, column)
