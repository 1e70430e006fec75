"""Fixtures for all tests: a data folder of their own, and the photographs beside the checkout when they are there."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def packages_are_scanned_once() -> Iterator[None]:
    """Each AppTest looks through all installed packages for components, which costs more than most pages."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture
def shared() -> Path:
    """The folder of real photographs and weights beside the checkout; the test is skipped where it is absent."""
    path = REPOSITORY.parent / "shared"
    if not (path / "data").is_dir():
        pytest.skip(f"REAL DATA ABSENT: {path} is not there, so this test of real photographs did not run")
    return path


@pytest.fixture
def tl_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder for this test alone."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("TL_HOME", str(path))
    yield path
