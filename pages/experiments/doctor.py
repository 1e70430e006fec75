"""What the curves of a classifier's training say of a mistake; nothing where they look sound."""

import streamlit as st

from pages.ui.i18n import together
from pages.ui.markdown import sentence
from tl_core.classification.report import Report
from tl_core.experiments import mistakes
from tl_core.runs import watch
from tl_core.runs.store import Run


def show(run: Run, made: Report) -> None:
    """The fault that the run's curves show, and its remedy."""
    found = mistakes.diagnosed(watch.history(run), made)
    if found:
        st.warning(together(sentence(found.what), sentence(found.remedy)), icon=":material/stethoscope:")
