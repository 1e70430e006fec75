"""What the curves of a classifier's training say of a mistake; nothing where they look sound."""

import streamlit as st

from pages.ui.i18n import together
from pages.ui.markdown import sentence
from tl_core.classification.report import Report
from tl_core.experiments import mistakes
from tl_core.labs.mistakes import Finding
from tl_core.runs import watch
from tl_core.runs.history import History
from tl_core.runs.store import Run


def show(run: Run, made: Report) -> None:
    """The fault that the run's curves show, and its remedy."""
    _tell(mistakes.diagnosed(watch.history(run), made))


def show_early(history: History, classes: int | None) -> None:
    """The fault that shows already while the run goes on; None: nobody knows any more how many classes there are."""
    if classes:
        _tell(mistakes.diagnosed_early(history, classes))


def _tell(found: Finding | None) -> None:
    if found:
        st.warning(together(sentence(found.what), sentence(found.remedy)), icon=":material/stethoscope:")
