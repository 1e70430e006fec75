"""What a run learns from, as a reader may know of it: its name, unless it has been deleted or is private."""

import streamlit as st

from pages.ui.i18n import _, show
from pages.ui.session import may
from tl_core.runs.store import Run
from tl_core.tasks import registry


def short(run: Run) -> str:
    """In a list."""
    return _called(run, _("deleted"))


def title(run: Run) -> str:
    """In a sentence of facts."""
    return _called(run, show(registry.of(run.config).room("material").GONE))


def name(run: Run) -> str | None:
    """What it is called; None where it has been deleted."""
    task = registry.of(run.config)
    return _names(task.kind, task.room("material").id(run.config), run.config)


def _called(run: Run, gone: str) -> str:
    if run.config is None:
        return ""
    known = name(run)
    if known and not may("read", run):
        return _("a private text")
    return known or gone


@st.cache_data(ttl=300, max_entries=256, show_spinner=False)
def _names(kind: str, id: str, _config: registry.Config) -> str | None:
    """Looked up once for all runs that learn from the same."""
    return registry.of(_config).room("material").name(_config)
