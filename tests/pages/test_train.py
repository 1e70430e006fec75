"""The Train page: what it shows in every state, what Start makes, and links that fill it in."""

from dataclasses import replace

import pytest

from pages.experiments import submit
from pages.tasks.image_classification import settings
from pages.ui.markdown import plain
from tests.images.data.drawing import jpeg
from tests.pages.made import ME, drawn, opened, recipe, run_of, trained, words
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.images.data.ingest import ingest
from tl_core.runs import store
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import BackboneConfig
from tl_core.tasks.image_classification.recipes import PRESETS

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def start_button(test):
    return test.button(key="train_start")


@LANGUAGES
def test_without_pictures_the_page_says_so_and_start_is_off(language):
    test = opened("train", language)
    assert test.info
    assert start_button(test).disabled


@LANGUAGES
@pytest.mark.usefixtures("elsewhere")
def test_pictures_of_others_are_never_the_default_and_can_be_chosen(language):
    theirs = ingest([(f"{c}/{n}.jpg", jpeg(ord(c) + 3 * n)) for c in "az" for n in range(10)], name="theirs", owner="x")
    test = opened("train", language)
    assert test.info
    assert start_button(test).disabled
    assert test.selectbox(key="train_dataset").value == ""
    test.selectbox(key="train_dataset").set_value(theirs.id).run()
    assert not test.exception
    assert not start_button(test).disabled
    mine = drawn()
    test = opened("train", language)
    assert test.selectbox(key="train_dataset").value == mine.id
    assert [option.startswith("theirs") for option in test.selectbox(key="train_dataset").options] == [False, True]
    assert test.selectbox(key="train_dataset").options[1] != "theirs", "whose it is is said"


@LANGUAGES
def test_with_pictures_one_click_makes_one_queued_run_and_leads_to_it(language):
    dataset = drawn()
    test = opened("train", language)
    assert not start_button(test).disabled
    start_button(test).click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == recipes.recipe("quick").config(dataset.id)
    assert (run.owner, store.status(run)) == (ME, "queued")
    assert test.query_params["run"] == run.id
    assert plain(run.name) in [title.value for title in test.title]


def test_a_double_click_makes_one_run_and_a_later_click_another():
    drawn()
    test = opened("train")
    click = start_button(test).proto
    start_button(test).click().run()
    assert len(store.all()) == 1
    test.switch_page("train.py").run()
    assert start_button(test).proto.id == click.id
    start_button(test).click().run()
    assert len(store.all()) == 2


def test_the_callback_answers_once_for_each_drawing_of_the_button(monkeypatch):
    config = recipe(drawn())
    monkeypatch.setattr(submit.st, "session_state", {})
    for drawing in ("a", "a", "b"):
        submit.submit(config, drawing)
    assert len(store.all()) == 2


def test_one_class_is_explained_and_start_is_off():
    drawn(["circle"])
    test = opened("train")
    assert "at least two classes" in words(test)
    assert start_button(test).disabled


def test_whoever_has_four_runs_waiting_is_asked_to_wait():
    dataset = drawn()
    for _number in range(4):
        run_of(recipe(dataset))
    test = opened("train")
    start_button(test).click().run()
    assert len(store.all()) == 4
    assert "4 runs waiting" in words(test)


@pytest.mark.parametrize(
    ("classes", "query", "figures"),
    [
        (
            2,
            {"backbone": "vgg16", "pooling": "flatten", "output": "sigmoid"},
            ("2,097,665", "14,714,688"),
        ),
        (5, {"backbone": "resnet50"}, ("525,829", "23,587,712")),
    ],
)
def test_the_articles_networks_have_the_articles_numbers_of_parameters(classes, query, figures):
    drawn([f"class {number}" for number in range(classes)], each=6)
    said = words(opened("train", **query))
    assert all(f"**{figure}**" in said for figure in figures)


def test_moving_the_boundary_moves_the_counts_and_names_what_it_is():
    drawn()
    test = opened("train", backbone="vgg16")
    assert "**14,714,688**" in words(test)
    assert "Feature extraction" in words(test)
    test.select_slider(key="train_frozen").set_value(4).run()
    assert "**7,635,264**" in words(test)
    assert "up to block4" in words(test)
    test.select_slider(key="train_frozen").set_value(0).run()
    assert "Full fine-tuning" in words(test)


def test_a_recipe_fills_in_every_setting():
    dataset = drawn(["cats", "dogs"])
    test = opened("train")
    for name in PRESETS:
        test.button_group(key="train_preset").set_value(name).run()
        assert not test.exception
        start_button(test).click().run()
        test.switch_page("train.py").run()
        [run] = store.all()
        assert run.config == recipes.recipe(name).config(dataset.id)
        events.append(run.log, events.Stopped())
        store.delete(run.id)


