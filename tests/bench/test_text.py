"""The text benchmark compares equal work, at a size that takes seconds; how fast it is depends on who else works."""

import re

import pytest

from tl_core.bench import text


def test_fine_tuning_is_measured_both_ways_on_equal_work(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TL_HOME", str(tmp_path))  # put back afterwards: the benchmark has a data folder of its own
    parser = text.argparse.ArgumentParser()
    text.add_arguments(parser)
    assert text.main(parser.parse_args(["--tuning", "--small", "--readings", "2", "--windows", "16"])) == 0
    ratio, kept, plain = capsys.readouterr().out.strip().splitlines()[-3:]
    assert float(re.match(r"ratio: ([\d.]+) a reading", ratio)[1]) > 0
    assert kept.startswith("activations kept") and plain.startswith("computed each time")
    losses = [float(line.split()[-1]) for line in (kept, plain)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert 1 < losses[0] < 9, "it must have learned something that can be compared"
