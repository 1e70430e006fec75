"""Recordings: made from finished runs without who and where, read as real logs, replayed in recorded time."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pages.ui import i18n
from tests.conftest import REPOSITORY
from tests.pages.made import recipe, reported, run_of, trained
from tl_core import __main__ as command_line
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.events import Batch, Epoch, Finished, Notice, Phase, Progress, Started
from tl_core.base.messages import message
from tl_core.charts import classification, curves
from tl_core.images.data import drawn
from tl_core.recordings import play
from tl_core.recordings import record as recorder
from tl_core.recordings.play import Clock, Replay
from tl_core.recordings.record import record
from tl_core.runs import store
from tl_core.tasks.image_classification.config import BackboneConfig
from tl_core.text.pretrained.encoders import ENCODERS

LABS = ("cut", "labels", "sources")  # `test_labs` looks at these
SHIPPED = sorted({path.parent.name for path in play.FOLDER.glob("[a-z]*/config.json")} - set(LABS))
TEXTS = ("recipes",)  # a fine-tuned language model
NAMED = (*TEXTS, "reviews", "reviews_scratch")  # their logs were written when metrics had names already
NAMES = {"ImageNet", *(row.repository for row in ENCODERS.values())}  # the same in all languages
BEGAN = 1_790_000_000.0


@pytest.fixture
def shelf(tl_home, tmp_path, monkeypatch) -> Path:
    """An app whose recordings are only those that the test makes."""
    monkeypatch.setattr(play, "FOLDER", tmp_path / "recordings")
    return tmp_path / "recordings"


def spread(log: list[events.Event], start: float = BEGAN, step: float = 1.0) -> list[events.Event]:
    return [replace(event, t=start + step * number) for number, event in enumerate(log)]


def finished(*middle: events.Event, weights: str = "imagenet", owner: str = "ada-lovelace", **kinds) -> store.Run:
    """A run on drawn flowers that has finished: a second from each event to the next."""
    dataset = drawn.ingest_drawn(drawn.Drawing("flowers", per_class=5), owner)
    started = Started(pid=os.getpid(), host=socket.gethostname(), versions={"keras": "3.15"})
    config = recipe(dataset, **kinds)
    config = replace(config, backbone=replace(config.backbone, weights=weights))
    log = [started, *middle, *trained(4, phase=config.phases[0].name), Finished(best_epoch=4)]
    run = run_of(config, *spread(log), name="frozen", owner=owner)
    reported(run, dataset)
    return run


def words_of(folder: Path) -> str:
    return "\n".join(
        (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
        for path in folder.iterdir()
    )


# Making ---------------------------------------------------------------------------------------------------------------


def test_a_recording_is_the_runs_log_with_its_label(shelf):
    run = finished()
    folder = record(run.id, "frozen")
    assert folder == shelf / "frozen"
    made = play.get("frozen")
    original = [event for event in events.read(run.log)[0] if not isinstance(event, events.Queued)]
    assert [event.kind for event in made.events] == [event.kind for event in original]
    for ours, theirs in zip(made.events, original, strict=True):
        if not isinstance(ours, Started):
            assert recorder._short(ours) == recorder._short(theirs)  # five digits of every number
    assert made.config == run.config
    assert str(made.card.title) == "Drawn flowers, frozen backbone"
    assert str(made.card.weights) == "ImageNet"
    assert made.card.date == "2026-09-21"
    assert str(made.card.data) == "Drawn flowers: 15 pictures to train on, 5 to validate"
    assert f"CPU cores: {len(os.sched_getaffinity(0))}" in str(made.card.machine)
    assert made.card.classes == ("daisy", "dandelion", "rose", "sunflower", "tulip")
    assert made.report.predictions == () and made.report.confusion
    assert [recording.name for recording in play.all()] == ["frozen"]


def test_nothing_tells_who_or_where(shelf, tmp_path):
    file = tmp_path / "my own weights.h5"
    file.write_bytes(b"")
    notice = Notice(message=message("Weights from the local file {file}.", file=str(file)))
    run = finished(notice, weights=str(file))
    text = words_of(record(run.id, "mine", title="Mine", notice="Look."))
    private = ("ada-lovelace", socket.gethostname(), str(tmp_path), str(Path.home()), run.id)
    for word in private:
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text), word
    assert f'"pid":{os.getpid()}' not in text and "/" not in re.sub(r"</?\w", "", text).replace("\\/", "")
    made = play.get("mine")
    assert made.config.backbone.weights == file.name
    assert str(made.card.weights) == "a file of its maker's own"
    assert any(getattr(event, "message", None) and file.name in str(event.message) for event in made.events)


def test_what_cannot_be_stripped_is_refused_and_leaves_nothing(shelf):
    run = finished(Notice(message=message("Said by ada-lovelace herself.")))
    with pytest.raises(UserError, match="ada-lovelace"):
        record(run.id, "frozen")
    assert not shelf.exists() or not list(shelf.iterdir())


@pytest.mark.parametrize("ending", [None, events.Stopped(), events.Failed()])
def test_only_a_finished_run_is_recorded(shelf, ending):
    dataset = drawn.ingest_drawn(drawn.Drawing("flowers", per_class=5))
    log = [Started(), *trained()] + ([ending] if ending else [])
    run = run_of(recipe(dataset), *log)
    with pytest.raises(UserError, match="has not finished in one go"):
        record(run.id, "frozen")
    resumed = run_of(recipe(dataset), Started(), *trained(), events.Stopped(), events.Queued(), Started(), Finished())
    with pytest.raises(UserError, match="has not finished in one go"):
        record(resumed.id, "frozen")


def test_a_run_is_not_called_what_it_is_not(shelf):
    run = finished()
    for name in ("scratch", "fine_tuned", "cats_dogs", "flowers"):
        with pytest.raises(UserError, match="not what the recording would be called"):
            record(run.id, name)
    random = finished(weights="random")
    with pytest.raises(UserError, match="not what the recording would be called"):
        record(random.id, "frozen")
    with pytest.raises(UserError, match="no title"):
        record(run.id, "something_else")
    with pytest.raises(UserError, match="cannot be called"):
        record(run.id, "../elsewhere", title="x", notice="y")
    assert not shelf.exists()


def test_random_weights_in_the_articles_demo_are_said(shelf):
    from tests.images.data.drawing import jpeg
    from tl_core.images.data.ingest import ingest

    pictures = [(f"{name}/{n}.jpg", jpeg(k * 50 + n)) for k, name in enumerate(("cats", "dogs")) for n in range(10)]
    dataset = ingest(pictures, name="cats and dogs")
    notices = []
    for weights in ("imagenet", "random"):
        config = replace(recipe(dataset, "cats_dogs"), backbone=BackboneConfig("vgg16", weights, 150))
        run = run_of(config, *spread([Started(), *trained(), Finished()]))
        record(run.id, "cats_dogs")
        made = play.get("cats_dogs")
        notices.append(str(made.card.notice))
    assert str(made.card.weights) == "random"
    assert "nothing is transferred" in notices[1] and "nothing is transferred" not in notices[0]


def test_a_long_log_is_thinned_until_it_fits_and_keeps_its_epochs(shelf, monkeypatch):
    batches = [
        Batch(
            phase="head",
            epoch=1,
            step=n + 1,
            metrics={"loss": 1 + (n * 7919 % 1000) / 997, "accuracy": (n * 31 % 97) / 97},
        )
        for n in range(4000)
    ]
    progress = [Progress(phase="features", done=n, total=400, rate=n * 1.37) for n in range(400)]
    run = finished(*progress, *batches)
    monkeypatch.setattr(recorder, "LARGEST", 24_000)
    folder = record(run.id, "frozen")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 24_000
    made = play.get("frozen")
    kept = [event for event in made.events if isinstance(event, Batch)]
    assert sum(batch.batches for batch in kept) == 4000 + 4 and len(kept) < 2100
    assert [event.epoch for event in made.events if isinstance(event, Epoch)] == [1, 2, 3, 4]
    assert len([event for event in made.events if isinstance(event, Phase)]) == 1
    monkeypatch.setattr(recorder, "LARGEST", 500)
    with pytest.raises(UserError, match="larger"):
        record(run.id, "frozen")
    assert play.get("frozen")  # the earlier one stays


def test_the_command_line_records_and_says_where(shelf, capsys):
    run = finished()
    assert command_line.main(["record", run.id, "--name", "frozen", "--machine", "A laptop"]) == 0
    assert str(shelf / "frozen") in capsys.readouterr().out
    assert str(play.get("frozen").card.machine) == "A laptop"
    assert command_line.main(["record", "20200101-000000-abcdef", "--name", "frozen"]) == 1
    assert "There is no run" in capsys.readouterr().err


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["events", "card", "config", "torn", "backwards"])
def test_a_damaged_recording_is_left_out_and_explained(shelf, damage):
    run = finished()
    folder = record(run.id, "frozen")
    record(run.id, "second", title="Second", notice="Look.")
    log = folder / "events.jsonl.gz"
    lines = gzip.decompress(log.read_bytes()).splitlines()
    if damage == "events":
        log.write_bytes(b"no gzip")
    elif damage == "torn":
        log.write_bytes(gzip.compress(b"\n".join(lines[:-1])))
    elif damage == "backwards":
        log.write_bytes(gzip.compress(b"\n".join([lines[0], *lines[1:-1][::-1], lines[-1]])))
    elif damage == "card":
        (folder / "card.json").write_text("{}")
    else:
        (folder / "config.json").write_text(json.dumps({"phases": []}))
    play._read.cache_clear()
    assert [recording.name for recording in play.all()] == ["second"]
    with pytest.raises(UserError, match="frozen"):
        play.get("frozen")


@pytest.mark.parametrize("name", ["", "..", "../frozen", "absent", "A"])
def test_names_lead_nowhere_else(shelf, name):
    with pytest.raises(UserError, match="no recording called"):
        play.get(name)


def test_recordings_are_read_without_tensorflow():
    program = "import sys\nfrom tl_core.recordings import play, record\nplay.all()\n"
    program += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


# Replay ---------------------------------------------------------------------------------------------------------------


def test_the_history_grows_with_the_moment_and_can_go_back(shelf):
    run = finished(Notice(message=message("x")), Progress(phase="features", done=1, total=2))
    record(run.id, "frozen")
    made = play.get("frozen")
    assert (made.length, made.curves_begin, made.speed) == (12.0, 4.0, 1)
    replay = Replay(made)
    assert [len(replay.at(moment).epochs) for moment in (0, 4.9, 5, 6.5, 7, 11, 12)] == [0, 0, 1, 1, 2, 4, 4]
    assert replay.at(12).outcome is not None
    early = replay.at(5)
    assert (len(early.epochs), len(early.batches()), early.outcome) == (1, 1, None)
    assert early.total_epochs == run.config.epochs
    stepped = Replay(made)
    for tenth in range(130):
        grown = stepped.at(tenth / 10)
    whole = Replay(made).at(made.length)
    assert (grown.epochs, grown.batches(), grown.phases) == (whole.epochs, whole.batches(), whole.phases)


@pytest.mark.parametrize(
    ("length", "speed"), [(0.4, 0.1), (3, 0.1), (6, 1), (30, 1), (70, 2), (199, 5), (390, 10), (801, 50), (9000, 50)]
)
def test_a_replay_takes_no_longer_than_a_class_will_watch(shelf, length, speed):
    made = play.Recording("x", shelf, None, None, (Batch(), Finished()), (0.0, float(length)))
    assert made.speed == speed and made.speed in made.speeds
    assert set(play.SPEEDS) <= set(made.speeds)


def test_the_clock_turns_wall_time_into_recorded_time():
    clock = Clock(position=4.0, speed=10)
    assert clock.at(100, 60) == 4.0 and not clock.playing(100, 60)
    clock = clock.play(100, 60)
    assert [clock.at(now, 60) for now in (100, 101, 102.5, 105.7, 500)] == [4, 14, 29, 60, 60]
    assert clock.playing(105.5, 60) and not clock.playing(105.7, 60)
    paused = clock.pause(102, 60)
    assert paused.at(500, 60) == 24 and not paused.playing(500, 60)
    on = paused.play(500, 60)
    assert on.at(501, 60) == 34
    faster = on.at_speed(50, 501, 60)
    assert (faster.at(501, 60), faster.at(501.2, 60)) == (34, pytest.approx(44))
    assert paused.at_speed(50, 600, 60).at(700, 60) == 24
    end = faster.go(60, 501.3)
    assert end.at(501.3, 60) == 60 and not end.playing(501.3, 60)
    assert clock.at(90, 60) == 4  # the wall clock was set back


# What is shipped ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHIPPED, reason="NO RECORDINGS IN THIS CHECKOUT: what is shipped was not looked at")
def test_shipped_recordings_are_sound_labelled_and_say_nobodys_name():
    found = play.all()
    assert [recording.name for recording in found if recording.name in SHIPPED] and len(found) == len(SHIPPED)
    chinese = i18n.catalogue("zh").gettext
    for recording in found:
        size = sum(path.stat().st_size for path in recording.folder.iterdir())
        assert size < recorder.LARGEST
        card = recording.card
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", card.date) and str(card.machine)
        for text in (card.title, card.notice, card.weights, card.data):
            assert text.translated(chinese) != str(text) or str(text) in NAMES, text
        [started] = [event for event in recording.events if isinstance(event, Started)]
        assert (started.pid, started.host) == (0, "") and started.versions["tensorflow"]
        assert not [event for event in recording.events if isinstance(event, events.Queued)]
        text = words_of(recording.folder)
        assert not re.search(r"/(home|root|work|tmp|Users)\b|[A-Z]:\\\\", text)
        assert Replay(recording).at(recording.length).best


@pytest.mark.skipif(not SHIPPED, reason="NO RECORDINGS IN THIS CHECKOUT: what is shipped was not looked at")
@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in NAMED])
def test_a_shipped_recording_of_an_earlier_version_shows_what_its_lines_say(name):
    """Their logs were written when loss and accuracy were fields; not a line and not a number may be lost."""
    recording = play.get(name)
    log = gzip.decompress((recording.folder / "events.jsonl.gz").read_bytes())
    lines = [json.loads(line) for line in log.splitlines()]
    history = Replay(recording).at(recording.length)
    epochs = [line for line in lines if line["kind"] == "epoch"]
    batches = [line for line in lines if line["kind"] == "batch"]
    fields = ("loss", "accuracy", "val_loss", "val_accuracy")
    assert len(recording.events) == len(lines) and len(history.epochs) == len(epochs) > 3
    for event, line in zip(history.epochs, epochs, strict=True):
        assert event.metrics == {field: line[field] for field in fields}
        assert (event.rate, event.best, event.step) == (line["images_per_second"], line["best"], line["step"])
    told = history.batches(len(batches))
    assert [event.metrics for event in told] == [{field: line[field] for field in fields[:2]} for line in batches]
    figures = curves.live(history, classification.METRICS, str)
    for key, figure in figures.items():
        drawn_lines = {trace["uid"]: trace["y"] for trace in figure["data"]}
        assert drawn_lines["training"] == [line[key] for line in epochs]
        assert drawn_lines["validation"] == [line[f"val_{key}"] for line in epochs]
