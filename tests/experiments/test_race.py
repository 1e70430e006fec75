"""The race: means, verdicts that name their test, and how a guess is scored; from logs written by hand."""

import math

import pytest

from tests.experiments.made import TASK, TOPS, WAYS, finish, started
from tl_core.base.events import Epoch
from tl_core.base.metrics import METRICS
from tl_core.experiments import course, groups, race
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Guess
from tl_core.runs import store
from tl_core.runs.history import History
from tl_core.tasks.registry import TASKS

pytestmark = pytest.mark.usefixtures("tl_home")


def raced(tops=TOPS, seeds=3, **settings):
    return groups.courses(finish(started(seeds), tops, **settings))


def test_the_ways_stand_with_their_means_costs_and_seeds():
    found = race.standings(raced(), TASK)
    assert list(found) == list(WAYS)
    frozen, scratch = found["frozen"], found["scratch"]
    assert frozen.mean == pytest.approx(0.81) and frozen.interval.low < 0.81 < frozen.interval.high
    assert (frozen.seconds, frozen.parameters, frozen.seeds) == (2.0, 1000, 3)
    assert (scratch.seconds, scratch.parameters) == (6.0, 50_000)
    assert scratch.interval.high - scratch.interval.low > 0.05, "three equal accuracies on 50 pictures have a spread"
    assert race.winner(found, METRICS["accuracy"]) == "head_first"


def test_the_verdict_names_gain_cost_and_test_and_says_what_is_noise():
    first, second = map(str, race.verdicts(raced(), TASK))
    assert "“Head first, then all” beats “From scratch” by 41.7 points" in first
    assert "1.0 times the time" in first and "50,000 trained parameters instead of 50,000" in first
    assert "paired t-test over 3 seeds" in first and "more than seed noise" in first
    assert "Whether “Head first, then all” beats “Frozen” can't be said" in second and "0.7 points" in second
    assert "3.0 times the time" in second


def test_where_pretraining_does_harm_it_is_said():
    tops = {**TOPS, "scratch": (0.95, 0.96, 0.97)}
    [first] = map(str, race.verdicts(raced(tops), TASK))
    assert "“From scratch” beats even “Head first, then all” by 14.3 points" in first and "negative transfer" in first


def test_one_seed_proves_nothing():
    [first, *_] = map(str, race.verdicts(raced(seeds=1), TASK))
    assert "40.0 points" in first and "One seed proves nothing" in first


def test_stopped_runs_are_not_compared():
    made = started(2)
    finish(groups.replace(made, members=made.members[:4]))
    groups.stop(made.id)
    courses = groups.courses(made)
    assert race.standings(courses, TASK)["frozen"].seeds == 1
    assert "One seed" in str(race.verdicts(courses, TASK)[0])
    assert "no verdict yet" in str(race.verdicts(groups.courses(started(1)), TASK)[0])


@pytest.mark.parametrize(
    ("guess", "points", "right"),
    [
        (Guess("head_first", 41.7), 100, True),
        (Guess("frozen", 41.7), 100, True),  # cannot be told from the winner
        (Guess("frozen", 31.7), 75, True),
        (Guess("head_first", 5.0), 50, True),
        (Guess("scratch", 41.7), 50, False),
        (Guess("scratch", 0.0), 0, False),
        (Guess("no such way", 0.0), 0, False),
    ],
)
def test_a_guess_gets_half_for_the_way_and_half_for_the_amount(guess, points, right):
    score = race.score(guess, raced(), TASK)
    assert (score.points, score.right) == (points, right)
    assert f"{points} of 100" in str(score.message)


def test_a_guess_stands_in_the_picture_as_soon_as_there_is_something_to_hold_it_against():
    assert race.guessed_level(Guess("frozen", 20.0), groups.courses(started(1)), TASK) is None
    courses = raced()
    assert race.guessed_level(Guess("frozen", 20.0), courses, TASK) == pytest.approx(0.6)
    assert race.guessed_level(Guess("scratch", 5.0), courses, TASK) == pytest.approx(0.8167 + 0.05, abs=1e-3)


def test_amounts_of_a_perplexity_are_per_cent_less_and_levels_go_back():
    row = METRICS["perplexity"]
    difference = course.judged(row, 60.0) - course.judged(row, 80.0)
    assert course.amount(row, difference) == pytest.approx(25.0)
    assert course.level(row, 80.0, 25.0) == pytest.approx(60.0)
    share = METRICS["accuracy"]
    assert course.level(share, 0.5, course.amount(share, 0.2)) == pytest.approx(0.7)


def test_language_models_are_compared_by_per_cent_of_perplexity_and_what_they_forget_is_told():
    task, courses = TASKS["text"], []
    for arm, perplexity in (("frozen", 40.0), ("lora", 32.0), ("at_once", 20.0)):
        for seed in range(3):
            history = History(None, total=1)
            loss = math.log(perplexity) + 0.01 * seed
            forgotten = {"source_perplexity": 2 * perplexity}
            history.take(Epoch(epoch=1, step=25, metrics={"loss": 9.0, "val_loss": loss, **forgotten}, best=True))
            courses.append(Course(arm, seed, 0, history, done=True))
    found = race.standings(courses, task)
    assert race.winner(found, METRICS["perplexity"]) == "at_once"
    assert found["lora"].beside == {"source_perplexity": 64.0}
    first, second = map(str, race.verdicts(courses, task))
    assert "“All weights” beats “All but the last block frozen” by 50.0 % of perplexity" in first
    assert "“All weights” beats “LoRA beside frozen weights” by 37.5 % of perplexity" in second
    score = race.score(Guess("at_once", 50.0), courses, task)
    assert score.points == 100 and "50 % of perplexity" in str(score.message)
    assert race.guessed_level(Guess("at_once", 50.0), courses, task) == pytest.approx(20.2, abs=0.1)


def test_training_accuracy_never_stands_for_validation():
    history = History(None, total=1)
    history.take(Epoch(epoch=1, step=25, metrics={"loss": 0.1, "accuracy": 1.0}, best=True))
    assert race.standings([Course("frozen", 0, 0, history, done=True)], TASK) == {}


def test_a_race_can_have_some_of_the_ways_only():
    made = started(2, arms=("frozen", "scratch"))
    assert [member.arm for member in made.members] == ["frozen", "scratch"] * 2
    assert {store.get(member.run).config.seed for member in made.members} == {0, 1}
