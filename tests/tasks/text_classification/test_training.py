"""Classifiers of texts: what they learn frozen and thawed, what stays frozen, export, estimate, settings."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.text_classification import tiny
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.classification import report
from tl_core.tasks.text_classification import config as configs
from tl_core.tasks.text_classification import estimate, material, model, network
from tl_core.tasks.text_classification.config import DataConfig, EncoderConfig, PhaseConfig, TextClassificationConfig
from tl_core.tasks.text_classification.recipes import DEFAULT, RECIPES
from tl_core.tasks.text_classification.training import train
from tl_core.text.data import labelled, reviews
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoders import EncoderShape

pytestmark = pytest.mark.usefixtures("tl_home")
FROZEN = PhaseConfig(-1, 10, 3e-2)


def experiment(tmp_path: Path, *phases: PhaseConfig, **changes: Any) -> TextClassificationConfig:
    base = EncoderConfig(str(tiny.write(tmp_path / "tiny")), length=16)
    made = TextClassificationConfig(
        DataConfig(tiny.texts(160).id, 0.25), base, phases=phases or (FROZEN,), precision="float32", dropout=0.0
    )
    return dataclasses.replace(made, **changes)


def run(config: TextClassificationConfig, folder: Path) -> tuple[list[events.Event], Any]:
    log: list[events.Event] = []
    folder.mkdir()
    outcome = train(
        config, material.load(config), folder, log.append, lambda: False, resume=False, started=lambda **facts: None
    )
    return log, outcome


def test_a_head_learns_above_a_frozen_encoder_and_the_report_is_on_what_it_never_saw(tmp_path):
    config = experiment(tmp_path)
    log, outcome = run(config, tmp_path / "run")
    made = report.load(tmp_path / "run", "validation")
    assert made.accuracy == outcome.metrics["accuracy"] > 0.75
    dataset = labelled.load(config.data.dataset)
    held = {dataset.examples[index].id for index in labelled.split(dataset, config.data).validation}
    assert {item.example for item in made.predictions} == held
    [phase] = [event for event in log if isinstance(event, events.Phase) and event.frozen_blocks is not None]
    assert (phase.frozen_blocks, phase.trainable) == (3, 2 * (tiny.WIDTH + 1))
    counts = configs.parameter_counts(config, 2)
    assert (counts.trainable, counts.frozen) == (phase.trainable, phase.frozen)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_is_frozen_stays_and_what_is_thawed_moves(tmp_path, frozen):
    config = experiment(tmp_path, PhaseConfig(frozen, 1, 1e-2, name="fine-tuning"))
    log, _ = run(config, tmp_path / "run")
    before, after = (encoders.load(config.encoder.name, dropout=0.0) for _ in range(2))
    head = network.build_head(config.head, 2, tiny.WIDTH, 0)
    model.load_best(tmp_path / "run", after, head)
    moved = [
        any(
            not np.array_equal(one.value, other.value)
            for one, other in zip(_block(before, number), _block(after, number), strict=True)
        )
        for number in range(3)
    ]
    assert moved == [number >= frozen for number in range(3)]
    [phase] = [event for event in log if isinstance(event, events.Phase) and event.frozen_blocks is not None]
    assert configs.parameter_counts(config, 2).trainable == phase.trainable


def _block(encoder: encoders.LoadedEncoder, number: int) -> list:
    above = encoders.block_variables(encoder, number + 1) if number < 2 else []
    return encoders.block_variables(encoder, number)[: -len(above) or None]


def test_fine_tuning_teaches_what_a_frozen_random_encoder_cannot_show(tmp_path):
    _, first = run(experiment(tmp_path, PhaseConfig(-1, 2, 1e-2)), tmp_path / "frozen")
    phases = PhaseConfig(-1, 2, 1e-2), PhaseConfig(1, 8, 5e-3, name="fine-tuning")
    _, second = run(experiment(tmp_path, *phases), tmp_path / "tuned")
    assert second.metrics["loss"] < first.metrics["loss"] and second.metrics["accuracy"] > 0.95


def test_a_saved_classifier_says_what_the_run_measured_and_its_words_are_weighed(tmp_path):
    config = experiment(tmp_path)
    run(config, tmp_path / "run")
    made, found = report.load(tmp_path / "run", "validation"), model.load(tmp_path / "run", config)
    texts = {example.id: example.text for example in material.load(config).examples}
    said = found.predict([texts[item.example] for item in made.predictions])
    wanted = [item.true_probability for item in made.predictions]
    assert said[np.arange(len(said)), [item.true for item in made.predictions]] == pytest.approx(wanted, abs=1e-4)
    weighed = found.influence("the film was good")
    masked = found.predict(["the film was good", "the film was [MASK]"])
    top = masked[0].argmax()
    assert weighed[3] == ("good", pytest.approx(float(masked[0, top] - masked[1, top]), abs=1e-5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  good\tday", ["a", "good", "day"]),
        ("这很好 ok", ["这", "很", "好", "ok"]),
        ("", []),
        ("好a好", ["好", "a", "好"]),
    ],
)
def test_words_are_what_stands_between_spaces_or_a_chinese_character(text, words):
    found = model.words(text)
    assert [word for word, _, _ in found] == words
    assert all(text[start:end] == word for word, start, end in found)


def test_a_run_that_never_ended_knows_its_classes_from_the_texts(tmp_path):
    config = experiment(tmp_path)
    run(config, tmp_path / "run")
    (tmp_path / "run" / "labels.json").unlink()
    assert model.names(tmp_path / "run", config) == ("bad", "good")


def test_other_pretrained_weights_than_those_of_the_run_are_refused(tmp_path):
    config = experiment(tmp_path)
    run(config, tmp_path / "run")
    tiny.write(tmp_path / "tiny", seed=1)
    with pytest.raises(UserError, match="have changed"):
        model.load(tmp_path / "run", config)


def test_settings_are_checked_and_read_as_written(tmp_path):
    config = experiment(tmp_path)
    assert configs.read(json.loads(json.dumps(config.to_json()))) == config
    for changed in ({"phases": ()}, {"batch_size": 0}, {"data": DataConfig("0", 0.8, 0.8)}, {"dropout": 2.0}):
        with pytest.raises(UserError):
            configs.read(dataclasses.replace(config, **changed).to_json())
    with pytest.raises(UserError, match="cannot be frozen"):
        configs.boundary(EncoderShape(layers=2), 4)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_valid_experiment(name):
    config = RECIPES[name].config(DEFAULT)
    assert configs.read(config.to_json()) == config


def test_an_estimate_grows_with_the_work_and_is_corrected_by_what_runs_did():
    def seconds(*samples: estimate.Sample, texts: int = 1000, **changes: Any) -> float:
        config = dataclasses.replace(DEFAULT, **changes)
        return estimate.estimate(config, texts, texts // 5, samples).seconds

    tuned = {"phases": (PhaseConfig(4, 3, 1e-4),)}
    assert seconds() < seconds(texts=10_000) and seconds() < seconds(**tuned) < seconds(phases=(PhaseConfig(0, 3),))
    assert seconds(cache=False) > seconds()
    log = [
        events.Started(host="here"),
        events.Phase(phase="head", frozen_blocks=7, total=1, unit="epochs"),
        events.Progress(phase="features", done=10, total=10, rate=100.0),
    ]
    [slow] = estimate.samples(DEFAULT, log, "here")
    [fast] = estimate.samples(DEFAULT, [*log[:2], dataclasses.replace(log[2], rate=1000.0)], "here")
    assert fast.rate == pytest.approx(10 * slow.rate)
    assert seconds(fast) < seconds(slow)
    assert estimate.samples(DEFAULT, log, "elsewhere") == []


def test_reviews_that_the_app_wrote_are_for_everybody_and_too_many_are_refused(monkeypatch):
    made = reviews.bring_in("zh", 1000, 0, reviews.Difficulty(), name="reviews")
    assert made.counts == (500, 500) and not made.private
    one = dataclasses.replace(
        reviews.ENGLISH, things=("film",), aspects=("it",), plain=("{thing}",), endings=(("",), ("",))
    )
    monkeypatch.setitem(reviews.WORDS, "en", one)
    with pytest.raises(UserError, match="There are no 200"):
        reviews.bring_in("en", 200, 0, reviews.Difficulty(0, 0, 0), name="reviews")
