"""Figures and their sentences: histories and reports in, Plotly dictionaries out; no I/O."""
