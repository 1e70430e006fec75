"""Every test of a page has a visitor: Streamlit's tests have no browser, so neither a cookie nor headers."""

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy, StreamlitCookies, StreamlitHeaders

from pages.ui.visitors import COOKIE
from tests.pages.made import KEY, SECRET
from tl_core.runs import people


@pytest.fixture(autouse=True)
def visitor(monkeypatch):
    """The cookie of the visitor `ME` at the server's own computer; set the answer's value to be somebody else."""
    st.cache_data.clear()  # what another test's data folder held
    cookies = {COOKIE: SECRET}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: StreamlitCookies(cookies)))
    monkeypatch.setattr(people, "_key", lambda home: KEY)
    come_from(monkeypatch, None, Host="localhost:8501")
    return cookies


@pytest.fixture
def elsewhere(monkeypatch):
    """The visitor sits at another computer of the network."""
    come_from(monkeypatch, "192.168.1.20", Host="192.168.1.5:8501")


def come_from(monkeypatch, address, **headers):
    """Have the page's websocket come from an address (None: the loopback, as Streamlit says it) with these headers."""
    found = StreamlitHeaders([(name.replace("_", "-"), value) for name, value in headers.items()])
    monkeypatch.setattr(ContextProxy, "headers", property(lambda self: found))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda self: address))
