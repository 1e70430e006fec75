"""Predict, observe, explain: a guess before anything is known, which then stands beside what came out."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.ui.i18n import _
from tl_core.experiments.groups import Guess, Lab


def ask(
    lab: Lab, question: str, arms: Mapping[str, str], how_much: str, unit: str, most: int, usual: int
) -> Guess | None:
    """Ask which wins, and by how much; None as long as nothing is chosen.

    Args:
        lab: whose keys the widgets have.
        question: which one wins?
        arms: what can be chosen, and what it is called.
        how_much: by how much?
        unit: of the amount.
        most, usual: the greatest amount that can be guessed, and the one that the slider begins with.
    """
    with st.container(border=True):
        st.markdown(
            ":material/psychology: " + _("**Guess first.** What you expect stays in the picture, and is scored.")
        )
        which, amount = st.columns(2)
        arm = which.segmented_control(
            question, list(arms), format_func=arms.__getitem__, key=f"{lab}_guess_arm", wrap=True
        )
        said = amount.slider(
            how_much, 0, most, usual, format="%d " + unit.replace("%", "%%"), key=f"{lab}_guess_amount"
        )
    return Guess(arm, float(said)) if arm else None


def ask_amount(lab: Lab, question: str, offered: Sequence[int]) -> Guess | None:
    """Ask for a number alone; None as long as nothing is chosen. The guess is of the frozen way."""
    with st.container(border=True):
        st.markdown(
            ":material/psychology: " + _("**Guess first.** What you expect stays in the picture, and is scored.")
        )
        said = st.segmented_control(question, list(offered), key=f"{lab}_guess_arm", wrap=True)
    return None if said is None else Guess("frozen", float(said))


def forget(lab: Lab) -> None:
    """The next experiment is guessed anew; in a callback."""
    st.session_state[f"{lab}_guess_arm"] = None
