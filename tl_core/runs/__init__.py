"""Runs: an append-only event log each, a store, a fair queue, and the worker processes that fill them."""
