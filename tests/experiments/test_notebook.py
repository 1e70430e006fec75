"""A race from a notebook: the lines in the docstring, with fewer pictures and runs, on real training."""

import pytest

from tl_core.experiments import groups
from tl_core.runs import store


@pytest.mark.usefixtures("tl_home")
def test_the_lines_in_the_docstring_race_for_real(capsys: pytest.CaptureFixture):
    lines = [line.strip() for line in groups.__doc__.split("\n") if line.startswith("    ")]
    assert len(lines) < 10
    smaller = {"per_class=40": "per_class=8", "seeds=3": 'seeds=1, arms=("frozen", "scratch")'}
    program = "\n".join(lines)
    for usual, quick in smaller.items():
        assert usual in program
        program = program.replace(usual, quick)
    exec(program, {})
    assert "One seed proves nothing" in capsys.readouterr().out
    [experiment] = groups.all("race")
    assert [store.status(run) for run in groups.runs(experiment)] == ["finished", "finished"]
    frozen, scratch = groups.courses(experiment)
    assert frozen.trainable < scratch.trainable
    assert frozen.examples == 10, "two of eight pictures in each of five classes validate"
