"""Sample pictures as a way in: drawn as the sliders say, and downloads with their licence, also without a network."""

import re
import time

import pytest

from pages.material import sample_pictures
from tests import loopback
from tests.images.data.test_samples import CATS_DOGS, of
from tests.pages.made import ME, drawn, opened, words
from tl_core.base import download
from tl_core.images.data import dataset as datasets
from tl_core.images.data import jobs, samples

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


@pytest.fixture
def home(monkeypatch):
    """The official home of two small sets, on this computer."""
    rows = (of("cats_dogs", CATS_DOGS), samples.SAMPLES["malaria"])
    monkeypatch.setattr(samples, "SAMPLES", {row.key: row for row in rows})
    with loopback.serving(CATS_DOGS) as state:
        monkeypatch.setenv("TL_SAMPLES_URL", state.url)
        monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(download, "PAUSE", 0.01)
        yield state


def ended(test):
    """The page once its job has ended; tests have no browser, so nobody ticks."""
    deadline = time.monotonic() + 20
    while any(job.active for job in jobs.of(ME)) and time.monotonic() < deadline:
        time.sleep(0.02)
    test.run()
    assert not test.exception
    return test


def preview(test) -> str:
    return next(element.proto.body for element in test.get("html") if "tl-preview" in element.proto.body)


def to_download(language: str = "en"):
    test = opened("data", language)
    return test.button_group(key="data_origin").set_value("download").run()


@LANGUAGES
def test_drawn_pictures_are_never_called_photographs(language):
    test = opened("data", language)
    said = words(test)
    assert ("Not photographs: this app draws these pictures" if language == "en" else "不是照片") in said
    assert preview(test).count("<img") == sample_pictures.PREVIEW
    assert "data:image/jpeg;base64," in preview(test)


def test_the_preview_follows_the_sliders_and_marks_wrong_labels():
    test = opened("data")
    seen = {preview(test)}
    assert "tl-wrong" not in preview(test).split("<style>")[0]
    test.slider(key="data_difficulty").set_value(1.0).run()
    seen.add(preview(test))
    test.button_group(key="data_gap").set_value("sketch").run()
    seen.add(preview(test))
    test.number_input(key="data_seed").set_value(7).run()
    seen.add(preview(test))
    test.slider(key="data_noise").set_value(50).run()
    seen.add(preview(test))
    assert re.search(r'<span class="tl-wrong">is a \w+</span>', preview(test))
    test.button_group(key="data_kind").set_value("animals").run()
    assert {"cat", "dog"} == set(re.findall(r"<figcaption>(\w+)", preview(test)))
    assert len(seen) == 5


def test_what_is_drawn_is_what_the_sliders_say_and_becomes_the_dataset():
    test = opened("data")
    test.button_group(key="data_kind").set_value("animals")
    test.slider(key="data_per_class").set_value(10)
    test.slider(key="data_noise").set_value(20).run()
    assert "20 pictures in 2 classes" in words(test)
    ended(test.button(key="data_draw").click().run())
    [summary] = datasets.available()
    assert summary.name == "Drawn cats and dogs (10 a class, 20 % wrong labels)"
    assert (summary.classes, summary.images, summary.owner) == (("cat", "dog"), 20, ME)
    assert not test.button(key="data_train").disabled


@LANGUAGES
def test_a_download_tells_its_size_and_licence_and_becomes_the_dataset(home, language):
    test = to_download(language)
    said = words(test)
    assert "Asirra" in said and "Rajaraman" in said
    assert "353 MB" in "".join(badge.value for badge in test.get("badge")) or "353" in said
    ended(test.button(key="data_sample_cats_dogs").click().run())
    [summary] = datasets.available()
    assert (summary.images, summary.owner) == (56, ME)


def test_of_each_class_as_many_as_asked_for_are_brought_in_and_next_time_without_a_network(home):
    test = to_download()
    test.button_group(key="data_limit").set_value("20").run()
    ended(test.button(key="data_sample_cats_dogs").click().run())
    asked = len(home.asked)
    test = to_download()
    assert "On this computer" in words(test)
    assert test.button(key="data_sample_cats_dogs").label == "Bring in"
    test.button_group(key="data_limit").set_value("20").run()
    ended(test.button(key="data_sample_cats_dogs").click().run())
    gets = [path for path, _range in home.asked[asked:] if "cats_and_dogs" in path]
    assert not gets
    assert len(datasets.available()) == 1


@LANGUAGES
def test_without_a_network_the_two_alternatives_are_named_before_and_after_the_click(home, monkeypatch, language):
    drawn()  # the ways in lie behind an expander
    monkeypatch.setenv("TL_SAMPLES_URL", "http://127.0.0.1:9/")
    test = to_download(language)
    [warning] = [warning.value for warning in test.warning if "fetch --samples cats_dogs" in warning.value]
    ended(test.button(key="data_sample_cats_dogs").click().run())
    [error] = [error.value for error in test.error]
    assert "127.0.0.1" in error and "fetch --samples cats" in error
    for text in (warning, error):
        assert ("drawn" in text and "of your own" in text) if language == "en" else ("绘制" in text)
    assert test.button(key="data_sample_cats_dogs")  # and the way to try again is where it was
    assert test.get("expander")[0].proto.expanded


def test_a_download_that_is_stopped_says_that_what_arrived_is_kept(home, monkeypatch):
    home.behaviours = ["stall"]  # some arrives, and no more until the test is over
    monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "300")
    home.content = CATS_DOGS
    test = to_download()
    test.button(key="data_sample_cats_dogs").click().run()
    [job] = [job for job in jobs.of(ME) if job.active]
    deadline = time.monotonic() + 20
    while not jobs.get(job.id).done and time.monotonic() < deadline:
        time.sleep(0.02)
    test.run()
    assert re.search(r"Downloading Cats and dogs: \d+ of \d+ MB", words(test))
    test.button(key="upload_stop").click().run()
    ended(test)
    assert "Stopped. What has been downloaded of Cats and dogs is kept" in words(test)
    assert not datasets.available()
