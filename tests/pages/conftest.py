"""Every test of a page has a visitor: Streamlit's tests have no browser, so no cookie either."""

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy

from pages.components.session import COOKIE
from tests.pages.made import ME


@pytest.fixture(autouse=True)
def visitor(monkeypatch):
    """The cookie of the visitor `ME`; set the answer's value to be somebody else."""
    st.cache_data.clear()  # what another test's data folder held
    cookies = {COOKIE: ME}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: cookies))
    return cookies
