"""Experiments on what transfer does, on the page: set up, guess, follow, stop, open again. Knows no single task."""
