"""What every page has: its place in the menu, the language, and what the queue is doing."""

import streamlit as st

from pages import registry
from pages.ui import i18n
from pages.ui.i18n import _
from pages.ui.markdown import problem
from tl_core.base.errors import UserError, disk_problem
from tl_core.base.paths import ASSETS

# Streamlit's captions are 4.4 : 1 on a light page, links in them 3 : 1; small print needs 4.5 : 1 to be read by all.
CAPTIONS = """
<style>
[data-testid="stCaptionContainer"] { opacity: 1; color: color-mix(in srgb, currentColor 72%, transparent); }
</style>
"""

# Before the pages are named: else the browser would fetch the page's Material icon from the internet for its tab.
st.set_page_config(page_icon=str(ASSETS / "icons" / "icon.png"), layout="wide")
st.html(CAPTIONS)
with st.sidebar:
    i18n.switch()
page = st.navigation(registry.menu(), expanded=True)
st.set_page_config(page_title=f"{page.title} · {_('Transfer learning lab')}")
try:
    page.run()
except (UserError, OSError) as error:  # of the disk, which any page may meet anywhere
    explained = error if isinstance(error, UserError) else disk_problem(error)
    if explained is None:
        raise
    st.error(problem(explained), icon=":material/hard_drive:")
