"""The page of the probes: one click, a growing curve, the ways on; and no list of runs knows of it."""

import pytest

from pages.labs.cut import setup
from tests.labs.cut.test_found import FLAT, RISING
from tests.pages.made import ME, drawn, opened, recipe, run_of, trained, words
from tl_core.base import events
from tl_core.images.data.split import DataConfig
from tl_core.labs.cut.config import CutConfig
from tl_core.runs import store
from tl_core.tasks.image_classification.config import BackboneConfig

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def log(config: CutConfig, *ending: events.Event) -> list[events.Event]:
    """The events of an experiment whose pretrained curve rises and falls."""
    found = [
        events.Started(),
        events.Artifact(name="division", payload={"training": 30, "validation": 20, "chance": 0.25}),
        events.Phase(phase="probes", total=15, unit="probes"),
    ]
    for arm, rows in (("pretrained", RISING), ("random", FLAT)):
        for place, row in zip(config.places, rows, strict=False):
            found += [
                events.Trial(arm=arm, place=place, seed=seed, metrics={"val_accuracy": value})
                for seed, value in enumerate(row)
            ]
    return [*found, *ending]


def vgg(dataset, **changes) -> CutConfig:
    return CutConfig(DataConfig(dataset.id), BackboneConfig("vgg16", "imagenet", 96), **changes)


@LANGUAGES
def test_without_pictures_it_says_so(language):
    test = opened("cut", language)
    assert test.info
    assert not [button for button in test.button if button.key == "cut_start"]


@LANGUAGES
def test_one_click_queues_one_experiment_and_shows_it(language):
    dataset = drawn()
    test = opened("cut", language)
    test.button_group(key=f"cut_guess_{setup.usual('').backbone.name}").set_value(3).run()
    test.button(key="cut_start").click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == CutConfig(DataConfig(dataset.id), setup.usual(dataset.id).backbone, guess=3)
    assert (run.owner, store.status(run), test.query_params["run"]) == (ME, "queued", run.id)
    assert test.button(key="run_stop")


def test_the_experiment_is_told_in_numbers_and_leads_to_the_train_page():
    config = vgg(drawn(), guess=5)
    run = run_of(config, *log(config, events.Finished()))
    test = opened("cut", run=run.id)
    said = words(test)
    assert "best behind block4: it gets 91.0 %" in said
    assert "The guess was block5: 10.0 points below the best." in said
    assert [link.proto.label for link in test.get("page_link") if link.proto.page == "train"] == list(config.places)
    query = next(link.proto.query_string for link in test.get("page_link") if link.proto.label == "block3")
    asked = dict(part.split("=") for part in query.split("&"))
    assert (asked["frozen"], asked["backbone"], asked["dataset"]) == ("3", "vgg16", config.data.dataset)
    assert not opened("train", **asked).exception
    train = opened("train", **asked)
    assert (train.select_slider(key="train_frozen").value, train.selectbox(key="train_backbone").value) == (3, "vgg16")


def test_all_blocks_frozen_is_feature_extraction_in_one_phase():
    config = vgg(drawn())
    assert [phase.frozen_blocks for phase in config.training(5).phases] == [-1]
    assert [phase.frozen_blocks for phase in config.training(2).phases] == [-1, 2]


def test_while_it_goes_on_the_curve_is_there_and_it_can_be_stopped():
    config = vgg(drawn())
    run = run_of(config, *log(config)[:8])
    test = opened("cut", run=run.id)
    assert "5 / 30" in words(test)
    test.button(key="run_stop").click().run()
    assert store.status(run) == "stopping"


def test_lists_of_runs_leave_it_out_and_its_id_on_the_run_page_leads_here():
    dataset = drawn()
    training = run_of(recipe(dataset), events.Started(), *trained(), events.Finished(best_epoch=1))
    config = vgg(dataset)
    lab = run_of(config, *log(config, events.Finished()))
    assert opened("run").query_params["run"] == training.id, "the latest run is one that trains"
    test = opened("run", run=lab.id)
    assert "best behind block4" in words(test)
    listed = opened("runs")
    assert len(listed.dataframe[0].value) == 1
    assert not opened("runs", compare=f"{lab.id},{training.id}").exception
    assert not opened("welcome").exception
    assert "best behind block4" in words(opened("train", **{"from": lab.id}))
    assert opened("cut", run=training.id).query_params["run"] == training.id


def test_earlier_experiments_are_listed():
    config = vgg(drawn())
    lab = run_of(config, *log(config, events.Finished()), name="my probes")
    links = [link.proto for link in opened("cut").get("page_link")]
    assert [link.query_string for link in links if link.label.startswith("my probes")] == [f"run={lab.id}"]


def test_an_unknown_id_is_explained():
    assert "There is no run" in words(opened("cut", run="20260101-000000-abcdef"))
