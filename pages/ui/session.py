"""Who is looking, and with which pictures they work."""

import os
import secrets

import streamlit as st
from streamlit import config as server

from pages.ui import visitors
from pages.ui.visitors import COOKIE
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.runs import people
from tl_core.runs.people import Action, Owned, Person

_DATASET = "session_dataset"


def person() -> Person:
    """Who is looking: the same in all tabs of a browser."""
    cookie = st.context.cookies.to_dict().get(COOKIE)
    secret = cookie or st.session_state.setdefault("session_secret", secrets.token_hex(16))
    behind_a_socket = (server.get_option("server.address") or "").startswith("unix://")  # then only a proxy reaches us
    peer = None if behind_a_socket else st.context.ip_address or "127.0.0.1"  # Streamlit says None for the loopback
    headers = st.context.headers
    return visitors.person(secret, peer, [(name, value) for name in headers for value in headers.get_all(name)])


def owner() -> str:
    """What is written down as the owner of what the reader makes."""
    return person().id


def is_local() -> bool:
    """Whether the server is the reader's own computer, so that paths on its disk are theirs."""
    return person().local


def mine(thing: Owned) -> bool:
    """Whether a run, a dataset or a text is the reader's own."""
    return people.mine(person(), thing)


def may(action: Action, thing: Owned) -> bool:
    """Whether the reader may do this, see `people.may`."""
    return people.may(person(), action, thing)


def data_root() -> str | None:
    """The folder below which visitors may choose datasets on the server's disk; None: nowhere."""
    return os.environ.get("TL_DATA_ROOT") or (os.path.sep if is_local() else None)


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
