"""Text runs on the Run page, in the list and beside image runs; logs are written by hand, no worker is started."""

import math
import os
import re
import time
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server.downloads import DOWNLOADS
from pages.ui.visitors import COOKIE
from tests.pages.conftest import come_from
from tests.pages.made import ME, SECRET, drawn, opened, recipe, run_of, trained, words
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.engine.protocol import State
from tl_core.runs import store
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig
from tl_core.tasks.text_generation.progress import Sample
from tl_core.tasks.text_generation.stream import Ended, Written
from tl_core.text.data import corpus, samples
from tl_core.training import checkpoint

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
STARTED = events.Started(device="CPU", precision="float32")
COPIED = " there <b>lived</b> a fox"


@pytest.fixture
def text():
    return corpus.paste("\n\n".join(f"King {n} had {n} sons." for n in range(400)), name="Kings", owner=ME)


def learned(reached=60.0, rounds=2, of=12, copied=7):
    """The events of a text run: `rounds` rounds, down to a validation perplexity of `reached`."""
    log = [
        events.Phase(phase="fine-tuning", total=of, unit="epochs", frozen_blocks=0, steps_per_epoch=25),
        sample(0, 180.0, 80.0, 3),
    ]
    for number in range(1, rounds + 1):
        now = reached + 40 * (rounds - number)
        log.append(
            events.Batch(phase="fine-tuning", epoch=number, step=25 * number - 5, metrics={"loss": math.log(now)})
        )
        log.append(
            events.Epoch(
                phase="fine-tuning", epoch=number, step=25 * number,
                metrics={"loss": math.log(now * 1.1), "accuracy": 0.2, "val_loss": math.log(now), "val_accuracy": 0.2},
                seconds=5.0, rate=4000.0, unit="tokens", best=True,
            )
        )  # fmt: skip
        log.append(sample(25 * number, now, 80.0 + 60 * number, copied))
    return log


def sample(step, perplexity, source, copied):
    return Sample(
        step=step, prompt="Once upon a time", text=f"{COPIED} {step}", copied=(1, 20), copied_tokens=copied,
        perplexity=perplexity, source_perplexity=source,
    ).event()  # fmt: skip


def finished(text, name="", reached=60.0, copied=7, **settings):
    log = learned(reached, 12, copied=copied)
    return run_of(TextConfig(text.id, **settings), STARTED, *log, events.Finished(best_epoch=12), name=name)


def overfitted(text, name="Overfitted", old=False):
    """A run whose second round was best: validation perplexity 90, 60, 70, 80; only `old` logs lack the kept sample."""
    log = [events.Phase(phase="fine-tuning", total=4, unit="epochs"), sample(0, 180.0, 80.0, 3)]
    for number, now in enumerate((90.0, 60.0, 70.0, 80.0), 1):
        source = {} if old or number > 2 else {"source_perplexity": 80.0 + 40 * number}
        log.append(
            events.Epoch(
                phase="fine-tuning", epoch=number, step=25 * number, best=number < 3,
                metrics={"loss": math.log(now), "val_loss": math.log(now), **source},
            )
        )  # fmt: skip
    log.append(sample(100, 80.0, 400.0, 45))
    log += [] if old else [sample(50, 60.0, 160.0, 9)]  # written at the end, with the weights that are kept
    ended = events.Finished(best_epoch=2, metrics={"perplexity": 60.0, "source_perplexity_after": 160.0})
    return run_of(TextConfig(text.id).with_phase(steps=100), STARTED, *log, ended, name=name)


def keys(test):
    return {button.key for button in test.button}


@LANGUAGES
def test_a_running_text_shows_its_figures_samples_and_forgetting(text, language):
    run = run_of(TextConfig(text.id), STARTED, *learned())
    with try_lock(run.folder / "lock"):
        test = opened("run", language, run=run.id)
        shown = {metric.label: (metric.value, metric.delta) for metric in test.metric}
        assert ("50 / 300", "") in shown.values()
        assert ("60.0", "-67 %") in shown.values()
        said = words(test)
        assert "180.0" in said
        assert "200.0" in said, "what became of the source task"
        assert said.count('class="tl-passage"') == 2
        assert "&lt;b&gt;lived&lt;/b&gt;" in said
        assert "<b>lived</b>" not in said
        assert "<mark>" in said
        assert "run_stop" in keys(test)
        assert "Kings" in said
        assert len(test.get("plotly_chart")) == 0, "the live component draws the curves"


