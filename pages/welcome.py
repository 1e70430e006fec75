"""."""

import streamlit as st

st.title("welcome")
