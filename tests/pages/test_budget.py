"""The page that asks how many pictures pretraining is worth."""

import pytest

from tests.experiments.test_budget import SIZES, finish, started
from tests.pages.made import ME, drawn, opened, words
from tests.tasks.text_classification import tiny
from tl_core.experiments import groups
from tl_core.experiments.groups import Guess
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@LANGUAGES
def test_one_click_queues_a_run_for_each_number_of_pictures(language):
    drawn(each=20)  # fourteen of each class to train on
    test = opened("budget", language)
    assert not [each for each in test.select_slider if each.key.endswith("per_class")], "the lab itself sets it"
    test.button(key="lab_start").click().run()
    assert not test.exception
    [experiment] = groups.all("budget")
    assert sorted({member.size for member in experiment.members}) == [5, 14]
    assert len(store.all()) == len(experiment.members) == 2 * 2 * 3
    assert test.query_params["lab"] == experiment.id


def test_texts_are_counted_as_pictures_are():
    texts = tiny.texts(80, owner=ME)  # twenty eight of each class to train on
    test = opened("budget")
    test.button_group(key="budget_task").set_value("text_classification").run()
    test.button(key="lab_start").click().run()
    assert not test.exception
    [experiment] = groups.all("budget")
    assert sorted({member.size for member in experiment.members}) == [5, 20, 28]
    configs = [store.get(member.run).config for member in experiment.members]
    assert {config.data.per_class for config in configs} == {5, 20, 28}
    assert {config.data.dataset for config in configs} == {texts.id}
    assert {config.encoder.weights for config in configs} == {"pretrained", "random"}


def test_a_guess_stands_beside_what_comes_out():
    drawn(each=20)
    test = opened("budget")
    test.button_group(key="budget_guess_arm").set_value(20).run()
    test.button(key="lab_start_guessed").click().run()
    [experiment] = groups.all("budget")
    assert experiment.guess == Guess("frozen", 20.0)
    assert "with 5 examples a class frozen features do what training from scratch does with 25" in words(test)


@LANGUAGES
def test_a_finished_experiment_shows_table_headline_and_score(language):
    made = started()
    groups.guess(made.id, Guess("frozen", 6.0))
    finish(made)
    said = words(opened("budget", language, lab=made.id))
    assert all(f">{size}<" in said for size in SIZES) and "80.0 %" in said
    if language == "en":
        assert "worth about 6 examples a class" in said and "gets 100 of 100" in said


def test_one_number_of_pictures_is_too_few():
    drawn(each=20)
    test = opened("budget")
    [pills] = [group for group in test.button_group if group.key.startswith("budget_sizes_")]
    pills.set_value([5]).run()
    assert test.button(key="lab_start").disabled and "at least two numbers" in words(test)
