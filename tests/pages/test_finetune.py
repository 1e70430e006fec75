"""The page that fine-tunes text: ways in, the report, what is set, and what is queued; no worker is started."""

import io
import time
import zipfile

import pytest

from tests.pages.conftest import come_from
from tests.pages.made import ME, opened, words
from tl_core.base.paths import ASSETS
from tl_core.runs import queue, store
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
STORY = "\n\n".join(f"The king of hill {n} had {n + 2} sons, and the youngest was kind." for n in range(200))


@pytest.fixture
def text():
    return corpus.paste(STORY, name="Kings", owner=ME)


def only_run():
    [run] = store.all()
    return run


def paste(test, text):
    area = next(area for area in test.text_area if area.key.startswith("text_pasted"))
    area.set_value(text)
    return test.button(key="text_paste").click().run()


def start(test):
    return test.button(key="tune_start")


def files(test, *given):
    [box] = test.file_uploader
    return box.set_value([(name, data, "text/plain") for name, data in given]).run()


@LANGUAGES
def test_without_a_text_the_page_offers_the_ways_in(language):
    test = opened("finetune", language)
    buttons = {button.key for button in test.button}
    assert {"text_sample_weather", "text_sample_lesson", "text_sample_sherlock", "text_paste"} <= buttons
    assert "tune_start" not in buttons


@LANGUAGES
@pytest.mark.parametrize("sample", ["weather", "lesson"])
def test_one_click_brings_a_sample_in_and_a_second_one_trains(language, sample):
    test = opened("finetune", language)
    test.button(key=f"text_sample_{sample}").click().run()
    assert not test.exception
    assert not test.error
    assert int(test.metric[1].value.replace(",", "")) > 3000, "tokens to train on"
    start(test).click().run()
    run = only_run()
    assert store.status(run) == "queued"
    assert (run.config.kind, run.config.model, run.config.corpus) == ("text", "tales", corpus.corpora()[0].id)


