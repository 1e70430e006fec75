"""The Runs page: the list, the comparison, and putting runs in order."""

import re

import pytest

from tests.pages.made import ME, drawn, opened, recipe, reported, run_of, trained, words
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.charts.style import PALETTE
from tl_core.images.data import dataset as datasets
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
STARTED = events.Started()


@pytest.fixture
def dataset():
    return drawn()


def finished(dataset, name, preset="quick", top=0.9, **options):
    run = run_of(
        recipe(dataset, preset), STARTED, *trained(top=top), events.Finished(best_epoch=3), name=name, **options
    )
    return run


def listed(test):
    return test.dataframe[0].value if test.dataframe else None


def compared(*runs):
    return {"compare": ",".join(run.id for run in runs)}


@LANGUAGES
def test_without_runs_the_page_leads_to_the_first_one(language):
    test = opened("runs", language)
    assert test.info
    assert not test.dataframe


@LANGUAGES
@pytest.mark.usefixtures("elsewhere")
def test_every_run_is_listed_with_settings_and_results(language, dataset):
    run = finished(dataset, "Frozen")
    reported(run, dataset, "test", wrong=0)
    store.tag(run.id, ["lesson 1"])
    two = recipe(dataset, "two_phases")
    run_of(two, owner="somebody", name="Theirs")
    test = opened("runs", language)
    assert list(listed(test)["name"]) == ["Frozen"], "at first the reader's own"
    table = listed(test.button_group(key="runs_whose").set_value("all").run())
    lines = {line["name"]: line for line in table.to_dict("records")}
    mine, theirs = lines["Frozen"], lines["Theirs"]
    assert (mine["accuracy"], mine["test"], mine["epochs"]) == (pytest.approx(0.9), 1.0, "15")
    assert (mine["pictures"], mine["backbone"]) == ("shapes", "EfficientNet-Lite0")
    assert list(mine["tags"]) == ["lesson 1"]
    assert theirs["epochs"] == " + ".join(str(phase.epochs) for phase in two.phases)
    assert " → " in theirs["frozen"]
    assert mine["who"] != theirs["who"]
    assert mine["status"] != theirs["status"]


def test_the_newest_run_comes_first(dataset):
    runs = [finished(dataset, name) for name in ("a", "b", "c")]
    names = [run.name for run in sorted(runs, key=lambda run: run.id, reverse=True)]
    assert list(listed(opened("runs"))["name"]) == names


@pytest.mark.parametrize(
    ("text", "found"), [("LESSON", {"Frozen"}), ("resnet shapes", {"Article"}), ("froz", {"Frozen"}), ("nothing", None)]
)
def test_the_list_is_searched_by_name_tag_pictures_and_backbone(dataset, text, found):
    store.tag(finished(dataset, "Frozen").id, ["lesson 1"])
    finished(dataset, "Article", "flowers")
    test = opened("runs")
    test.text_input(key="runs_search").set_value(text).run()
    assert not test.exception
    table = listed(test)
    assert (set(table["name"]) if table is not None else None) == found


@pytest.mark.usefixtures("elsewhere")
def test_the_readers_own_runs_stand_apart_from_those_of_others(dataset):
    finished(dataset, "Theirs, old", owner="somebody")
    mine = [finished(dataset, f"Mine {number}") for number in range(2)]
    finished(dataset, "Theirs, new", owner="somebody")
    own = [run.name for run in sorted(mine, key=lambda run: run.id, reverse=True)]
    test = opened("runs")
    assert list(listed(test)["name"]) == own
    names = list(listed(test.button_group(key="runs_whose").set_value("all").run())["name"])
    assert names[:2] == own
    assert set(names[2:]) == {"Theirs, old", "Theirs, new"}


@pytest.mark.usefixtures("elsewhere")
def test_who_has_no_runs_sees_those_of_others(dataset):
    finished(dataset, "Theirs", owner="somebody")
    assert list(listed(opened("runs"))["name"]) == ["Theirs"]


def test_at_the_servers_own_computer_there_is_only_one_person(dataset):
    finished(dataset, "Of another browser", owner="somebody")
    test = opened("runs")
    assert "who" not in listed(test)
    assert not [group for group in test.button_group if group.key == "runs_whose"]


@LANGUAGES
def test_selected_runs_are_compared(language, dataset):
    good, poor = finished(dataset, "Good", top=0.9), finished(dataset, "Poor", "scratch", top=0.4)
    test = opened("runs", language, **compared(good, poor))
    said = words(test)
    assert "90.0 %" in said
    assert "40.0 %" in said
    assert re.search(r"<mark>[^<]*</mark>", said), "what differs is marked"
    assert "ImageNet" in said


