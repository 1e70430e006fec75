"""Every reader takes a file for input: whatever is in it, there is an answer, a UserError, or "there is none"."""

import contextlib
import errno
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import damaged
from tests.base.test_events import ALL, OLD
from tests.damaged import quickly
from tests.images.data.drawing import jpeg
from tl_core.base import events, records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.base.metrics import METRICS
from tl_core.charts import classification, comparison, confusion, curves, language
from tl_core.classification import report as reports
from tl_core.classification.report import ClassScore, Prediction, Report
from tl_core.engine import protocol
from tl_core.experiments import race
from tl_core.images.data import dataset as datasets
from tl_core.images.data.ingest import ingest
from tl_core.images.data.report import dataset_report
from tl_core.recordings import generation, labs, play
from tl_core.recordings.labs import GroupReplay, RecordedGroup
from tl_core.runs import queue, store
from tl_core.runs.burial import bury
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import DataConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.estimate import estimate, samples
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus

IMAGE = RunConfig(DataConfig("0123456789abcdef"), phases=(PhaseConfig(-1, 3), PhaseConfig(4, 2, name="fine-tuning")))
TEXT = TextConfig("0123456789abcdef")
SCORE = ClassScore("a", 2, 1, 1, 1.0, 0.5)
REPORT = Report(
    "validation", "0123456789abcdef", ("a", "b"), 0.5, 0.7, 0.6, (SCORE, replace(SCORE, name="b")), ((1, 1), (0, 2)),
    (Prediction("f" * 64, "a/1.jpg", 0, 1, 0.9, 0.1), Prediction("e" * 64, "b/1.jpg", 1, 1, 0.8, 0.8)), 1e9,
)  # fmt: skip
LINES = [event.to_json() for event in ALL] + [
    events.Epoch(epoch=2, step=9, metrics={"val_loss": 0.4}, best=True).to_json()
]
LINES += [json.loads(line) for line, _ in OLD]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    """A data folder for all examples of this file, which hypothesis runs in one test."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def shown(history: History) -> None:
    """Everything that pages draw of a log."""
    named = [curves.NamedHistory("a", history), curves.NamedHistory("b", history)]
    figures = [curves.live(history, list(METRICS), str, 5), language.live(history, str, 5)]
    figures += [curves.several(named, metric, str) for metric in METRICS]
    figures += [language.several(named, metric, str) for metric in language.METRICS]
    json.dumps(figures, allow_nan=False)
    said = [
        classification.reading(history, 3),
        language.reading(history),
        *(comparison.reading(named, key) for key in METRICS),
    ]
    said += [language.several_reading(named), *(curves.description(history, metric) for metric in METRICS)]
    said += [language.description(history, metric) for metric in language.METRICS]
    said += [notice.message for notice in history.notices]
    if history.error and history.error.error:
        said += [history.error.error.what, history.error.error.remedy]
    assert all(isinstance(str(sentence), str) for sentence in said)
    for seconds in (history.elapsed, history.remaining, history.rate, history.mean_rate):
        assert seconds is None or (math.isfinite(seconds) and seconds >= 0)
    assert 0 <= curves.position(history) < math.inf and isinstance(history.total_epochs, int)


@quickly
@given(lines=st.lists(st.sampled_from(LINES).flatmap(damaged.file), min_size=1, max_size=6), config=damaged.file({}))
def test_a_log_with_anything_in_it_is_drawn(home, tmp_path_factory, lines: list[bytes], config: bytes):
    folder = tmp_path_factory.mktemp("run")
    (folder / "config.json").write_bytes(config)
    whole = [json.dumps(line).encode() for line in LINES]
    (folder / "events.jsonl").write_bytes(b"\n".join([*whole[:6], *lines, *whole[6:]]) + b"\n")
    history = History(folder / "events.jsonl").update()
    shown(history)
    known = samples(IMAGE, events.read(folder / "events.jsonl")[0], "h")
    assert math.isfinite(estimate(IMAGE, 100, 20, known).seconds), "everybody's estimate is made of all logs"
    kept = len(history.epochs), len(progress.samples(history))
    assert kept >= (1, 1), "what is readable stays"


@quickly
@given(line=st.sampled_from(LINES).flatmap(damaged.damaged))
def test_an_event_that_is_taken_is_written_back_as_it_was(line: Any):
    event = events.parse(json.dumps(line).encode())
    if event is not None:
        again = events.parse(json.dumps(event.to_json()).encode())
        assert json.dumps(again.to_json()) == json.dumps(event.to_json())


@quickly
@given(
    content=st.sampled_from((IMAGE.to_json(), TEXT.to_json())).flatmap(damaged.file),
    meta=damaged.file({"name": "n", "tags": ["t"], "owner": "o", "created": 1e9}),
    worker=damaged.file({"pid": 4, "born": 5, "host": "h", "place": None}),
    log=st.lists(st.sampled_from(LINES).flatmap(damaged.file), max_size=3),
)
def test_a_run_with_anything_in_its_files_is_listed_and_stops_nobody(home, content, meta, worker, log):
    good = store.create(IMAGE, owner="somebody")
    queue.submit(good.id)
    bad = store.create(IMAGE, owner="me")
    (bad.folder / "config.json").write_bytes(content)
    (bad.folder / "meta.json").write_bytes(meta)
    (bad.folder / "worker.json").write_bytes(worker)
    bad.log.write_bytes(b"\n".join(log) + b"\n")
    try:
        run = next(run for run in store.all() if run.id == bad.id)
        assert (run.config is None) == (run.problem is not None)
        assert len(run.name.encode()) <= 320 and 0 <= run.created < 1e12
        if run.config:
            assert registry.title(run.config) and run.config.epochs >= 1
            if run.config.kind == "image":
                estimate(run.config, 100, 20)
        status = store.status(run)
        assert good.id in [run.id for run in queue.waiting()]
        found = store.worker(run)
        assert found is None or found.pid > 0
        for action in (queue.stop, queue.resume, store.delete) if status not in store.ACTIVE else ():
            with contextlib.suppress(UserError):
                action(run.id)
    finally:
        for run in (good, bad):
            (run.folder / "events.jsonl").unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):  # deleted above, as anybody may who owns it
                run.folder.rename(run.folder.with_name(f".deleted-{run.id}"))


@quickly
@given(content=damaged.file(asdict(REPORT)))
def test_a_report_with_anything_in_it_is_drawn_or_is_none(tmp_path_factory, content: bytes):
    folder = tmp_path_factory.mktemp("run")
    reports.path(folder, "validation").write_bytes(content)
    found = reports.load(folder, "validation")
    if found is not None:
        json.dumps(confusion.figure(found, str), allow_nan=False)
        said = (confusion.reading, confusion.description, confusion.classes_reading, confusion.mistakes_reading)
        assert all(str(sentence(found)) for sentence in said)
        for cell in confusion.cells(found):
            assert all((item.true, item.predicted) == cell for item in found.cell(*cell))
        assert len(found.mistakes) <= len(found.predictions)


def test_a_whole_report_is_read(tmp_path: Path):
    reports.save(REPORT, tmp_path)
    assert reports.load(tmp_path, "validation") == REPORT


@pytest.fixture(scope="module")
def pictures(home) -> datasets.Dataset:
    files = [(f"{name}/{number}.jpg", jpeg(number)) for name in "ab" for number in range(3)]
    return datasets.remove(ingest([*files, ("a/x.jpg", b"")], name="drawn"), ["a/1.jpg"])


@quickly
@given(data=st.data())
def test_a_dataset_with_anything_in_its_files_is_read_or_named(pictures: datasets.Dataset, data: st.DataObject):
    name = data.draw(st.sampled_from(("manifest.json", "summary.json", "edits.jsonl")))
    path = pictures.folder / name
    before = path.read_bytes()
    try:
        path.write_bytes(data.draw(damaged.file(json.loads(before))) + b"\n")
        for look in (datasets.load, datasets.summary, lambda id: dataset_report(datasets.load(id))):
            with contextlib.suppress(UserError):
                look(pictures.id)
        for summary in datasets.available():
            assert isinstance(summary.name.encode(), bytes) and summary.images >= 0
        with contextlib.suppress(UserError):
            found = datasets.load(datasets.latest(pictures.id))
            assert all(found.folder in found.path(image).parents for image in found.images)
            assert len(found.counts) == len(found.classes) and sum(found.counts) == len(found.images)
    finally:
        path.write_bytes(before)


@quickly
@given(data=st.data())
def test_a_text_with_anything_in_its_file_is_read_or_named(home, data: st.DataObject):
    text = corpus.paste("Once upon a time there was a king. " * 9, name="t")
    whole = json.loads((text.folder / "corpus.json").read_text())
    (text.folder / "corpus.json").write_bytes(data.draw(damaged.file(whole)))
    try:
        with contextlib.suppress(UserError):
            found = corpus.load(text.id)
            assert len(corpus.split(found, 0.1)) == 2 and all(str(reason) for _, reason in found.rejected)
        corpus.corpora()
    finally:
        (text.folder / "corpus.json").write_text(json.dumps(whole))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_text_whose_words_are_gone_is_named(tl_home, content: bytes | None):
    text = corpus.paste("Once upon a time.", name="tale")
    (text.folder / "text.txt").unlink()
    if content is not None:
        (text.folder / "text.txt").write_bytes(content)
    with pytest.raises(UserError, match="tale is damaged"):
        corpus.split(text, 0.1)


def test_a_text_for_which_the_disk_has_no_room_is_refused_and_leaves_nothing(tl_home, monkeypatch: pytest.MonkeyPatch):
    def full(*anything: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match="disk of the server is full"):
        corpus.paste("Once upon a time.", name="tale")
    assert list((tl_home / "texts").iterdir()) == []


@quickly
@given(data=st.data())
def test_a_recording_with_anything_in_its_files_is_left_out(tmp_path_factory, data: st.DataObject):
    source = data.draw(st.sampled_from(("frozen", "tale", "labels", "race")))
    folder = tmp_path_factory.mktemp("recordings") / source
    folder.mkdir()
    for path in (play.FOLDER / source).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    names = sorted(path.name for path in folder.iterdir())
    name = data.draw(st.sampled_from(names))
    whole = {} if name.endswith(".gz") else json.loads((folder / name).read_text())
    (folder / name).write_bytes(data.draw(damaged.file(whole)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(play, "FOLDER", folder.parent)
        for recording in play.all():
            shown(play.Replay(recording).at(recording.length))
            assert isinstance(str(recording.card.title), str)
            assert recording.report is None or len(recording.report.classes) == len(recording.report.scores)
        for experiment in labs.all():
            if isinstance(experiment, RecordedGroup):
                courses = GroupReplay(experiment).at(experiment.length)
                assert all(map(str, race.verdicts(courses, experiment.task)))
            else:
                shown(play.Replay(experiment).at(experiment.length))
        for recording in generation.all():
            assert len(recording.at(recording.length)) == recording.tokens and isinstance(str(recording.card), str)


@quickly
@given(content=damaged.file({"address": "/x/engine.sock", "key": "00" * 32, "pid": 7, "version": 2}))
def test_an_engine_card_with_anything_in_it_names_one_process_or_none(home, content: bytes):
    protocol._card().write_bytes(content)
    place = protocol.find()
    assert place is None or (place.pid > 0 and isinstance(place.key, bytes))


@quickly
@given(data=damaged.anything)
def test_a_sentence_out_of_a_file_can_always_be_put_together(data: Any):
    for text in ({"text": "{x} of {y}", "values": {"x": data, "y": 2}}, {"text": data, "values": {"x": 1}}, data):
        with contextlib.suppress(ValueError):
            assert isinstance(str(Message.from_json(text)), str)


def test_a_sentence_nested_without_end_is_refused():
    nested: Any = "x"
    for _ in range(300):
        nested = {"message": {"text": "{x}", "values": {"x": nested}}}
    line = {"kind": "warning", "t": 1.0, "message": nested}
    assert events.parse(json.dumps(line).encode()) is None


def test_what_is_read_says_which_value_is_wrong():
    with pytest.raises(ValueError, match="data: validation: 'x' is no number"):
        records.build(RunConfig, {"data": {"dataset": "d", "validation": "x"}})
    with pytest.raises(ValueError, match=r"wings.* is unknown"):
        records.build(TextConfig, {"corpus": "c", "wings": 2}, strict=True)
    with pytest.raises(ValueError, match="corpus is missing"):
        records.build(TextConfig, {})
    assert records.loads(r'"half \ud800, whole \ud83d\ude00"') == "half ?, whole 😀"


@pytest.mark.parametrize("named", ["no_such_net", "mobilenet_0.25"])
def test_a_config_that_no_network_can_have_is_refused_where_it_is_read(named: str):
    broken = IMAGE.to_json() | {"backbone": {"name": named, "weights": "random", "image_size": 128}}
    broken["phases"][0]["frozen_blocks"] = 10
    with pytest.raises(UserError, match=r"no_such_net|10 of them cannot be frozen"):
        registry.config(broken)
    with pytest.raises(UserError, match="frozen blocks"):
        registry.config(TEXT.with_phase(frozen_blocks=30).to_json())


def test_a_last_line_that_cannot_be_read_is_what_the_run_failed_of(tl_home):
    run = store.create(IMAGE, owner="me")
    queue.submit(run.id)
    events.append(run.log, events.Started())
    events.append_line(run.log, {"kind": "finished", "t": None, "best_epoch": 1})
    waiting = store.create(IMAGE, owner="me")
    queue.submit(waiting.id)
    assert [run.id for run in queue.waiting()] == [waiting.id]
    bury(run)
    assert store.status(run) == "failed"
    assert "damaged" in str(store.last_event(run).error.what)
    history = History(run.log).update()
    assert history.damaged == 1 and history.error is not None


def test_a_log_that_the_disk_does_not_give_is_a_failed_run(tl_home):
    run = store.create(IMAGE, owner="me")
    run.log.mkdir()
    assert store.status(run) == "failed" and queue.waiting() == []
    history = History(run.log).update()
    assert "cannot be read" in str(history.error.error.what) and not history.active
