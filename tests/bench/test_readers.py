"""The measure of a reading class runs, with few readers: what it says of them is true."""

import re
import subprocess
import sys

from tests.conftest import REPOSITORY


def test_readers_are_measured_by_the_pages_own_route():
    command = [sys.executable, "-m", "tests.readers", "--readers", "3", "--length", "5", "--rounds", "1"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = re.search(r"3 readers: (\d+) tokens/s together .*; (\d+) tokens in ([\d.]+) s; computing", result.stdout)
    assert found and 3 <= int(found[2]) <= 15, "a text may end early"
    assert "engine" in result.stdout and float(found[3]) > 0
