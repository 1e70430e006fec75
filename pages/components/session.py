"""Who is looking, and with which pictures they work: no accounts, a random id in a cookie."""

import ipaddress
import os
import secrets

import streamlit as st
from streamlit import config as server

from tl_core.data import dataset as datasets
from tl_core.errors import UserError
from tl_core.runs.store import Run

COOKIE = "tl_visitor"
_DATASET = "session_dataset"


def owner() -> str:
    """The visitor's random id; the same in all tabs of a browser."""
    if cookie := st.context.cookies.get(COOKIE):
        return cookie
    return st.session_state.setdefault("session_owner", secrets.token_hex(8))


def is_local() -> bool:
    """Whether only this computer can reach the server, so that paths on its disk are the reader's own."""
    address = server.get_option("server.address") or ""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def data_root() -> str | None:
    """The folder below which visitors may choose datasets on the server's disk; None: nowhere."""
    return os.environ.get("TL_DATA_ROOT") or (os.path.sep if is_local() else None)


def can_edit(run: Run) -> bool:
    """Whether the reader may stop, rename or delete this run: it is theirs, or the server is theirs alone."""
    return run.owner == owner() or is_local()


def current_dataset() -> str:
    """The dataset that the reader brought in or chose last, in its present state; "" if there is none."""
    chosen = st.session_state.get(_DATASET, "")
    try:
        return datasets.latest(chosen) if chosen else ""
    except UserError:
        return ""


def choose_dataset(dataset_id: str) -> None:
    """Make a dataset the one that the pages work with."""
    st.session_state[_DATASET] = dataset_id
