"""The recorded example on a lab's page: there at first, replayed on request, gone once its reader has one of theirs."""

import pytest

from pages.experiments import player
from tests.experiments import made
from tests.pages.made import drawn, opened, run_of, words
from tests.pages.test_cut import log, vgg
from tests.recordings.test_labs import SHIPPED
from tl_core.base import events
from tl_core.recordings import labs

pytestmark = pytest.mark.usefixtures("tl_home")


def labelled(test) -> bool:
    return ":violet-badge" in words(test)


def finding(test) -> str:
    """The first sentence in bold."""
    return next(markdown.value for markdown in test.markdown if markdown.value.startswith("**"))


@pytest.mark.parametrize("lab", SHIPPED)
def test_a_lab_shows_at_first_what_was_found_elsewhere(lab):
    test = opened(lab)
    assert labelled(test) and labs.get(lab).card.date in words(test) and "Drawn flowers" in words(test)
    assert [chart for chart in test.get("bidi_component") if chart.proto.component_name == "tl_live"]
    assert any(sign.isdigit() for sign in finding(test)) and " yet" not in finding(test)


@pytest.mark.parametrize("lab", ["cut", "race"])
def test_it_grows_again_and_ends_as_it_was(lab, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(player.time, "time", lambda: now[0])
    test = opened(lab, "zh")
    whole = finding(test)
    test.button(key="replay_again").click().run()
    assert not test.exception and test.button(key="replay_pause")
    assert finding(test) != whole, "nothing has been found at the beginning"
    now[0] += 3600
    test.run()
    assert finding(test) == whole and test.button(key="replay_again")


@pytest.mark.usefixtures("elsewhere")
def test_it_steps_aside_for_ones_own_experiment_but_not_for_somebody_elses():
    config = vgg(drawn(each=12))
    run_of(config, *log(config, events.Finished()), owner="somebody")
    made.started(1, owner="somebody")
    assert labelled(opened("cut")) and labelled(opened("race"))
    run_of(config, *log(config, events.Finished()))
    made.started(1)
    for lab in ("cut", "race"):
        assert not labelled(opened(lab))
        assert labelled(opened(lab, recording=lab)), "it can still be asked for, as the list of recordings does"
    assert not labelled(opened("cut", recording="labels")), "nor that of another lab"
    assert "no recording called gone" in words(opened("cut", recording="gone"))


def test_the_list_of_recordings_leads_to_it():
    links = [link.proto for link in opened("replay").get("page_link")]
    assert {(link.page, link.query_string) for link in links} >= {(lab, f"recording={lab}") for lab in SHIPPED}
