"""Damaged runs beside whole ones: every page comes up and shows what is readable; the whole ones are untouched."""

import errno
import json
import os

import pytest

from tests.pages.made import ME, drawn, opened, recipe, reported, run_of, trained, words
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.runs import queue, store
from tl_core.runs.store import Run
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus

DAMAGED = ("damaged", "cannot be read", "cannot be frozen", "no backbone", "Choose a number")  # what a page says of it
SILENT = (
    "whole",
    "no meta",
    "a report of nothing",
    "a text whose words are gone",
    "more frozen than there is",
)  # their curves are whole


def started() -> events.Started:
    return events.Started(pid=1, device="CPU")


@pytest.fixture
def shelf(tl_home) -> dict[str, Run]:
    """One run of each kind of damage, by what is damaged, and a whole one."""
    pictures, text = drawn(), corpus.paste("Once upon a time there was a king. " * 99, name="tale", owner=ME)
    config, told = recipe(pictures), TextConfig(text.id)
    done = [started(), *trained(), events.Finished(best_epoch=3, metrics={"accuracy": 0.9})]
    made = {"whole": run_of(config, *done, name="the whole one")}
    for name, line in {
        "no time": {"kind": "finished", "t": None},
        "a year like no other": {"kind": "finished", "t": 1e300},
        "texts for numbers": {"kind": "epoch", "t": 1.0, "epoch": "two", "loss": "low", "val_loss": {}},
        "numbers for texts": {"kind": "phase", "t": 1.0, "phase": 7, "unit": [], "total": -5},
        "no batches": {"kind": "batch", "t": 1.0, "step": -1, "batches": 0, "loss": None},
        "an open sentence": {"kind": "warning", "t": 1.0, "message": {"message": {"text": "{x}", "values": {"y": 1}}}},
        "strange metrics": {"kind": "finished", "t": 1.0, "best_epoch": 1, "metrics": {"accuracy": "good"}},
        "fewer frozen than none": {"kind": "phase", "t": 1.0, "phase": "head", "frozen_blocks": -99},
    }.items():
        made[name] = run_of(config, started(), *trained(), name=name)
        events.append_line(made[name].log, line)
        store.status(made[name])  # its worker is dead
    for name, change in {
        "ten of six blocks": {"phases": [{"frozen_blocks": 10, "epochs": 1}]},
        "an unknown backbone": {"backbone": {"name": "no_such_net", "weights": "imagenet", "image_size": 224}},
        "a list for a number": {"batch_size": [1]},
        "another kind": {"kind": "sound"},
    }.items():
        made[name] = run_of(config, *done, name=name)
        (made[name].folder / "config.json").write_text(json.dumps(config.to_json() | change))
    made["a text run with 30 blocks"] = run_of(told, *done, name="a text run with 30 blocks")
    (made["a text run with 30 blocks"].folder / "config.json").write_text(
        json.dumps(told.with_phase(frozen_blocks=30).to_json())
    )
    made["a text whose words are gone"] = run_of(told, *done, name="a text whose words are gone")
    (text.folder / "text.txt").unlink()
    made["no meta"] = run_of(config, *done, name="lost")
    (made["no meta"].folder / "meta.json").write_text(json.dumps({"name": 7, "tags": {}, "owner": ME, "created": "x"}))
    made["a report of nothing"] = run_of(config, *done, name="a report of nothing")
    reported(made["a report of nothing"], pictures)
    path = made["a report of nothing"].folder / "report-validation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"confusion": [[1]], "scores": [None]}))
    (made["a report of nothing"].folder / "labels.json").write_text('{"a": 1}')
    made["a log that is a folder"] = run_of(config, name="a log that is a folder")
    made["a log that is a folder"].log.unlink()
    made["a log that is a folder"].log.mkdir()
    more = [started(), events.Phase(phase="head", total=3, unit="epochs", frozen_blocks=99), *trained()[1:]]
    made["more frozen than there is"] = run_of(config, *more, events.Finished(best_epoch=3), name="more")
    return made


def test_every_page_for_everybody_comes_up_beside_damaged_runs(shelf: dict[str, Run]):
    queue.submit((last := store.create(shelf["whole"].config, owner=ME)).id)
    for page in ("welcome", "train", "finetune", "classify", "data", "generate"):
        opened(page)
    test = opened("runs", compare=",".join(run.id for run in shelf.values()))
    listed = test.dataframe[0].value
    assert set(listed["name"]) >= {"the whole one", "ten of six blocks", "no time", "a text run with 30 blocks"}
    assert [run.id for run in queue.waiting()] == [last.id], "the queue goes on"


def test_each_damaged_run_shows_what_is_readable(shelf: dict[str, Run]):
    for name, run in shelf.items():
        said = words(opened("run", run=run.id))
        if name in SILENT:
            assert "Finished" in said and "damaged and was left out" not in said
        else:
            assert any(word in said for word in DAMAGED), (name, said)
        if name not in ("a log that is a folder", "a text run with 30 blocks", "a text whose words are gone"):
            assert "accuracy" in said.lower(), f"{name}: its curves are still there"


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("page", ["welcome", "runs", "train", "data", "classify", "finetune"])
def test_a_page_says_that_it_is_the_disk_and_what_to_do(tl_home, monkeypatch, page: str, number: int):
    def refused(*anything: object) -> list:
        raise OSError(number, os.strerror(number), str(tl_home / "runs"))

    for module, name in ((store, "all"), (corpus, "corpora"), (datasets, "available")):
        monkeypatch.setattr(module, name, refused)
    said = words(opened(page))
    assert "disk" in said and ("Free some space" in said or "goes on by itself" in said)


def test_a_click_on_a_disk_that_takes_nothing_says_so(tl_home, monkeypatch: pytest.MonkeyPatch):
    run = run_of(recipe(drawn()), started(), *trained(), events.Stopped(best_epoch=3))
    test = opened("run", run=run.id)

    def refused(*anything: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(events, "append", refused)
    test.button(key="run_resume").click().run()
    assert not test.exception
    assert "may not write to its disk" in words(test)