def test_what_is_said_while_it_runs(text):
    run = run_of(TextConfig(text.id), STARTED, *learned())
    with try_lock(run.folder / "lock"):
        said = words(opened("run", run=run.id))
    assert "Fine-tuning: step 50 of 300" in said
    assert "Validation perplexity went from 180.0 to 60.0 in 50 steps" in said
    assert "**Forgetting:** perplexity on held-out fairy tales rose from 80.0 to 200.0, 2.5 times." in said
    assert "Tokens per second: 4,000" in said


@pytest.mark.parametrize(("copied", "meaning"), [(7, "a phrase"), (20, "begins to learn"), (45, "by heart")])
def test_the_longest_copy_is_marked_and_judged(text, copied, meaning):
    run = finished(text, copied=copied)
    assert f"{copied} tokens; " in words(opened("run", run=run.id))
    assert meaning in words(opened("run", run=run.id)).split(f"{copied} tokens;")[1][:60]


@LANGUAGES
@pytest.mark.parametrize("old", [False, True])
def test_the_figures_of_a_run_that_has_ended_are_those_of_the_weights_it_keeps(text, language, old):
    test = opened("run", language, run=overfitted(text, old=old).id)
    said = words(test)
    assert "60.0" in said
    if language == "en":
        assert "are of step 50, the best round of 100 steps" in said
        assert "went from 180.0 to 60.0 in 50 steps, whose weights are kept, and to 80.0 in 100" in said
        assert "from 80.0 to 160.0, 2.0 times. Measured with the weights that are kept." in said
        if not old:
            assert "**After 50 steps** · the weights that are kept" in said
            assert "9 tokens;" in said
            assert "45 tokens;" not in said
    if not old:
        assert "400.0" not in said, "what the last weights forgot"
        test.select_slider[0].set_value(100).run()
        assert "45" in words(test), "the last one is there to be looked at"


@pytest.mark.parametrize(("old", "copied"), [(False, "9 tokens"), (True, "–")])
def test_a_comparison_names_the_weights_and_has_their_figures(text, old, copied):
    runs = [overfitted(text, old=old), finished(text, "Other", 55.0)]
    said = words(opened("runs", compare=",".join(run.id for run in runs)))
    assert "Weights of step" in said
    for value in ("60.0", "× 2.0", copied):
        assert value in said
    assert "45 tokens" not in said
    assert "× 5.0" not in said


def test_runs_that_share_a_name_are_told_apart_where_they_are_compared(text):
    runs = [run_of(TextConfig(text.id, seed=n), *learned(60.0 + 40 * n), name="Kings") for n in range(2)]
    said = words(opened("runs", compare=",".join(run.id for run in runs)))
    assert re.search(r"Kings \\?\(([12])\\?\) reaches the lowest .*; Kings \\?\((?!\1)[12]\\?\) stays at 100", said)
    assert "Kings (1)" in said and "Kings (2)" in said


def test_a_copy_that_is_only_the_end_of_a_line_is_no_mark_that_nobody_sees(text):
    blank = Sample(0, "Once", " upon.\n\nThe", (6, 8), 2, perplexity=180.0).event()
    said = words(opened("run", run=run_of(TextConfig(text.id), STARTED, blank).id))
    assert "nothing is copied" in said and "Marked" not in said


def test_the_reader_may_look_at_an_earlier_sample(text):
    test = opened("run", run=finished(text).id)
    assert "**After 300 steps**" in words(test)
    test.select_slider[0].set_value(50).run()
    assert "**After 50 steps**" in words(test)
    assert "**After 300 steps**" not in words(test)


