"""A race from a notebook: the lines in the docstring, with fewer pictures and runs, on real training."""

import pytest

from tests.experiments.made import notebook
from tl_core.experiments import groups
from tl_core.runs import store


@pytest.mark.usefixtures("tl_home")
def test_the_lines_in_the_docstring_race_for_real(capsys: pytest.CaptureFixture):
    smaller = {"per_class=40": "per_class=8", "seeds=3": 'seeds=1, arms=("frozen", "scratch")'}
    exec(notebook(groups, smaller), {})
    assert "One seed proves nothing" in capsys.readouterr().out
    [experiment] = groups.all("race")
    assert [store.status(run) for run in groups.runs(experiment)] == ["finished", "finished"]
    frozen, scratch = groups.courses(experiment)
    assert frozen.trainable < scratch.trainable
    assert frozen.examples == 10, "two of eight pictures in each of five classes validate"
