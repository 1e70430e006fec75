"""Head first? A frozen network, head before all weights, all at once: on pictures as they are, and on changed ones."""

import streamlit as st

from pages.labs import group, ways
from pages.labs import shift as drawing
from pages.ui.i18n import _
from tl_core.experiments import shift


def introduce():
    """What it is about."""
    st.title(_("Head first?"), anchor=False)
    st.markdown(
        _(
            "Below a new head that knows nothing yet, training may spoil what the network has brought along. Does it "
            "help to train the head alone first? Each way is tried on its validation pictures as they are, and on the "
            "same ones without colour and blurred; no way has seen such pictures in training."
        )
    )
    st.caption(
        _(
            "After [Kumar et al., 2022](https://arxiv.org/abs/2202.10054), who found that training everything at once "
            "may win on familiar pictures and lose on others. It need not be so here."
        )
    )


def prepare():
    """Choose data and settings, guess, start."""
    ways.set_up(
        "shift",
        _("Head first?"),
        _("Which way is best on changed pictures?"),
        shift.start,
        arms=shift.ARMS,
        against=shift.AT_ONCE,
        fits=shift.fits,
    )


group.page("shift", introduce, prepare, drawing)
