"""What every page has: its place in the menu, the language, and what the queue is doing."""

from pathlib import Path

import streamlit as st

from pages.components import i18n
from pages.components.i18n import _
from pages.components.markdown import problem
from tl_core.errors import UserError, disk_problem
from tl_core.paths import ASSETS

PAGES = Path(__file__).parent

# Before the pages are named: else the browser would fetch the page's Material icon from the internet for its tab.
st.set_page_config(page_icon=str(ASSETS / "icons" / "icon.png"), layout="wide")
with st.sidebar:
    i18n.switch()
page = st.navigation(
    {
        "": [st.Page(PAGES / "welcome.py", title=_("Welcome"), icon=":material/waving_hand:", default=True)],
        _("Image lab"): [
            st.Page(PAGES / "data.py", title=_("Pictures"), icon=":material/photo_library:", url_path="data"),
            st.Page(PAGES / "train.py", title=_("Train"), icon=":material/model_training:", url_path="train"),
            st.Page(PAGES / "classify.py", title=_("Classify"), icon=":material/image_search:", url_path="classify"),
        ],
        _("Language"): [
            st.Page(PAGES / "generate.py", title=_("Generate text"), icon=":material/edit:", url_path="generate"),
            st.Page(PAGES / "finetune.py", title=_("Fine-tune text"), icon=":material/edit_note:", url_path="finetune"),
        ],
        _("Experiments"): [  # of both
            st.Page(PAGES / "run.py", title=_("Run"), icon=":material/show_chart:", url_path="run"),
            st.Page(PAGES / "runs.py", title=_("Runs"), icon=":material/compare_arrows:", url_path="runs"),
            st.Page(PAGES / "replay.py", title=_("Recorded runs"), icon=":material/history:", url_path="replay"),
        ],
    }
)
st.set_page_config(page_title=f"{page.title} · {_('Transfer learning lab')}")
try:
    page.run()
except (UserError, OSError) as error:  # of the disk, which any page may meet anywhere
    explained = error if isinstance(error, UserError) else disk_problem(error)
    if explained is None:
        raise
    st.error(problem(explained), icon=":material/hard_drive:")
