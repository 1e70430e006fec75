"""The map of the features on a run's report: offered, made by the engine, kept, and what a loop around points chooses.

The engine is a stand-in that keeps a map made of drawn numbers; what it really makes is tested with the task.
"""

import numpy as np
import pytest

from pages.tasks.image_classification import feature_map as page
from tests.pages.made import drawn, opened, recipe, reported, run_of, trained, words
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.images.data.split import split
from tl_core.tasks.image_classification import feature_map
from tl_core.tasks.image_classification.feature_map import Moved
from tl_core.training import checkpoint

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


class Engine:
    """Makes maps of features in which the classes lie apart; before training they do not."""

    def __init__(self, run, dataset):
        self.run, self.dataset, self.asked, self.networks, self.kept = run, dataset, [], 2, None
        checkpoint.best_path(run.folder).write_bytes(b"weights")

    def lay_out(self, run_id, layout, status):
        self.asked.append((run_id, layout))
        status(message("Looking at the pictures: {done} of {total}", done=1, total=6))
        if feature_map.load(self.run.folder, "pca") is None:
            self._look()
        if layout == "tsne":
            feature_map.lay_out(self.run.folder)
        return feature_map.load(self.run.folder, layout)

    def _look(self):
        indices = split(self.dataset, self.run.config.data).validation
        true = np.array([self.dataset.images[index].label for index in indices])
        noise = np.random.default_rng(0).normal(size=(len(true), 8)).astype(np.float32)
        after = noise + 50 * np.eye(3, 8, dtype=np.float32)[true]
        predicted = true.copy()
        predicted[0] = (true[0] + 1) % 3
        features = (after, noise)[: self.networks]
        moved = (Moved("stem", 0.0, 0.0), Moved("block1", 0.25, 0.0))
        about = (self.run.folder, self.run.config, self.dataset, indices, len(indices), predicted, features)
        feature_map.save(*about, moved, self.kept)


@pytest.fixture
def maps(monkeypatch):
    """What the component was last given, and what is chosen in it."""
    seen = {"chosen": []}

    def drawn_map(figure, dataset, pictures, names, lines, **about):
        seen.update(figure=figure, dataset=dataset, pictures=pictures, lines=lines, **about)
        return seen["chosen"]

    monkeypatch.setattr(page, "picture_map", drawn_map)
    return seen


@pytest.fixture
def engine(monkeypatch):
    dataset = drawn()
    run = run_of(recipe(dataset), events.Started(device="CPU"), *trained(), events.Finished(best_epoch=3))
    reported(run, dataset, wrong=1)
    stand_in = Engine(run, dataset)
    monkeypatch.setattr(client, "lay_out", stand_in.lay_out)
    return stand_in


@LANGUAGES
def test_the_map_is_made_on_a_click_kept_and_laid_out_anew(engine, maps, language):
    test = opened("run", language, run=engine.run.id)
    assert not engine.asked and "figure" not in maps, "nothing is computed before somebody asks"
    test.button(key="features_go").click().run()
    assert not test.exception
    assert engine.asked == [(engine.run.id, "pca")]
    assert len(maps["figure"]["maps"]) == 2 and maps["dataset"] == engine.dataset.id
    assert "100.0 %" in words(test) and "1,280" not in words(test)
    assert not [button for button in test.button if button.key == "features_stop"], "it is over"
    maps.clear()
    maps["chosen"] = []
    again = opened("run", language, run=engine.run.id)
    assert len(maps["pictures"]) > 3 and len(engine.asked) == 1, "a second look asks nobody"
    first = maps["revision"]
    again.button_group(key=f"features_how_{engine.run.id}").set_value("tsne").run()
    assert not again.exception
    assert engine.asked[1:] == [(engine.run.id, "tsne")] and maps["revision"] != first
    assert "t-SNE" in words(again) and "jmlr.org" in words(again)


def test_a_loop_around_points_shows_their_pictures_the_mistaken_first(engine, maps):
    test = opened("run", run=engine.run.id)
    test.button(key="features_go").click().run()
    assert "Draw a loop" in words(test)
    maps["chosen"] = [2, 0]
    test = opened("run", run=engine.run.id)
    said = words(test)
    assert "2 pictures are chosen, 1 of them mistaken" in said and "→" in maps["lines"][0]
    places = [said.rindex(maps["pictures"][number]) for number in (0, 2)]
    assert places == sorted(places), "the mistaken one first"


def test_a_frozen_backbone_has_one_map_and_why_is_said(engine, maps):
    engine.networks = 1
    test = opened("run", run=engine.run.id)
    test.button(key="features_go").click().run()
    assert len(maps["figure"]["maps"]) == 1
    assert "all blocks were frozen, so" in words(test)
    assert "What fine-tuning changed" not in words(test)


@pytest.mark.parametrize("kept", [None, np.array([True] * 3 + [False])])
def test_what_fine_tuning_changed_is_said_with_or_without_a_head_of_the_source_task(engine, maps, kept):
    engine.kept = kept
    test = opened("run", run=engine.run.id)
    test.button(key="features_go").click().run()
    said = words(test)
    assert "block1 has moved most: by 25.0 %" in said and "1 of 2 blocks have not moved" in said
    assert ("75.0 % of 4 validation pictures" in said) == (kept is not None)
    assert ("cannot be told here" in said) == (kept is None)


def test_fine_tuning_that_was_no_better_is_not_called_freezing(engine, maps, monkeypatch):
    engine.networks = 1
    monkeypatch.setattr(page, "boundary", lambda row, frozen: len(row.blocks) - 1)
    test = opened("run", run=engine.run.id)
    test.button(key="features_go").click().run()
    assert "what came after it was no better" in words(test)


def test_what_goes_wrong_is_said_and_can_be_asked_again(engine, maps, monkeypatch):
    def refused(*arguments, **options):
        raise UserError(message("The model process ended."), message("Try again."))

    monkeypatch.setattr(client, "lay_out", refused)
    test = opened("run", run=engine.run.id)
    test.button(key="features_go").click().run()
    assert "**The model process ended.** Try again." in words(test) and not test.exception
    test.run()
    assert [button for button in test.button if button.key == "features_go"]
