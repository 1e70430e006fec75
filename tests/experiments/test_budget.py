"""What pretraining is worth in pictures: which runs are made, what is said when, and how a guess is scored."""

import pytest

from tests.experiments.made import ME, TASK, notebook, trained, usual
from tests.pages.made import drawn
from tl_core.base import events
from tl_core.experiments import budget, groups
from tl_core.experiments.groups import Guess
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
SIZES = (2, 4, 8)
FROZEN = {2: 0.6, 4: 0.7, 8: 0.8}
SCRATCH = {2: 0.3, 4: 0.45, 8: 0.61}


def started(seeds: int = 3):
    return budget.start(usual(), SIZES, seeds, owner=ME, name="Pictures")


def finish(experiment, scratch=None, seeds=(0, 1, 2)):
    reached = {"frozen": FROZEN, "scratch": scratch or SCRATCH}
    for member in experiment.members:
        if member.seed in seeds:
            log = store.get(member.run).log
            for event in (
                events.Started(),
                *trained(2, reached[member.arm][member.size] + 0.01 * (member.seed - 1)),
                events.Phase(phase="evaluation", total=100, unit="images"),
                events.Finished(best_epoch=2),
            ):
                events.append(log, event)
    return groups.courses(experiment)


def test_every_number_of_pictures_is_a_run_of_each_way_and_seed():
    made = started(2)
    assert [(member.seed, member.size, member.arm) for member in made.members] == [
        (seed, size, arm) for seed in (0, 1) for size in SIZES for arm in budget.ARMS
    ]
    for member in made.members:
        config = store.get(member.run).config
        assert (config.data.per_class, config.seed, config.data.seed) == (member.size, member.seed, member.seed)
        assert (config.backbone.weights == "random") == (member.arm == "scratch")
    assert groups.all("budget") == [made] and groups.all("race") == []


def test_the_headline_says_what_pretraining_is_worth():
    courses = finish(started())
    assert "worth about 6 examples a class" in str(budget.headline(courses, TASK))
    found = budget.reached(courses, TASK)
    assert found["frozen", 2].mean == pytest.approx(0.6) and found["frozen", 2].seeds == 3
    assert found["scratch", 8].interval.low < 0.61 < found["scratch", 8].interval.high


def test_the_lines_in_the_docstring_run_on_logs_written_by_hand(monkeypatch, capsys):
    monkeypatch.setattr(groups, "work", finish)
    exec(notebook(budget, {"(5, 20, 50)": str(SIZES)}), {"pictures": drawn(each=12)})
    assert "worth about 6 examples a class" in capsys.readouterr().out


def test_until_two_seeds_have_finished_everywhere_it_cannot_be_said():
    assert "can't be said yet" in str(budget.headline(finish(started(), seeds=(0,)), TASK))
    assert "worth about" in str(budget.headline(finish(started(), seeds=(0, 1)), TASK))


@pytest.mark.parametrize(
    ("guessed", "scratch", "points", "said"),
    [
        (6, SCRATCH, 100, "about 6"),
        (13, SCRATCH, 75, "about 6"),
        (500, SCRATCH, 0, "about 6"),
        (100, dict.fromkeys(SIZES, 0.2), 100, "more than 6"),
        (0, FROZEN, 100, "no gain"),
    ],
)
def test_a_guess_loses_a_quarter_for_each_factor_of_two(guessed, scratch, points, said):
    score = budget.score(Guess("frozen", guessed), finish(started(), scratch), TASK)
    assert score.points == points and said in str(score.message)


def test_a_guess_is_not_scored_before_there_is_an_answer():
    assert budget.score(Guess("frozen", 5.0), finish(started(), seeds=(0,)), TASK) is None
