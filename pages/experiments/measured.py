"""How fast earlier runs on this computer were, for estimates."""

import socket

import streamlit as st

from tl_core.base import events
from tl_core.runs import store
from tl_core.tasks.registry import TASKS

LATEST = 20  # runs that are looked at


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def measured(kind: str) -> list:
    """The speeds of the latest runs of a task, as the room `estimate` of that task reads them out of a log."""
    task, host = TASKS[kind], socket.gethostname()
    samples = task.room("estimate").samples
    return [one for run in store.of(task)[:LATEST] for one in samples(run.config, events.read(run.log)[0], host)]
