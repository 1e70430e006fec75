"""The machine learning behind the lab, usable from a notebook, a test or a shell. Knows no page and no Streamlit."""

__version__ = "0.1.0"
