"""The page "Head first?": one click, a guess first, what was found on changed pictures."""

import pytest

from tests.experiments.test_shift import finish, started
from tests.pages.made import drawn, opened, words
from tl_core.experiments import groups, shift
from tl_core.experiments.groups import Guess
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def test_a_guess_and_a_click_queue_the_three_ways():
    drawn(each=12)
    test = opened("shift")
    test.button_group(key="shift_guess_arm").set_value("head_first").run()
    test.button_group(key="shift_seeds").set_value(1).run()
    test.button(key="lab_start_guessed").click().run()
    assert not test.exception
    [experiment] = groups.all("shift")
    assert experiment.guess == Guess("head_first", 10.0)
    assert [member.arm for member in experiment.members] == list(shift.ARMS)
    assert all(run.config.shifts for run in store.all())
    said = words(test)
    assert "0 of 3 runs have ended" in said and "no verdict yet" in said


@LANGUAGES
def test_a_finished_one_shows_figures_score_and_verdict(language):
    made = started()
    groups.guess(made.id, Guess("frozen", 21.0))
    finish(made)
    test = opened("shift", language, lab=made.id)
    said = words(test)
    assert not test.exception
    assert "76.0 %" in said and "56.0 %" in said and "84.0 %" in said
    if language == "en":
        assert "gains 16.0 points over “All at once”" in said and "Your guess gets 100 of 100" in said
        assert "A dot is a seed" in said
