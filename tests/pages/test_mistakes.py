"""The page of mistakes on purpose: one click, both curves, what the rules say."""

import pytest

from tests.experiments.test_mistakes import finish, started
from tests.pages.made import drawn, opened, words
from tl_core.experiments import groups
from tl_core.experiments.groups import Guess
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def test_a_click_queues_the_sound_run_and_the_one_with_the_mistake():
    drawn(each=12)
    test = opened("mistakes")
    test.button_group(key="mistakes_fault").set_value("labels").run()
    test.button_group(key="mistakes_guess_arm").set_value(20).run()
    test.button(key="lab_start_guessed").click().run()
    assert not test.exception
    [experiment] = groups.all("mistakes")
    assert experiment.guess == Guess("frozen", 20.0)
    assert [member.arm for member in experiment.members] == ["sound", "labels"]
    assert sorted(run.config.mistake for run in store.all()) == ["labels", "none"]


@LANGUAGES
def test_a_finished_one_says_what_the_curves_give_away(language):
    made = started()
    groups.guess(made.id, Guess("frozen", 40.0))
    finish(made)
    test = opened("mistakes", language, lab=made.id)
    said = words(test)
    assert len(test.warning) == len(test.success) == 1
    if language == "en":
        assert "jumps up" in test.warning[0].value and "the curves look sound" in test.success[0].value
        assert "Your guess gets 85 of 100" in said and "77.0 %" in said
    sound = next(member.run for member in made.members if member.arm == "sound")
    onward = [link.proto for link in test.get("page_link") if link.proto.page == "train"]
    assert [link.query_string for link in onward] == [f"from={sound}"]
