"""The page that fine-tunes text: ways in, the report, what is set, and what is queued; no worker is started."""

import io
import zipfile

import pytest

from pages.components import session
from tests.pages.made import ME, opened, words
from tl_core.runs import store
from tl_core.text import corpus, grammar

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
STORY = "\n\n".join(f"The king of hill {n} had {n + 2} sons, and the youngest was kind." for n in range(200))


@pytest.fixture
def text():
    return corpus.paste(STORY, name="Kings", owner=ME)


def only_run():
    [run] = store.all()
    return run


@LANGUAGES
def test_without_a_text_the_page_offers_the_ways_in(language):
    test = opened("finetune", language)
    assert {"text_sample_weather", "text_sample_lesson", "text_sample_sherlock", "text_paste"} <= {
        button.key for button in test.button
    }
    assert "tune_start" not in {button.key for button in test.button}


@LANGUAGES
@pytest.mark.parametrize("sample", ["weather", "recipes", "lesson"])
def test_one_click_brings_a_sample_in_and_a_second_one_trains(language, sample):
    test = opened("finetune", language)
    test.button(key=f"text_sample_{sample}").click().run()
    assert not test.exception
    assert not test.error
    assert int(test.metric[1].value.replace(",", "")) > 3000, "tokens to train on"
    test.button(key="tune_start").click().run()
    run = only_run()
    assert store.status(run) == "queued"
    assert (run.config.kind, run.config.model, run.config.corpus) == ("text", "tales", corpus.corpora(ME)[0].id)
