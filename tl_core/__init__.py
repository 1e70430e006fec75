"""The machine learning behind the transfer learning lab: no Streamlit, usable from a notebook, a test or a shell."""

__version__ = "0.1.0"
