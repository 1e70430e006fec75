"""Race: from scratch, frozen, head first, all at once, on the same data; guessed beforehand, watched live, judged."""

import streamlit as st

from pages.labs import group, ways
from pages.labs import race as drawing
from pages.ui.i18n import _
from tl_core.experiments import race


def introduce():
    """What it is about."""
    st.title(_("Race"), anchor=False)
    st.markdown(
        _(
            "What is transfer worth here? The same network learns the same data in several ways: frozen below a new "
            "head, with all its weights, and from scratch. Same examples, same seeds; you see who wins, what it costs, "
            "and whether it is more than chance."
        )
    )


def prepare():
    """Choose data and settings, guess, start."""
    ways.set_up("race", _("Race"), _("Which way wins?"), race.start)


group.page("race", introduce, prepare, drawing)
