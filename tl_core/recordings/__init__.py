"""Recorded runs and recorded generation: how they are made, and how they are replayed. Knows no page."""
