"""The page of the sources: one click, gains and rankings in numbers, other datasets beside it."""

import pytest

from tests.labs.sources.test_found import trials
from tests.pages.made import ME, drawn, opened, run_of, words
from tl_core.base import events
from tl_core.images.data.split import DataConfig
from tl_core.labs.sources.config import SourcesConfig
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
DIVISION = events.Artifact(name="division", payload={"training": 300, "validation": 200, "chance": 0.2})


def finished(dataset_id: str, **changes) -> store.Run:
    config = SourcesConfig(DataConfig(dataset_id), **changes)
    return run_of(config, events.Started(), DIVISION, *trials(), events.Finished())


@LANGUAGES
def test_without_pictures_it_says_so(language):
    test = opened("sources", language)
    assert test.info
    assert not [button for button in test.button if button.key == "sources_start"]


@LANGUAGES
def test_one_click_queues_one_experiment_and_shows_it(language):
    dataset = drawn()
    test = opened("sources", language)
    test.button_group(key="sources_guessed").set_value(3).run()
    test.button(key="sources_start").click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == SourcesConfig(DataConfig(dataset.id), guess=3)
    assert (run.owner, store.status(run), test.query_params["run"]) == (ME, "queued", run.id)


@LANGUAGES
def test_gains_rankings_and_the_guess_are_told(language):
    run = finished(drawn().id, guess=2)
    test = opened("sources", language, run=run.id)
    assert not test.exception
    if language == "en":
        said = words(test)
        assert "gains most here: 91.0 %" in said
        assert "does harm: 10.0 points less" in said
        assert "LogME ranks before any training: ImageNet" in said
        assert "27.0 points less than the best" in said
        assert "The same sources on other pictures" not in said


def test_while_only_the_ranking_is_known_it_is_shown_and_the_experiment_can_be_stopped():
    config = SourcesConfig(DataConfig(drawn().id))
    run = run_of(config, events.Started(), DIVISION, *trials()[:15])
    test = opened("sources", run=run.id)
    assert "LogME ranks before any training" in words(test)
    assert "0 / 15" in words(test)
    test.button(key="run_stop").click().run()
    assert store.status(run) == "stopping"


def test_other_datasets_stand_beside_it():
    first, second = drawn(), drawn(("ring", "bar"))
    finished(first.id)
    run = finished(second.id)
    test = opened("sources", run=run.id)
    assert not test.exception
    assert "The same sources on other pictures" in words(test)
