"""Runs: an event log each, a store, a fair queue, and the workers that fill them. Knows no page and no single task."""
