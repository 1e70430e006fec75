"""Many pictures: fast, and in little memory. Measured in a process of its own."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.data.drawing import jpeg

# VmHWM, not ru_maxrss: that one begins with the peak of the process that started this one.
MEASURE = r"""
import json, re, sys, time
from pathlib import Path
from tl_core.data.ingest import ingest
from tl_core.data.report import dataset_report
began = time.monotonic()
dataset = ingest(Path(sys.argv[1]), name="many")
seconds = time.monotonic() - began
report = dataset_report(dataset)
peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"seconds": seconds, "MiB": peak, "counts": dataset.counts, "rejected": len(report.rejected)}))
"""


def measured(source: Path, home: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(source)],
        cwd=REPOSITORY,
        env={**os.environ, "TL_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return json.loads(done.stdout)


def test_three_thousand_photographs_are_ready_in_less_than_twenty_seconds(shared: Path, tl_home: Path):
    found = measured(shared / "data" / "cats_dogs.zip", tl_home)
    assert found["counts"] == [1500, 1500] and found["rejected"] == 0
    assert found["seconds"] < 20 and found["MiB"] < 300


def test_twenty_thousand_files_need_less_than_a_gibibyte(tmp_path: Path, tl_home: Path):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_000):
            data = jpeg(number % 4096, (32, 32 + number // 4096))
            archive.writestr(f"{number % 10}/{number}.jpg", data if number % 100 else b"")
    found = measured(path, tl_home)
    assert sum(found["counts"]) == 19_800 and found["rejected"] == 200
    assert found["MiB"] < 1024 and found["seconds"] < 60
