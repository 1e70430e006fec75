"""The types of `tl_core`, by mypy with the settings of `.mypy.ini`: strict enough that a wrong field name fails."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

Check = Callable[..., subprocess.CompletedProcess]
USE = """
from tl_core.base.events import Epoch
from tl_core.tasks.text_generation.config import TextConfig


def rate(event: Epoch, config: TextConfig) -> float:
    return event.{of_event} * config.{of_config}
"""


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Run mypy over these files, or over what the settings name; what it found out serves the next call."""
    cache = tmp_path_factory.mktemp("mypy")

    def run(*files: Path) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "mypy", "--cache-dir", str(cache), *map(str, files)],
            cwd=REPOSITORY,
            env={**os.environ, "MYPYPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )

    return run


def test_the_types_of_tl_core_hold(check: Check):
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("of_event", "of_config", "missing"),
    [
        ("rate", "context", None),
        ("pace", "context", '"Epoch" has no attribute "pace"'),
        ("rate", "window", '"TextConfig" has no attribute "window"'),
    ],
    ids=["right", "an event's", "a setting's"],
)
def test_a_wrong_field_name_is_found(check: Check, tmp_path: Path, of_event: str, of_config: str, missing: str | None):
    path = tmp_path / "use.py"
    path.write_text(USE.format(of_event=of_event, of_config=of_config))
    done = check(path)
    assert done.returncode == (1 if missing else 0), done.stdout + done.stderr
    assert (missing or "Success") in done.stdout
