"""The Generate page: who can write, what the controls order, the article in one click, and texts that outlive a reload.

The engine is a stand-in here; tests/engine drives the real one, tests/browser both together.
"""

import pytest
import streamlit as st

from pages.server import generations
from pages.tasks.text_generation import view
from pages.ui import session
from tests.pages.conftest import come_from
from tests.pages.made import ME, opened, run_of, words
from tests.pages.test_generations import Engine, ended
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.paths import ASSETS
from tl_core.engine import client
from tl_core.engine.client import State
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.text.pretrained import registry

TALES = ASSETS / "weights" / "gpt2-tales"


@pytest.fixture
def engine(monkeypatch, tl_home, tmp_path):
    """Writes nothing until it is asked; no model of the Hub is on this computer."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    stand_in = Engine()
    stand_in.warmed, stand_in.status = [], State("ready")
    monkeypatch.setattr(client, "write", stand_in.write)
    monkeypatch.setattr(client, "warm", stand_in.warmed.append)
    monkeypatch.setattr(client, "state", lambda source: stand_in.status)
    monkeypatch.setattr(generations, "_all", {})
    return stand_in


def click(test, key):
    test.button(key=key).click().run()
    assert not test.exception, test.exception
    (writing,) = [text for text in generations._all.values() if text.id == test.session_state["generate_current"]]
    return ended(writing)


def tuned(name="Weather", *log):
    return run_of(TextConfig(corpus="0123456789abcdef"), *log, name=name)


def test_the_bundled_model_is_loaded_at_once_and_writes_at_one_click(engine):
    engine.status = State("absent")
    test = opened("generate")
    assert engine.warmed == ["text:tales"]
    writing = click(test, "generate_write")
    model, prompt, settings, written = engine.asked[0]
    assert (model, prompt, written) == ("tales", "Once upon a time", ())
    assert (settings.strategy, settings.length, settings.temperature) == ("sample", 50, 0.8)
    assert settings.lens and settings.attention == (0, 0), "in a small model every block can be asked"
    assert test.query_params["text"] == writing.id
    (component,) = test.get("bidi_component")
    assert writing.id in str(component.proto)


def test_what_happens_while_the_engine_loads_is_said(engine):
    engine.status = State("loading", message("Loading TensorFlow…"))
    assert "Loading TensorFlow…" in words(opened("generate"))
    engine.status = State("failed", error=UserError(message("No memory."), message("Close something.")))
    assert "**No memory.** Close something." in words(opened("generate"))


def test_a_prompt_with_characters_that_the_model_does_not_know_says_what_they_cost_and_can_be_straightened(engine):
    test = opened("generate")
    assert "no token for" not in words(test)
    test.text_area(key="generate_prompt").set_value("\u201cWell\u2026 caf\u00e9").run()
    told = next(item.value for item in test.caption if "no token for" in item.value)
    assert "\u201c \u2026 \u00e9" in told
    assert "8 of the prompt's" in told, "three bytes, three bytes, two bytes"
    test.button(key="generate_prompt_straighten").click().run()
    assert test.text_area(key="generate_prompt").value == '"Well... caf\u00e9'
    assert "generate_prompt_straighten" not in {button.key for button in test.button}
    assert "2 of the prompt's" in words(test), "the rest cannot be straightened"


def test_only_the_controls_that_the_strategy_heeds_are_there_and_count(engine):
    test = opened("generate")
    test.slider(key="generate_temperature").set_value(1.5).run()
    test.number_input(key="generate_seed").set_value(7).run()
    test.number_input(key="generate_samples").set_value(2).run()
    click(test, "generate_write")
    assert (engine.asked[0][2].temperature, engine.asked[0][2].seed, engine.asked[0][2].samples) == (1.5, 7, 2)
    test.session_state["generate_strategy"] = "beam"
    test.run()
    assert "generate_temperature" not in [slider.key for slider in test.slider]
    test.slider(key="generate_beams").set_value(3).run()
    test.slider(key="generate_repetition_penalty").set_value(1.3).run()
    click(test, "generate_write")
    settings = engine.asked[1][2]
    assert (settings.strategy, settings.beams, settings.repetition_penalty) == ("beam", 3, 1.3)
    assert settings.samples == 1


def test_the_seed_moves_on_with_every_text_unless_it_is_kept(engine):
    test = opened("generate")
    seeds = [click(test, "generate_write").order.settings.seed for _text in range(3)]
    assert seeds == [0, 1, 2] and test.number_input(key="generate_seed").value == 2
    test.number_input(key="generate_seed").set_value(7).run()
    assert click(test, "generate_write").order.settings.seed == 7, "the reader's own choice is not passed over"
    test.toggle(key="generate_keep_seed").set_value(True).run()
    assert [click(test, "generate_write").order.settings.seed for _text in range(2)] == [7, 7]
    assert opened("generate", text=test.session_state["generate_current"]).number_input(key="generate_seed").value == 7


def test_another_one_is_drawn_with_the_next_seed(engine, monkeypatch):
    state = {"generate_current": "", "generate_seed": 3, view.KEY: {}}
    monkeypatch.setattr(st, "session_state", state)
    settings = Settings(length=4, seed=2**32 - 1)
    order = generations.Order("tales", "tales", registry.CHECKPOINTS["tales"].shape, "A", settings)
    state["generate_current"] = ended(generations.begin(ME, order)).id
    view._another("")
    other = ended(generations.get(ME, state["generate_current"]))
    assert (other.order.settings.seed, other.order.prompt, state["generate_seed"]) == (0, "A", 0)


def test_two_prompts_are_written_side_by_side_and_outlive_a_reload(engine):
    test = opened("generate")
    test.toggle(key="generate_two").set_value(True).run()
    test.text_area(key="generate_second").set_value("A queen").run()
    click(test, "generate_write")
    second = ended(generations.get(ME, test.session_state["generate_current2"]))
    assert [asked[1] for asked in engine.asked] == ["Once upon a time", "A queen"]
    assert engine.asked[0][2] == engine.asked[1][2], "the same settings and seed"
    first = test.session_state["generate_current"]
    again = opened("generate", text=first, text2=second.id)
    assert [area.value for area in again.text_area] == ["Once upon a time", "A queen"]
    assert len(again.get("bidi_component")) == 2
    again.toggle(key="generate_two").set_value(False).run()
    assert len(again.get("bidi_component")) == 1 and "text2" not in again.query_params


def test_by_hand_one_token_is_written_at_a_time(engine):
    test = opened("generate")
    test.select_slider(key="generate_pace").set_value(-1.0).run()
    writing = click(test, "generate_write")
    assert len(writing.tokens(0)) == 1 and writing.order.settings.length == 50
    assert writing.last["reason"] == "paused"


def test_other_settings_are_told_to_the_panel_without_writing_again(engine):
    test = opened("generate")
    click(test, "generate_write")
    assert '"live":null' in _told(test)
    test.slider(key="generate_temperature").set_value(1.5).run()
    assert '"live":{"strategy":"sample","temperature":1.5' in _told(test)
    assert len(engine.asked) == 1


def _told(test):
    (component,) = test.get("bidi_component")
    return component.proto.json.replace(": ", ":").replace(", ", ",")


def test_the_article_is_one_click_and_says_which_model_writes(engine):
    test = opened("generate")
    test.text_area(key="generate_prompt").set_value("Something else").run()
    click(test, "generate_article")
    model, prompt, settings, _written = engine.asked[0]
    assert (model, prompt, settings.strategy, settings.length) == ("tales", "Once upon a time", "greedy", 50)
    assert test.text_area(key="generate_prompt").value == "Once upon a time"
    assert "GPT-2 (124M) is not on this computer, so the bundled model writes" in words(test)
    click(test, "generate_write")
    assert "is not on this computer" not in words(test)


def test_the_article_is_written_by_its_own_model_where_that_is_here(engine, monkeypatch):
    monkeypatch.setattr(registry, "find", lambda model: registry.Source("cache", TALES, message("here")))
    test = opened("generate")
    click(test, "generate_article")
    assert engine.asked[0][0] == "gpt2"
    assert engine.asked[0][2].lens is False, "a large model is asked for every block only where somebody looks"
    assert "is not on this computer" not in words(test)


def test_a_model_of_the_hub_is_downloaded_only_when_asked(engine):
    test = opened("generate")
    test.selectbox(key="generate_pretrained").select("distilgpt2").run()
    assert engine.warmed == [] and test.button(key="generate_write").disabled
    assert "Download the model (353 MB, once)" in words(test)
    engine.status = State("absent")
    test.button(key="generate_download").click().run()
    assert engine.warmed == ["text:distilgpt2"]
    assert not test.button(key="generate_write").disabled


def test_a_fine_tuned_model_writes_as_soon_as_it_has_a_round(engine):
    young = tuned("Young", events.Started())
    test = opened("generate", run=young.id)
    assert "has no model for you: its first round is not over" in words(test)
    best = events.Epoch(phase="train", epoch=1, step=25, metrics={"loss": 2.0, "val_loss": 2.0}, best=True)
    run = tuned("Weather", events.Started(), best)
    done = tuned("Recipes", events.Started(), best, events.Finished(best_epoch=1))
    test = opened("generate", run=run.id)
    assert test.selectbox(key="generate_run").value == run.id
    assert {run.id, done.id} == set(_ids(test))
    click(test, "generate_write")
    assert engine.asked[0][0] == f"run:{run.id}"


def _ids(test):
    shown = test.selectbox(key="generate_run").options
    return [run.id for run in client.store.all() if any(run.name in option for option in shown)]


def test_without_a_fine_tuned_model_the_page_says_so(engine):
    test = opened("generate")
    test.session_state["generate_kind"] = "run"
    test.run()
    assert "No language model has been fine-tuned here yet." in words(test)
    assert test.button(key="generate_write").disabled


def test_a_folder_is_offered_only_on_the_readers_own_computer(engine, monkeypatch, tmp_path):
    test = opened("generate")
    test.session_state["generate_kind"] = "folder"
    test.run()
    test.text_input(key="generate_folder").set_value(str(tmp_path)).run()
    assert "is no GPT\\-2 folder" in words(test) or "is no GPT-2 folder" in words(test)
    test.text_input(key="generate_folder").set_value(str(TALES)).run()
    click(test, "generate_write")
    assert engine.asked[0][0] == str(TALES)
    come_from(monkeypatch, "192.168.1.20", Host="192.168.1.5:8501")
    test.run()
    assert not test.text_input


def test_a_reloaded_page_shows_the_same_text_and_settings_and_nobody_elses(engine, visitor):
    test = opened("generate")
    test.text_area(key="generate_prompt").set_value("A king").run()
    test.slider(key="generate_temperature").set_value(1.2).run()
    writing = click(test, "generate_write")
    again = opened("generate", text=writing.id)
    assert again.session_state["generate_current"] == writing.id
    assert again.text_area(key="generate_prompt").value == "A king"
    assert again.slider(key="generate_temperature").value == 1.2
    assert again.get("bidi_component")
    visitor[session.COOKIE] = "eve"
    other = opened("generate", text=writing.id)
    assert not other.get("bidi_component")
    assert "text" not in other.query_params


def test_what_the_reader_does_in_the_text_is_done(engine, monkeypatch):
    """The component's triggers, as they come from the browser."""
    state = {"generate_current": "", view.KEY: {}}
    monkeypatch.setattr(st, "session_state", state)
    order = generations.Order("tales", "tales", registry.CHECKPOINTS["tales"].shape, "A", Settings(length=4))
    first = ended(generations.begin(ME, order))
    state["generate_current"] = first.id
    state[view.KEY] = {"taken": {"sample": 0, "index": 1, "token": 33}}
    view._taken("")
    second = ended(generations.get(ME, state["generate_current"]))
    assert second.parent == first.id
    view._back("")
    assert state["generate_current"] == first.id
    for nonsense in ({"sample": "0", "index": None, "token": []}, {}, 3, None):
        state[view.KEY] = {"taken": nonsense, "view": nonsense}
        view._taken("")
        view._viewed("")
    assert state["generate_current"] == first.id
    assert "generate_view" not in state


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "🐉🐉", "从前有一个国王", "<script>alert(1)</script>", "word " * 20_000]
)
def test_any_prompt_is_taken(engine, prompt):
    test = opened("generate")
    test.text_area(key="generate_prompt").set_value(prompt).run()
    writing = click(test, "generate_write")
    assert engine.asked[0][1] == prompt
    assert not writing.error
    assert len(writing.entries[0]) < 20_000, "of a long prompt only what the model sees is kept"
