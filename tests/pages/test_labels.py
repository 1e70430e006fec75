"""The page of wrong labels: one click, a growing curve, suspects that can be put right where nobody planted them."""

from dataclasses import replace

import pytest

from pages.labs.labels import setup
from pages.material import tidy
from tests.pages.made import ME, drawn, opened, run_of, words
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig
from tl_core.labs.labels.config import LabelsConfig
from tl_core.runs import store
from tl_core.runs.store import Run

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def log(dataset: Dataset, planted: bool, *ending: events.Event) -> list[events.Event]:
    """The events of an experiment with two seeds; the first four pictures are suspects."""
    judging = [[image.id, image.key, image.label] for image in dataset.images[-6:]]
    right = [label for _id, _key, label in judging]
    wrong = [(right[0] + 1) % 3, *right[1:]]
    parts = {"searched": 24, "judge": "test", "classes": list(dataset.classes), "pictures": judging}
    rows = [
        {
            "picture": image.id,
            "key": image.key,
            "given": dataset.classes[image.label],
            "likely": "triangle",
            "confidence": 0.02,
            "other": 0.9,
            "planted": planted and number < 3,
        }
        for number, image in enumerate(dataset.images[:4])
    ]
    found: list[events.Event] = [
        events.Started(),
        events.Artifact(name="parts", payload=parts),
        events.Phase(phase="seeds", total=2, unit="seeds"),
    ]
    for seed in (0, 1):
        if planted:
            found += [
                events.Trial(arm="search", place=f"{at}", seed=seed, metrics={"looked_at": at, "found": value})
                for at, value in ((0.05, 0.5), (0.1, 0.8), (1.0, 1.0))
            ]
        if seed == 0:
            found.append(events.Artifact(name="suspects", payload={"rows": rows}))
        for arm, value in {"given": 5 / 6, "cleaned": 1.0}.items():
            found.append(events.Trial(arm=arm, place="head", seed=seed, metrics={"val_accuracy": value, "flagged": 3}))
        payload = {"given": wrong, "cleaned": right}
        found.append(events.Artifact(name="predictions", step=seed, payload=payload))
    return [*found, *ending]


def searched(planted: bool, *ending: events.Event, owner: str = ME, **about: object) -> tuple[Run, Dataset]:
    dataset = drawn()
    config = LabelsConfig(DataConfig(dataset.id), planted=0.05 if planted else 0.0, seeds=2, **about)
    return run_of(config, *log(dataset, planted, *ending), owner=owner), dataset


@LANGUAGES
def test_one_click_queues_one_experiment_and_shows_it(language):
    assert opened("labels", language).info, "without pictures it says so"
    dataset = drawn()
    test = opened("labels", language)
    test.button_group(key="labels_guessed").set_value(70).run()
    test.button(key="labels_start").click().run()
    assert not test.exception
    [run] = store.all()
    assert run.config == replace(setup.usual(dataset.id), guess=70)
    assert (store.status(run), test.query_params["run"]) == ("queued", run.id)
    assert test.button(key="run_stop")


def test_where_nothing_is_planted_there_is_nothing_to_guess():
    drawn()
    test = opened("labels")
    test.button_group(key="labels_guessed").set_value(70).run()
    test.slider(key="labels_planted").set_value(0).run()
    assert not [group for group in test.button_group if group.key == "labels_guessed"]
    test.button(key="labels_start").click().run()
    assert (store.all()[0].config.planted, store.all()[0].config.guess) == (0, 0)


@LANGUAGES
def test_it_is_told_in_numbers_with_the_planted_marked_and_nothing_to_edit(language):
    run, _dataset = searched(True, events.Finished(), guess=30)
    test = opened("labels", language, run=run.id)
    said = words(test)
    keys = {button.key for button in test.button}
    assert "labels_right_remove" not in keys
    assert "80.0 %" in said
    if language == "en":
        assert "Among the 10 % most doubtful labels lie 80.0 %" in said
        assert "The guess was 30 %: 50 points too low." in said
        assert "1 of these 4 labels were not made wrong" in said
        assert said.count("made wrong ·") == 3
        assert "right: 0 → 2 of 2" in said


def test_while_it_goes_on_it_is_there_and_can_be_stopped():
    dataset = drawn()
    config = LabelsConfig(DataConfig(dataset.id), seeds=2)
    run = run_of(config, *log(dataset, True)[:9])
    test = opened("labels", run=run.id)
    assert "1 / 2" in words(test)
    test.button(key="run_stop").click().run()
    assert store.status(run) == "stopping"


def test_real_suspects_are_relabelled_in_place_and_the_next_search_has_them(monkeypatch):
    run, dataset = searched(False, events.Finished())
    first, second = (image.key for image in dataset.images[:2])
    chosen: list[str] = []
    monkeypatch.setattr(tidy, "image_grid", lambda dataset, shown, **_rest: [*chosen])
    test = opened("labels", run=run.id)
    assert "0 of 4 have been put right" in words(test)
    assert test.button(key="labels_right_likely").disabled
    assert "labels_again" not in {button.key for button in test.button}
    chosen[:] = [first]
    test.run()
    test.button(key="labels_right_likely").click().run()
    chosen[:] = [second]
    test.run()
    test.button(key="labels_right_remove").click().run()
    chosen.clear()
    test.run()
    present = datasets.load(datasets.latest(dataset.id))
    labels = {image.key: present.classes[image.label] for image in present.images}
    assert labels[first] == "triangle" and second not in labels
    assert "2 of 4 have been put right" in words(test)
    test.button(key="labels_again").click().run()
    assert [each.config.data.dataset for each in store.all() if each.id != run.id] == [present.id]


@pytest.mark.usefixtures("elsewhere")
def test_pictures_of_somebody_else_can_be_looked_at_but_not_changed():
    run, dataset = searched(False, events.Finished())
    kept = datasets.records.load(dataset.folder / "summary.json")
    datasets.write_json(dataset.folder / "summary.json", {**kept, "owner": "somebody else"})
    test = opened("labels", run=run.id)
    assert not [button for button in test.button if (button.key or "").startswith("labels_right")]
    assert "circle → triangle?" in words(test)
    datasets.delete(dataset.id)
    assert "The pictures themselves have been deleted." in words(opened("labels", run=run.id))