@pytest.mark.parametrize(("name", "size"), [("cats_dogs", 150), ("flowers", 224)])
def test_where_an_articles_weights_are_not_here_one_click_keeps_its_settings_on_the_small_backbone(name, size):
    dataset = drawn(["cats", "dogs"])
    test = opened("train")
    assert not [button for button in test.button if button.key == "train_small"]
    test.button_group(key="train_preset").set_value(name).run()
    assert "Not on this computer yet" in words(test)
    test.button(key="train_small").click().run()
    assert "Not on this computer yet" not in words(test)
    assert not [button for button in test.button if button.key == "train_small"]
    start_button(test).click().run()
    [run] = store.all()
    article = recipes.PRESETS[name].config(dataset.id)
    assert run.config == replace(article, backbone=BackboneConfig("efficientnet_lite0", "imagenet", size))


def test_a_figure_stands_beside_the_weights_it_belongs_to():
    drawn()
    said = words(opened("train", backbone="mobilenetv2_0.5", size="224"))
    assert "of ImageNet's validation pictures right" not in said
    assert "73.7 % of five kinds of flowers" in said and "never saw ImageNet as a whole" in said
    said = words(opened("train", backbone="mobilenetv2_0.5", size="224", weights="patterns"))
    assert "a wrong source, for comparison" in said and "73.7 %" not in said
    said = words(opened("train", backbone="mobilenetv2_0.5", size="224", weights="imagenet"))
    assert "65.4 % of ImageNet's validation pictures right" in said


def test_a_sigmoid_unit_gives_way_to_softmax_where_there_are_more_than_two_classes():
    drawn()
    test = opened("train")
    test.button_group(key="train_preset").set_value("cats_dogs").run()
    assert "softmax takes the place" in words(test)
    assert not start_button(test).disabled


@pytest.mark.parametrize("name", PRESETS)
def test_a_link_brings_back_what_it_was_made_from(name):
    config = PRESETS[name].config("")
    assert settings.from_link(settings.link(config)) == config


def test_a_link_fills_in_the_page_and_the_page_gives_the_same_link_back():
    dataset = drawn()
    test = opened("train", backbone="vgg16", frozen="4", epochs="7", rate="1e-05", early="3")
    said = words(test)
    assert "4 of 5 blocks frozen" in said
    start_button(test).click().run()
    config = store.all()[0].config
    assert (config.backbone.name, config.backbone.image_size, config.early_stopping) == ("vgg16", 150, 3)
    assert (config.phases[0].frozen_blocks, config.phases[0].epochs, config.phases[0].learning_rate) == (4, 7, 1e-5)
    link = settings.link(config)
    assert {"backbone": "vgg16", "frozen": "4", "epochs": "7", "rate": "1e-05", "early": "3"}.items() <= link.items()
    assert settings.from_link(link) == config
    assert config.data.dataset == dataset.id


@pytest.mark.parametrize(
    "query",
    [{"frozen": "many"}, {"backbone": "vgg16", "frozen": "99"}, {"epochs": "0"}, {"from": "20200101-000000-abcdef"}],
)
def test_a_link_that_makes_no_sense_is_explained_and_the_page_still_works(query):
    drawn()
    test = opened("train", **query)
    assert test.error
    assert not start_button(test).disabled


def test_training_again_takes_over_an_earlier_runs_settings():
    dataset = drawn()
    run = run_of(recipe(dataset, "two_phases", batch_size=16, seed=7), *trained(), events.Finished())
    test = opened("train", **{"from": run.id})
    start_button(test).click().run()
    [again] = [other for other in store.all() if other.id != run.id]
    assert again.config == run.config


def test_pictures_chosen_on_another_page_are_the_ones_to_train_on():
    first, second = drawn(), drawn(["cats", "dogs"])
    test = opened("train")
    assert test.selectbox(key="train_dataset").value in (first.id, second.id)
    for dataset in (first, second):
        test.session_state["session_dataset"] = dataset.id
        test.run()
        assert test.selectbox(key="train_dataset").value == dataset.id


def test_pictures_that_are_deleted_meanwhile_are_no_longer_offered():
    dataset = drawn()
    test = opened("train")
    datasets.delete(dataset.id)
    test.run()
    assert not test.exception
    assert start_button(test).disabled


def test_random_weights_and_a_rate_too_high_are_pointed_out():
    drawn()
    test = opened("train", weights="random", frozen="0")
    assert "From scratch" in words(test)
    assert "Random weights" in words(test)
    test = opened("train", frozen="2", rate="0.01")
    assert "soon overwrites" in words(test)