@LANGUAGES
def test_before_and_after_write_on_the_same_prompt_with_the_same_seed(text, language, monkeypatch):
    asked = []

    def write(model, prompt, settings, written=(), status=lambda sentence: None):
        asked.append((model, prompt, settings.seed, settings.length))
        status(message("Loading the model…"))
        for index, word in enumerate((" one", " <i>two</i>")):
            yield Written(0, index, 1, f"{word} {model[:3]}", 0.5, 1, 1, ())
        yield Ended(0, "length", 2, 0.1, 0.2)

    monkeypatch.setattr(client, "write", write)
    run = finished(text)
    test = opened("run", language, run=run.id)
    test.text_area(key=f"pair_{run.id}_prompt").set_value("Hear me")
    test.number_input(key=f"pair_{run.id}_seed").set_value(7)
    next(button for button in test.button if button.proto.is_form_submitter).click().run()
    assert not test.exception
    assert asked == [("tales", "Hear me", 7, 80), (f"run:{run.id}", "Hear me", 7, 80)]
    said = words(test)
    assert " one tal &lt;i&gt;two&lt;/i&gt; tal" in said
    assert " one run &lt;i&gt;two&lt;/i&gt; run" in said


def test_what_goes_wrong_while_they_write_is_said(text, monkeypatch):
    def write(*arguments, **options):
        raise UserError(message("The model process ended."), message("Try again."))
        yield

    monkeypatch.setattr(client, "write", write)
    test = opened("run", run=finished(text).id)
    next(button for button in test.button if button.proto.is_form_submitter).click().run()
    assert "**The model process ended.** Try again." in words(test)


def test_a_stopped_text_run_can_go_on_and_one_without_a_round_has_no_after(text):
    run = run_of(TextConfig(text.id), STARTED, *learned(rounds=0), events.Stopped())
    test = opened("run", run=run.id)
    assert not test.exception
    assert "run_resume" in keys(test)
    assert not any(button.proto.is_form_submitter for button in test.button)
    assert "On the validation pictures" not in words(test)


@pytest.mark.parametrize(("kept", "said"), [(0, "begins anew, at step 0"), (7, "goes on behind step 7 of 300")])
def test_a_run_stopped_before_its_first_validation_says_where_it_goes_on(text, kept, said):
    run = run_of(TextConfig(text.id), STARTED, *learned(rounds=0), events.Stopped())
    if kept:
        checkpoint.save(checkpoint.state_path(run.folder), {"step": kept}, [])
    shown = words(opened("run", run=run.id))
    assert said in shown
    assert "in a moment" not in shown, "nothing more comes"


def test_a_finished_run_is_headed_by_its_end_and_its_speed_is_the_whole_runs(text):
    log = learned(60.0, 12)
    last = next(event for event in reversed(log) if isinstance(event, events.Epoch))
    log[log.index(last)] = replace(last, rate=100.0)
    said = words(opened("run", run=run_of(TextConfig(text.id), STARTED, *log, events.Finished(best_epoch=12)).id))
    assert "Before and after training" in said
    assert "on the way" not in said
    assert f"Tokens per second: {(11 * 4000 + 100) / 12:,.0f}" in said


@LANGUAGES
def test_a_run_whose_text_is_gone_still_shows_its_curves(text, language):
    run = finished(text)
    corpus.delete(text.id)
    test = opened("run", language, run=run.id)
    assert not test.exception
    assert "60.0" in words(test)


