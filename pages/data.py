"""Pictures."""

import streamlit as st

from pages.components import intake, ways_in
from pages.components.i18n import _

st.title(_("Pictures"), anchor=False)
job = intake.attached()
if job and job.active:
    intake.follow(job)
elif job:
    intake.settle(job)
intake.complain()
ways_in.ways_in("data")