@LANGUAGES
def test_a_book_that_cannot_be_downloaded_is_explained(language, monkeypatch):
    monkeypatch.setenv("TL_BOOKS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("tl_core.base.download.PAUSE", 0.01)
    test = opened("finetune", language)
    test.button(key="text_sample_sherlock").click().run()
    deadline = time.monotonic() + 20
    while not test.error and time.monotonic() < deadline:
        test.run()
    assert not test.exception
    assert "127.0.0.1" in test.error[0].value
    assert "text_sample_weather" in {button.key for button in test.button}, "the others are still there"


@pytest.mark.parametrize("given", ["", "   \n\t  "])
def test_an_empty_paste_is_explained_and_nothing_is_lost(given):
    test = paste(opened("finetune"), given)
    assert not test.exception
    assert "Paste text, or bring" in test.error[0].value
    assert corpus.corpora() == []


@LANGUAGES
@pytest.mark.parametrize(
    "given", ["🦊🐻" * 20, "从前有一个国王，他有三个儿子。" * 3, "<script>alert(1)</script> $x$ *y*"]
)
def test_a_text_that_is_too_short_is_taken_but_not_trained_on(language, given):
    test = paste(opened("finetune", language), given)
    assert not test.exception
    assert corpus.corpora()[0].text == given
    [told] = [item.value for item in test.warning][:1]
    assert start(test).disabled == (int(test.metric[1].value) <= 128)
    if language == "en":
        assert ("by heart" in told) != start(test).disabled, "nothing is learned where nothing starts"
    assert "<script>" not in words(test).replace("`", "")


def test_a_hundred_thousand_characters_are_taken():
    test = paste(opened("finetune"), ("The fox and the hen. " * 5000)[:100_000])
    assert not test.exception
    assert test.metric[0].value == f"{100_000:,}"
    assert not start(test).disabled


def test_files_and_zips_come_in_and_what_is_no_text_is_listed():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/kings.txt", STORY)
        archive.writestr("../photo.jpg", b"\xff\xd8\xff")
    test = files(opened("finetune"), ("tales.zip", packed.getvalue()), ("odd*.txt", b"\x89PNG\0\0\1\2" * 99))
    assert not test.exception
    [made] = corpus.corpora()
    assert made.text == STORY
    [warning] = [item.value for item in test.warning if "not taken" in item.value]
    assert "photo.jpg" in warning
    assert "not a text file" in warning
    assert "odd\\*.txt" in warning, "no Markdown in somebody's file name"


@LANGUAGES
def test_a_binary_file_alone_is_refused_with_the_remedy(language):
    test = files(opened("finetune", language), ("story.txt", bytes(range(256)) * 40))
    assert not test.exception
    assert len(test.error) == 1
    assert corpus.corpora() == []


def test_the_report_shows_parts_unknown_characters_and_duplicates(text):
    corpus.delete(text.id)
    odd = corpus.paste(f"{STORY}\n\n狐狐 {STORY[:600]}", name="Odd", owner=ME)
    test = opened("finetune", text=odd.id)
    shown = {metric.label: metric.value for metric in test.metric}
    assert shown["Unknown characters"] == "2"
    assert int(shown["Repeated passages"]) >= 5
    assert "狐" in words(test)


CURLY = "\n\n".join(
    f"\u201cI don\u2019t know,\u201d said king {n}\u2014\u201cask king {n + 1}.\u201d" for n in range(200)
)


@LANGUAGES
def test_typographic_quotes_are_straightened_where_that_saves_tokens(language):
    novel = corpus.paste(CURLY, name="Novel", owner=ME)
    test = opened("finetune", language, text=novel.id)
    assert test.toggle(key="tune_straighten").value, "by default"
    unknown, straight = test.metric[3].value, int(test.metric[1].value.replace(",", ""))
    assert unknown == "0"
    assert "\u201cI don" not in words(test), "shown as the model reads it"
    assert f"{6 * 200:,}" in words(test), "how many, and how many stay unknown"
    test.toggle(key="tune_straighten").set_value(False).run()
    assert not test.exception
    assert test.metric[3].value == f"{6 * 200:,}"
    assert int(test.metric[1].value.replace(",", "")) > straight + 1000
    test.text_input(key="tune_prompt").set_value("\u201cWell").run()
    assert "3" in next(item.value for item in test.caption if "\u201c " in item.value or "\u201c" in item.value[:60])
    start(test).click().run()
    assert not only_run().config.straighten, "the reader's choice"
    test = opened("finetune", language, **{"from": only_run().id})
    assert not test.toggle(key="tune_straighten").value


def test_a_straightened_run_is_set_up_again_as_it_was_and_a_plain_text_is_not_asked(text):
    novel = corpus.paste(CURLY, name="Novel", owner=ME)
    test = opened("finetune", text=novel.id)
    test.text_input(key="tune_prompt").set_value("\u201cWell").run()
    assert "no token for" not in words(test), "the prompt is straightened with the text"
    start(test).click().run()
    config = only_run().config
    assert config.straighten
    assert config.opening == '"Well'
    test = opened("finetune", text=novel.id)
    test.selectbox(key="text_shelf").set_value(text.id).run()
    assert not test.exception
    assert "tune_straighten" not in {toggle.key for toggle in test.toggle}
    start(test).click().run()
    assert {run.config.straighten for run in store.all() if run.config.corpus == text.id} == {False}


def test_the_freeze_boundary_and_lora_change_the_cost_and_the_config(text):
    test = opened("finetune", text=text.id)
    assert "<mark>Everything</mark>" in words(test)
    test.select_slider(key="tune_frozen").set_value(3).run()
    assert "<mark>Above the line</mark>" in words(test)
    assert "up to h.1" in str(test.select_slider(key="tune_frozen").proto.options)
    rate = test.session_state["tune_rate"]
    test.button_group(key="tune_method").set_value("lora").run()
    test.select_slider(key="tune_rank").set_value(4).run()
    assert test.session_state["tune_rate"] == pytest.approx(5 * rate)
    assert "<mark>LoRA, rank 4</mark>" in words(test)
    assert "enable_lora(4)" in words(test), "the same in Keras"
    start(test).click().run()
    config = only_run().config
    assert (config.frozen_blocks, config.lora_rank) == (3, 4)


def test_lora_leaves_the_embeddings_frozen(text):
    test = opened("finetune", text=text.id)
    test.button_group(key="tune_method").set_value("lora").run()
    assert test.session_state["tune_frozen"] == 1
    start(test).click().run()
    assert only_run().config.frozen_blocks == 1


def test_lora_and_back_thaws_the_embeddings_again(text):
    test = opened("finetune", text=text.id)
    method = test.button_group(key="tune_method")
    method.set_value("lora").run()
    assert "nothing frozen" not in str(test.select_slider(key="tune_frozen").proto.options)
    assert "they always stay frozen" in words(test)
    test.button_group(key="tune_method").set_value("weights").run()
    assert test.session_state["tune_frozen"] == 0
    assert "nothing frozen" in words(test)
    test.button_group(key="tune_method").set_value("lora").run()
    test.select_slider(key="tune_frozen").set_value(3).run()
    test.button_group(key="tune_method").set_value("weights").run()
    assert test.session_state["tune_frozen"] == 3, "chosen with LoRA, kept without"


def test_lora_with_everything_frozen_is_refused_before_it_is_queued(text):
    test = opened("finetune", text=text.id)
    test.button_group(key="tune_method").set_value("lora").run()
    test.select_slider(key="tune_frozen").set_value(5).run()
    assert not test.exception
    assert start(test).disabled
    assert "nothing left for LoRA" in words(test)


def test_a_model_of_the_hub_says_what_it_will_download_and_gets_gentler_settings(text):
    test = opened("finetune", text=text.id)
    test.selectbox(key="tune_model").set_value("distilgpt2").run()
    assert not test.exception
    said = words(test)
    assert "353 MB" in said
    assert "tl_core fetch distilgpt2" in said
    assert "counted once the model is on this computer" in said
    assert test.session_state["tune_rate"] < 1e-4
    assert test.session_state["tune_frozen"] == 5
    assert not start(test).disabled


def test_a_folder_of_the_readers_own_is_checked(text, tmp_path, monkeypatch):
    test = opened("finetune", text=text.id)
    test.selectbox(key="tune_model").set_value("folder").run()
    assert start(test).disabled
    test.text_input(key="tune_folder").set_value(str(tmp_path)).run()
    assert "no GPT-2 folder" in words(test)
    assert start(test).disabled
    test.text_input(key="tune_folder").set_value(str(ASSETS / "weights" / "gpt2-tales")).run()
    assert not test.exception
    assert not start(test).disabled
    come_from(monkeypatch, "192.168.1.20", Host="192.168.1.5:8501")
    assert "folder" not in opened("finetune", text=text.id).selectbox(key="tune_model").options


def test_the_settings_of_a_run_are_taken_over(text):
    config = TextConfig(text.id, lora_rank=16, prompt="Hear me")
    config = config.with_phase(frozen_blocks=2, steps=77, learning_rate=3e-4)
    run = store.create(config, owner=ME)
    test = opened("finetune", **{"from": run.id})
    start(test).click().run()
    assert {run.config for run in store.all()} == {config}


@pytest.mark.parametrize("asked", ["20200101-000000-abcdef", "../.."])
def test_an_unknown_run_in_the_address_is_explained(text, asked):
    test = opened("finetune", **{"from": asked})
    assert "no run" in test.error[0].value


def test_a_text_is_deleted_unless_a_run_learns_from_it(text):
    run = store.create(TextConfig(text.id), owner=ME)
    queue.submit(run.id)
    test = opened("finetune", text=text.id)
    test.button(key="text_delete_now").click().run()
    assert "Stop it first" in test.error[0].value
    queue.stop(run.id)
    test.button(key="text_delete_now").click().run()
    assert corpus.corpora() == []
    assert not test.exception


@pytest.mark.usefixtures("elsewhere")
def test_somebody_elses_text_is_neither_listed_nor_shown_nor_deleted():
    theirs = corpus.paste(STORY, name="Theirs", owner="somebody")
    assert "tune_start" not in {button.key for button in opened("finetune").button}
    test = opened("finetune", text=theirs.id)
    assert not {"text_delete_now", "tune_start"} & {button.key for button in test.button}
    assert "Theirs" not in words(test)
    assert "king of hill" not in words(test)
    assert not [box for box in test.selectbox if box.key == "text_shelf"]