def test_the_downloads_are_prepared_and_then_linked(text, monkeypatch):
    run = finished(text, lora_rank=4)
    made = []

    def text_export(run_id, form, status):
        made.append((run_id, form))
        path = run.folder / {"hub": "hub-format.zip", "keras": "keras-hub-preset.zip", "lora": "weights.lora.h5"}[form]
        path.write_bytes(b"zip of it")
        return path

    (run.folder / "model").mkdir()
    (run.folder / "model" / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setattr(client, "text_export", text_export)
    http = TestClient(Starlette(routes=DOWNLOADS), cookies={COOKIE: SECRET})
    test = opened("run", run=run.id)
    for form in ("hub", "keras", "lora"):
        assert http.get(f"/tl/model/{run.id}/{form}").status_code == 404
        test.button(key=f"prepare_{form}").click().run()
        assert not test.exception
        answer = http.get(f"/tl/model/{run.id}/{form}")
        assert answer.content == b"zip of it"
        assert run.id in answer.headers["content-disposition"]
    assert made == [(run.id, form) for form in ("hub", "keras", "lora")]
    assert f"tl/code/{run.id}" in [link.proto.url for link in test.get("link_button")]
    assert not [key for key in keys(test) if key and key.startswith("prepare")]
    (run.folder / "model" / "model.safetensors").write_bytes(b"a better round")
    os.utime(run.folder / "model" / "model.safetensors", (time.time() + 9, time.time() + 9))
    assert http.get(f"/tl/model/{run.id}/hub").status_code == 404, "of a run that has gone on"
    assert http.get(f"/tl/model/{run.id}/..").status_code == 404
    assert http.get("/tl/model/nonsense/hub").status_code == 404


@LANGUAGES
def test_text_and_image_runs_are_listed_together(text, language):
    run_of(recipe(drawn()), STARTED, *trained(), events.Finished(best_epoch=3), name="Seeing")
    finished(text, "Writing", lora_rank=4, phases=(PhaseConfig(3),))
    test = opened("runs", language)
    lines = {line["name"]: line for line in test.dataframe[0].value.to_dict("records")}
    seeing, writing = lines["Seeing"], lines["Writing"]
    assert seeing["accuracy"] == pytest.approx(0.9)
    assert math.isnan(seeing["perplexity"])
    assert writing["perplexity"] == pytest.approx(60)
    assert math.isnan(writing["accuracy"])
    assert (writing["pictures"], writing["backbone"]) == ("Kings", "Tales GPT-2")
    assert "LoRA 4" in writing["frozen"]
    assert writing["epochs"].startswith("300")


def test_a_list_of_one_kind_has_no_columns_of_the_other(text):
    finished(text)
    columns = set(opened("runs").dataframe[0].value)
    assert "perplexity" in columns
    assert not {"accuracy", "test"} & columns


@LANGUAGES
def test_runs_of_both_kinds_are_compared_each_with_their_own(text, language):
    dataset = drawn()
    runs = [run_of(recipe(dataset, name), STARTED, *trained(), name=name) for name in ("quick", "scratch")]
    runs += [finished(text, "Whole", 50.0), finished(text, "Thin", 70.0, lora_rank=8)]
    test = opened("runs", language, compare=",".join(run.id for run in runs))
    assert not test.exception
    said = words(test)
    assert all(value in said for value in ("90.0 %", "50.0", "70.0", "× 10.0"))
    assert len({header.value for header in test.subheader}) == 4, "each kind and its settings"
    assert {"compare_all_image_classification", "compare_all_text_generation"} <= {toggle.key for toggle in test.toggle}
    assert "LoRA" in said


@pytest.mark.parametrize(("second", "careful"), [("same", False), ("a neighbour's", False), ("other", True)])
def test_what_cannot_be_compared_is_said(text, second, careful):
    if second == "other":
        second = corpus.paste("Another text, at some length. " * 300, name="Other", owner=ME)
    else:
        second = text if second == "same" else corpus.paste(text.text, name="Theirs", owner="somebody")
    runs = [finished(text, "A", 50.0), finished(second, "B", 70.0)]
    said = words(opened("runs", compare=",".join(run.id for run in runs)))
    assert "A reaches the lowest validation perplexity, 50.0; B stays at 70.0." in said
    assert ("cannot be compared" in said) == careful


DIFFERENT = {"evaluate_every": 24, "sample_every": 49, "sample_length": 61, "early_stopping": 3}


@pytest.mark.parametrize("setting", DIFFERENT)
def test_runs_that_differ_in_any_setting_are_not_called_equal(text, setting):
    runs = [finished(text, "A"), finished(text, "B", **{setting: DIFFERENT[setting]})]
    said = words(opened("runs", compare=",".join(run.id for run in runs)))
    assert "the same settings" not in said
    assert f"<mark>{DIFFERENT[setting]}</mark>" in said
    again = words(opened("runs", compare=",".join(run.id for run in (runs[0], finished(text, "C")))))
    assert "the same settings" in again


@pytest.mark.usefixtures("stranger")
def test_a_strangers_prompts_are_compared_but_not_shown(text):
    runs = [finished(text, "A", prompt="My dear diary"), finished(text, "B", prompt="My secret")]
    said = words(opened("runs", compare=",".join(run.id for run in runs)))
    assert "the same settings" not in said
    assert "Prompt of the samples" in said
    assert "diary" not in said and "secret" not in said


@pytest.mark.parametrize("page", ["train", "classify", "data", "welcome"])
def test_pages_for_pictures_cope_with_text_runs(text, page):
    run = finished(text)
    drawn()
    test = opened(page)
    assert not test.exception
    assert run.name not in [option for box in test.selectbox for option in box.options]


def test_each_kind_is_trained_again_on_its_own_page(text):
    seeing, writing = run_of(recipe(drawn()), name="Seeing"), finished(text)
    test = opened("train", **{"from": writing.id})
    assert test.title[0].value == "Fine-tune text"
    test = opened("finetune", **{"from": seeing.id})
    assert test.title[0].value == "Train"
    assert store.get(seeing.id).config.kind == "image"


# A private text and a stranger


@pytest.fixture
def stranger(visitor, monkeypatch):
    """The reader is somebody else than the text's owner, at another computer."""
    come_from(monkeypatch, "192.168.1.20", Host="192.168.1.5:8501")
    visitor[COOKIE] = "eve"


@LANGUAGES
@pytest.mark.usefixtures("stranger")
def test_a_stranger_sees_the_curves_of_a_run_on_a_private_text_and_nothing_of_the_text(text, language):
    run = finished(text, "Theirs", prompt="My dear diary")
    test = opened("run", language, run=run.id)
    said = words(test)
    assert "60.0" in said
    assert "Theirs" in said
    for private in ("Kings", "tl-passage", "lived", "My dear diary"):
        assert private not in said
    assert not [area for area in test.text_area if area.key.startswith("pair_")]
    assert not [link for link in test.get("link_button") if "tl/" in link.proto.url]
    assert not [link for link in test.get("page_link") if link.proto.page.endswith("generate")]


@pytest.mark.usefixtures("stranger")
def test_lists_and_comparisons_name_a_strangers_text_to_nobody(text):
    runs = [finished(text, name, prompt="My dear diary") for name in ("A", "B")]
    test = opened("runs", compare=",".join(run.id for run in runs))
    test.toggle(key="compare_all_text_generation").set_value(True).run()
    assert set(test.dataframe[0].value["pictures"]) == {"a private text"}
    assert "Kings" not in words(test)
    assert "My dear diary" not in words(test)
    test.text_input(key="runs_search").set_value("kings").run()
    assert not test.dataframe, "nor can it be guessed by searching"


@pytest.mark.usefixtures("stranger")
def test_training_again_with_a_strangers_settings_does_not_bring_their_text_along(text):
    run = finished(text, prompt="My dear diary", phases=(PhaseConfig(steps=77),))
    test = opened("finetune", **{"from": run.id})
    assert not test.exception
    assert "The text of that run is private" in words(test)
    assert "Kings" not in words(test)
    assert test.session_state["tune_steps"] == 77
    assert test.session_state["tune_prompt"] != "My dear diary"
    assert "text_current" not in test.session_state


@pytest.mark.usefixtures("stranger")
def test_a_model_that_learned_from_a_private_text_writes_for_its_owner_alone(text, monkeypatch):
    monkeypatch.setattr(client, "state", lambda source: State("ready"))
    run = finished(text, "Theirs")
    test = opened("generate", run=run.id)
    assert not test.exception
    assert "private text" in words(test)
    assert "Theirs" not in words(test)
    assert test.button(key="generate_write").disabled


@pytest.mark.usefixtures("stranger")
def test_a_run_on_a_text_that_the_app_wrote_is_shown_to_all_and_is_nobodys_default(monkeypatch):
    monkeypatch.setattr(client, "state", lambda source: State("ready"))
    run = finished(samples.bring_in("lesson", ME), "Lesson")
    said = words(opened("run", run=run.id))
    assert "tl-passage" in said
    assert "Lessons on transfer learning" in said
    test = opened("generate")
    test.session_state["generate_kind"] = "run"
    test.run()
    assert test.selectbox(key="generate_run").value is None
    assert "from somebody else" in test.selectbox(key="generate_run").options[0]
    test.selectbox(key="generate_run").select_index(0).run()
    assert not test.exception
    assert not test.button(key="generate_write").disabled
    assert "tune_start" not in keys(opened("finetune")), "nor is the text"
