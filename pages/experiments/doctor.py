"""What the curves of a classifier's training say of a mistake; nothing where they look sound."""

import contextlib

import streamlit as st

from pages.ui.i18n import together
from pages.ui.markdown import sentence
from tl_core.classification.report import Report
from tl_core.labs import mistakes
from tl_core.labs.curves import Curves
from tl_core.labs.mistakes import Finding
from tl_core.runs import watch
from tl_core.runs.history import History
from tl_core.runs.store import Run


def show(run: Run, made: Report) -> None:
    """The fault that the run's curves show, and its remedy."""
    found = diagnosed(watch.history(run), made)
    if found:
        st.warning(together(sentence(found.what), sentence(found.remedy)), icon=":material/stethoscope:")


def diagnosed(history: History, made: Report) -> Finding | None:
    """The fault that a run's curves show; None where they look sound, or cannot be judged.

    Args:
        made: on the validation part: how many examples there are, and how often the most frequent class.
    """
    rates = [phase.learning_rate for phase in history.phases if phase.learning_rate is not None]
    counts = [0] * len(made.classes)
    for prediction in made.predictions:
        counts[prediction.true] += 1
    if not rates or not history.epochs or not sum(counts):
        return None
    with contextlib.suppress(ValueError):  # an epoch without validation
        chance = max(counts) / sum(counts)
        return mistakes.diagnose(Curves.of(history.epochs, max(rates), len(counts), sum(counts), chance))
    return None
