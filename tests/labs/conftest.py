"""Fixtures for the tests of all labs: the tiny network is theirs too."""

from tests.tasks.conftest import tiny_network

__all__ = ["tiny_network"]