def test_only_what_differs_is_listed_until_all_is_asked_for(dataset):
    good, poor = finished(dataset, "Good"), finished(dataset, "Poor", "scratch")
    test = opened("runs", **compared(good, poor))
    assert "Learning rate" not in words(test)
    assert "<mark>128 px</mark>" in words(test)
    test.toggle(key="compare_all_image_classification").set_value(True).run()
    assert "Learning rate" in words(test)
    assert "<mark>1e-3</mark>" not in words(test)


def test_runs_with_equal_settings_are_called_that(dataset):
    test = opened("runs", **compared(finished(dataset, "A"), finished(dataset, "B")))
    assert "the same settings" in words(test)


def test_as_many_runs_as_colours_have_a_colour_each_and_keep_it(dataset):
    runs = [finished(dataset, f"run {number}") for number in range(len(PALETTE))]
    test = opened("runs", **compared(*runs))
    colours = dict(test.session_state["run_colours"])
    assert len({colours[run.id] for run in runs}) == len(PALETTE)
    test.query_params["compare"] = ",".join(run.id for run in runs[3:])
    test.run()
    assert all(test.session_state["run_colours"][run.id] == colours[run.id] for run in runs[3:])


def test_the_selection_stays_in_the_address_and_can_be_cleared(dataset):
    first, second = finished(dataset, "A"), finished(dataset, "B")
    test = opened("runs", **compared(first, second))
    assert set(test.query_params["compare"].split(",")) == {first.id, second.id}
    test.button(key="runs_clear").click().run()
    assert "compare" not in test.query_params


def test_an_address_with_runs_that_are_gone_does_no_harm(dataset):
    run = finished(dataset, "A")
    test = opened("runs", compare=f"20200101-000000-abcdef,{run.id},../..")
    assert test.query_params["compare"] == run.id


def test_a_selected_run_stays_selected_when_the_filter_hides_it(dataset):
    run = finished(dataset, "Frozen")
    finished(dataset, "Other")
    test = opened("runs", **compared(run))
    test.text_input(key="runs_search").set_value("other").run()
    assert list(listed(test)["name"]) == ["Other"]
    assert test.query_params["compare"] == run.id


@LANGUAGES
def test_runs_in_every_state_stand_side_by_side(language, dataset):
    queued = run_of(recipe(dataset))
    running = run_of(recipe(dataset), STARTED, *trained(epochs=2))
    failed = run_of(recipe(dataset), STARTED, events.Failed())
    unreadable = finished(dataset, "Unreadable")
    (unreadable.folder / "config.json").write_text("[")
    with try_lock(running.folder / "lock"):
        opened("runs", language, **compared(queued, running, failed, unreadable))


def test_runs_whose_pictures_are_gone_are_still_listed(dataset):
    run = finished(dataset, "A")
    datasets.delete(dataset.id)
    assert list(listed(opened("runs", **compared(run)))["pictures"]) == ["deleted"]


def test_a_run_is_renamed_and_tagged(dataset):
    run = finished(dataset, "A")
    test = opened("runs", **compared(run))
    test.text_input(key=f"name_{run.id}").set_value("Better name")
    test.text_input(key=f"tags_{run.id}").set_value("one， two,one")
    next(button for button in test.button if button.label == "Save").click().run()
    assert not test.exception
    changed = store.get(run.id)
    assert (changed.name, changed.tags) == ("Better name", ("one", "two"))
    assert list(listed(test)["name"]) == ["Better name"]


def test_runs_are_deleted_after_a_question_and_active_ones_stay(dataset):
    ended, active = finished(dataset, "Ended"), run_of(recipe(dataset), name="Waiting")
    test = opened("runs", **compared(ended, active))
    assert "Delete Ended" in words(test)
    assert "1 selected run stays" in words(test)
    test.button(key="manage_delete").click().run()
    assert not test.exception
    assert [run.id for run in store.all()] == [active.id]
    assert test.query_params["compare"] == active.id


@pytest.mark.usefixtures("elsewhere")
def test_other_peoples_runs_can_neither_be_renamed_nor_deleted(dataset):
    run = finished(dataset, "Theirs", owner="somebody")
    test = opened("runs", **compared(run))
    assert not [button for button in test.button if button.key == "manage_delete" or button.label == "Save"]
    assert store.get(run.id).owner != ME


def test_what_cannot_be_deleted_is_explained(dataset, monkeypatch):
    run = finished(dataset, "A")
    test = opened("runs", **compared(run))
    events.append(run.log, events.Queued())  # resumed in another window meanwhile
    test.button(key="manage_delete").click().run()
    assert "is active" in test.error[0].value
    assert store.get(run.id)
    with pytest.raises(UserError):
        store.delete(run.id)
