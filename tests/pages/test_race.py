"""The page of the race: set up at one click, guessed beforehand, followed, stopped, judged, shared, opened again."""

import pytest

from pages.experiments import submit
from tests.experiments.made import ME, WAYS, finish, started
from tests.pages.made import drawn, opened, recipe, run_of, words
from tests.tasks.text_classification import tiny
from tl_core.experiments import groups
from tl_core.experiments.groups import Guess
from tl_core.runs import queue, store
from tl_core.tasks.registry import TASKS
from tl_core.text.data import corpus

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@LANGUAGES
def test_without_pictures_the_page_says_so(language):
    test = opened("race", language)
    assert test.info and not [button for button in test.button if button.key.startswith("lab_")]


@LANGUAGES
def test_one_click_without_a_guess_queues_every_way_with_every_seed(language):
    dataset = drawn(each=12)
    test = opened("race", language)
    assert test.button(key="lab_start_guessed").disabled, "nothing has been guessed yet"
    test.button(key="lab_start").click().run()
    assert not test.exception
    [experiment] = groups.all("race")
    assert (experiment.owner, experiment.guess, len(experiment.members)) == (ME, None, 3 * len(WAYS))
    assert {run.config.data.dataset for run in store.all()} == {dataset.id}
    assert test.query_params["lab"] == experiment.id
    assert ("0 of 12 runs have ended" if language == "en" else "12") in words(test)


def test_a_guess_is_written_down_before_anything_is_known_and_the_settings_are_those_of_the_page():
    drawn(each=12)
    test = opened("race")
    test.button_group(key="race_guess_arm").set_value("frozen").run()
    test.slider(key="race_guess_amount").set_value(25).run()
    test.button_group(key="race_seeds").set_value(1).run()
    test.select_slider(key="race_image_classification_per_class").set_value(5).run()
    test.number_input(key="race_image_classification_epochs").set_value(6).run()
    test.button(key="lab_start_guessed").click().run()
    assert not test.exception
    [experiment] = groups.all("race")
    assert experiment.guess == Guess("frozen", 25.0)
    assert [member.arm for member in experiment.members] == list(WAYS)
    assert {(run.config.data.per_class, run.config.epochs) for run in store.all()} == {(5, 6)}
    assert "Frozen, +25 points" in words(test)


@LANGUAGES
@pytest.mark.parametrize("kind", ["text", "text_classification"])
def test_language_races_too(kind, language):
    words_of = " ".join(f"The old king number {number} met a fox in the dark forest." for number in range(400))
    if kind == "text":
        corpus.paste(words_of, name="kings", owner=ME)
    else:
        tiny.texts(60, owner=ME)
    test = opened("race", language)
    test.button_group(key="race_task").set_value(kind).run()
    assert "lab_start" in [button.key for button in test.button], words(test)
    assert not test.exception and not test.button(key="lab_start").disabled, words(test)
    test.button(key="lab_start").click().run()
    assert not test.exception
    [experiment] = groups.all("race")
    assert [member.arm for member in experiment.members] == 3 * list(TASKS[kind].room("ways").WAYS)
    assert all(run.problem is None for run in store.all())


def test_a_race_counts_as_one_run_that_waits(monkeypatch):
    dataset = drawn(each=12)
    monkeypatch.setattr(submit, "WAITING", 2)
    test = opened("race")
    test.button(key="lab_start").click().run()
    test.button(key="lab_leave").click().run()
    run_of(recipe(dataset))
    test = opened("race")
    test.button(key="lab_start").click().run()
    assert len(groups.all()) == 1 and "2 runs waiting" in words(test)


@LANGUAGES
def test_a_finished_race_shows_figures_guess_score_and_verdict(language):
    made = started()
    groups.guess(made.id, Guess("frozen", 40.0))
    finish(made)
    test = opened("race", language, lab=made.id)
    said = words(test)
    assert "81.0 %" in said and "50,000" in said
    if language == "en":
        assert "beats “From scratch” by 41.7 points" in said and "paired t-test over 3 seeds" in said
        assert "Your guess gets" in said and "A bold line is the mean" in said
    assert not [button for button in test.button if button.key == "lab_stop"]


def test_stop_keeps_what_there_is():
    made = started(2)
    finish(groups.replace(made, members=made.members[:4]))
    test = opened("race", lab=made.id)
    assert "4 of 8 runs have ended" in words(test)
    test.button(key="lab_stop").click().run()
    assert not groups.active(made)
    said = words(test)
    assert "4 runs were stopped" in said and "One seed proves nothing" in said


@pytest.mark.usefixtures("elsewhere")
def test_somebody_elses_race_can_be_watched_but_not_stopped_or_deleted():
    made = started(1, owner="somebody")
    test = opened("race", lab=made.id)
    assert "you can watch it" in words(test)
    assert not [button for button in test.button if button.key in ("lab_stop", "lab_delete")]
    for run in groups.runs(made):
        queue.stop(run.id)
    assert not [button for button in opened("race", lab=made.id).button if button.key == "lab_delete"]


def test_an_earlier_race_is_listed_opened_by_link_and_deleted():
    made = finish(started(1))
    test = opened("race")
    assert "Earlier experiments" in words(test)
    test = opened("race", lab=made.id)
    test.button(key="lab_delete").click().run()
    assert not test.exception and groups.all() == [] and store.all() == []
    assert "lab" not in test.query_params


def test_the_welcome_page_shows_a_race_at_work_as_one_thing():
    made = started(1)
    alone = run_of(recipe(drawn(("a", "b"))), name="alone")
    said = words(opened("welcome"))
    assert said.count("**Race**") == 1 and "**alone**" in said
    assert not any(run.name in said for run in groups.runs(made)) and alone.name == "alone"


def test_a_link_to_nothing_is_explained():
    assert "There is no experiment" in words(opened("race", lab="20260101-000000-abcdef"))


def test_a_race_whose_runs_have_been_deleted_says_so():
    made = finish(started(1))
    for member in made.members:
        store.delete(member.run)
    assert "have been deleted" in words(opened("race", lab=made.id))
