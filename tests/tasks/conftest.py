"""Fixtures for the tests of all tasks."""

from collections.abc import Iterator

import pytest

from tests.tasks.image_classification.tiny_network import TINY
from tl_core.images.pretrained.backbones import BACKBONES


@pytest.fixture(scope="module", autouse=True)
def tiny_network() -> Iterator[None]:
    """The tiny network is a row of the registry for as long as the module's tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, TINY.name, TINY)
        yield
