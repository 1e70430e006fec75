"""The page of the probes on texts: one click, a growing curve, the ways on to the training of a classifier of texts."""

import pytest

from pages.labs.cut import onward
from pages.labs.cut_texts import setup
from tests.labs.cut.test_found import FLAT, RISING
from tests.pages.made import ME, opened, run_of, words
from tests.tasks.text_classification import tiny
from tl_core.base import events
from tl_core.labs.cut_texts.config import CutTextsConfig
from tl_core.runs import store
from tl_core.tasks.text_classification.config import DataConfig

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
PLACES = setup.USUAL.places


def log(*ending: events.Event) -> list[events.Event]:
    """The events of an experiment on MiniLM whose pretrained curve rises to the fourth block and falls."""
    found = [
        events.Started(),
        events.Artifact(name="division", payload={"training": 30, "validation": 20, "chance": 0.5}),
        events.Phase(phase="features", total=50, unit="texts"),
    ]
    for arm, rows in (("pretrained", RISING), ("random", FLAT)):
        for place, row in zip(PLACES, rows, strict=False):
            found += [
                events.Trial(arm=arm, place=place, seed=seed, metrics={"val_accuracy": value})
                for seed, value in enumerate(row)
            ]
    return [*found, *ending]


def probed(**changes: int) -> CutTextsConfig:
    return CutTextsConfig(DataConfig(tiny.texts(owner=ME).id), **changes)


@LANGUAGES
def test_without_texts_it_says_so_and_leads_to_some(language):
    test = opened("cut_texts", language)
    assert test.info
    assert "texts" in [link.proto.page for link in test.get("page_link")]
    assert not [button for button in test.button if button.key == "cut_texts_start"]


@LANGUAGES
def test_one_click_queues_one_experiment_and_shows_it(language):
    dataset = tiny.texts(owner=ME)
    test = opened("cut_texts", language)
    assert "MiniLM-L6" in words(test)
    test.button_group(key="cut_texts_guess_minilm").set_value(4).run()
    test.button(key="cut_texts_start").click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == CutTextsConfig(DataConfig(dataset.id), guess=4)
    assert (run.owner, store.status(run), test.query_params["run"]) == (ME, "queued", run.id)
    assert test.button(key="run_stop")


def test_the_experiment_is_told_in_numbers_and_leads_to_the_page_for_training():
    config = probed(guess=5)
    run = run_of(config, *log(events.Finished()))
    test = opened("cut_texts", run=run.id)
    said = words(test)
    assert "best behind layer.2: it gets 91.0 % of the validation examples right" in said
    assert "The guess was layer.3: 10.0 points below the best." in said
    ways = {link.proto.label: link.proto for link in test.get("page_link") if link.proto.page == "texts"}
    assert [label for label in ways if label in PLACES] == list(PLACES)
    asked = dict(part.split("=") for part in ways["layer.1"].query_string.split("&"))
    assert (asked["frozen"], asked["encoder"], asked["texts"]) == ("3", "minilm", config.data.dataset)
    train = opened("texts", **asked)
    assert (train.select_slider(key="texts_frozen").value, train.selectbox(key="texts_encoder").value) == (3, "minilm")
    assert "All probes (.csv)" in [button.proto.label for button in test.get("download_button")]


def test_while_it_goes_on_its_pass_is_told_of_texts_and_it_can_be_stopped():
    run = run_of(probed(), *log()[:3], events.Progress(phase="features", done=20, total=50, rate=9.0))
    test = opened("cut_texts", run=run.id)
    said = words(test)
    assert "0 / 42" in said
    assert "Passing the texts through all blocks: 20 of 50" in said
    test.button(key="run_stop").click().run()
    assert store.status(run) == "stopping"


def test_a_click_on_a_point_opens_the_page_for_training_with_that_boundary():
    config = probed()
    run = run_of(config, *log(events.Finished()))
    test = opened("cut_texts", run=run.id)
    test.session_state[onward._CHOSEN] = (config, 2)
    test.run()
    assert not test.exception
    assert test.select_slider(key="texts_frozen").value == 2
