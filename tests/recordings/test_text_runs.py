"""Recordings of fine-tuned language models: samples as they were written, and no private text."""

import gzip
import json
from dataclasses import replace

import pytest

from tests.pages.made import ME, run_of
from tests.pages.test_text_runs import STARTED, learned, sample
from tests.recordings.test_play import TEXTS, shelf, spread, words_of
from tl_core import __main__ as command_line
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.recordings import play
from tl_core.recordings.play import Replay
from tl_core.recordings.record import record
from tl_core.runs import store
from tl_core.runs.history import History
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, samples
from tl_core.text.data.corpus import Corpus

__all__ = ["shelf"]
WORDS = {"title": "Mine", "notice": "Look."}
WRITTEN = "/etc/motd said so:\n~ 1.23456789 <b>cloves</b> of C:\\garlic 苹果"  # begins like a path


def fine_tuned(text: Corpus, *more: events.Event, **settings) -> store.Run:
    """A run on this text that has finished."""
    log = [STARTED, *learned(60.0, 12), *more, events.Finished(best_epoch=12)]
    return run_of(TextConfig(text.id, **settings), *spread(log))


@pytest.fixture
def private(shelf) -> Corpus:
    """A visitor's own text."""
    return corpus.paste("\n\n".join(f"King {n} had {n} sons." for n in range(400)), name="Diary", owner=ME)


def test_a_recording_tells_model_text_and_samples_as_they_were_written(shelf):
    text = samples.bring_in("weather", ME)
    made_then = replace(progress.Sample(), step=260, text=WRITTEN, copied=(3, 9), perplexity=61.5)
    run = fine_tuned(text, made_then.event())
    folder = record(run.id, "mine", **WORDS)
    made = play.get("mine")
    assert made.config == run.config and made.report is None and made.card.classes == ()
    assert str(made.card.weights) == "this project's own"
    training, validation = corpus.split(text, run.config.validation)
    figures = f"{len(training):,} characters to train on, {len(validation):,} to validate"
    assert str(made.card.data) == f"Weather reports: {figures}"
    whole = Replay(made).at(made.length)
    written = progress.samples(whole)
    assert written == progress.samples(History(run.log).update()) and len(written) == 14
    assert [one.text for one in written if one.step == 260] == [WRITTEN]
    assert progress.forgetting(whole) == (80.0, 800.0)
    assert ME not in words_of(folder)


def test_samples_appear_at_their_moment_and_go_when_it_is_played_again(shelf):
    run = fine_tuned(samples.bring_in("weather", ME))
    record(run.id, "mine", **WORDS)
    made = play.get("mine")
    moments = {event.step: t for event, t in zip(made.events, made.moments, strict=True) if event.kind == "artifact"}
    replay = Replay(made)
    for step, moment in sorted(moments.items()):
        assert progress.samples(replay.at(moment))[-1].step == step
    assert moments[0] < made.curves_begin, "what the base wrote stands there when the replay begins"
    assert [one.step for one in progress.samples(replay.at(made.curves_begin))] == [0]


def test_a_private_text_is_recorded_only_by_who_says_that_it_is_public(private, shelf, capsys):
    run = fine_tuned(private)
    with pytest.raises(UserError, match="private text") as refused:
        record(run.id, "mine", **WORDS)
    assert "--text-is-public" in str(refused.value.remedy)
    assert not shelf.exists() or not list(shelf.iterdir())
    command = ["record", run.id, "--name", "mine", "--title", "Mine", "--notice", "Look.", "--data", "Kings"]
    assert command_line.main(command) == 1
    assert "private text" in capsys.readouterr().err and not list(shelf.glob("*"))
    assert command_line.main([*command, "--text-is-public"]) == 0
    assert str(play.get("mine").card.data).startswith("Kings: ")


def test_of_a_deleted_text_nobody_knows_whether_it_was_private(private, shelf):
    run = fine_tuned(private)
    corpus.delete(private.id)
    for public in (False, True):
        with pytest.raises(UserError, match="no text with the id"):
            record(run.id, "mine", **WORDS, public=public)
    assert not list(shelf.glob("*"))


def test_a_run_is_called_recipes_only_if_it_is_the_lesson(shelf):
    recipes, weather = (samples.bring_in(name, ME) for name in ("recipes", "weather"))
    others = [
        fine_tuned(weather),
        fine_tuned(recipes, lora_rank=8),
        fine_tuned(recipes, model="distilgpt2"),
    ]
    for run in others:
        with pytest.raises(UserError, match="not what the recording would be called"):
            record(run.id, "recipes")
    record(fine_tuned(recipes).id, "recipes")
    assert "fairy tales" in str(play.get("recipes").card.title)


def test_where_the_model_came_from_is_said(shelf, tmp_path):
    text = samples.bring_in("weather", ME)
    for model, said in (("gpt2", "openai-community/gpt2"), (str(tmp_path / "mine"), "a file of its maker's own")):
        folder = record(fine_tuned(text, model=model).id, "mine", **WORDS)
        assert str(play.get("mine").card.weights) == said
        assert str(tmp_path) not in words_of(folder)


@pytest.mark.parametrize("name", TEXTS)
def test_a_shipped_recording_shows_what_its_lines_say(name):
    made = play.get(name)
    lines = [json.loads(line) for line in gzip.decompress((made.folder / "events.jsonl.gz").read_bytes()).splitlines()]
    history = Replay(made).at(made.length)
    epochs = [line for line in lines if line["kind"] == "epoch"]
    written = [line for line in lines if line["kind"] == "artifact"]
    assert len(made.events) == len(lines) and len(epochs) == made.config.epochs and len(written) > 3
    assert [dict(epoch.metrics) for epoch in history.epochs] == [line["metrics"] for line in epochs]
    shown = progress.samples(history)
    assert [(one.step, one.text) for one in shown] == [(line["step"], line["payload"]["text"]) for line in written]
    assert progress.kept_sample(history) in shown
    before, after = progress.forgetting(history)
    assert after > 2 * before, "its notice says that it forgets"
    assert progress.base_perplexity(history) > 2 * progress.kept_sample(history).perplexity


def test_a_damaged_sample_costs_only_itself(shelf):
    run = fine_tuned(samples.bring_in("weather", ME), replace(sample(270, 60.0, 90.0, 1), payload={"text": 7}))
    record(run.id, "mine", **WORDS)
    made = play.get("mine")
    assert len(progress.samples(Replay(made).at(made.length))) == 13
