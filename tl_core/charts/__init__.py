"""Figures and their sentences: histories and reports in, Plotly dictionaries out. Knows no file and no page."""
