"""Probes behind every block of a tiny encoder on short texts that one word tells apart."""

import ast
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.image_classification.toys import Log
from tests.tasks.text_classification import tiny
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.labs import cut_texts, linear, probes
from tl_core.labs.cut import found
from tl_core.labs.cut_texts import estimate, material, training
from tl_core.labs.cut_texts.config import CutTextsConfig, read
from tl_core.runs import queue, store, worker
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.text_classification import network
from tl_core.tasks.text_classification.blocks import Blocks
from tl_core.tasks.text_classification.config import DataConfig, EncoderConfig
from tl_core.text.data import labelled
from tl_core.text.pretrained import encoder as encoders

PLACES = ("embeddings", "layer.0", "layer.1")


@pytest.fixture
def config(tl_home, tmp_path) -> CutTextsConfig:
    """The tiny encoder, sixty texts, two seeds."""
    encoder = EncoderConfig(str(tiny.write(tmp_path / "tiny")), length=16)
    return CutTextsConfig(DataConfig(tiny.texts(60).id, validation=0.5, test=0.0), encoder, seeds=2)


def test_probes_are_those_on_features_that_are_computed_the_plain_way(config):
    log, texts = Log(), material.load(config)
    trials = list(training.probe(config, texts, log))
    wanted = [(arm, place, seed) for arm in found.ARMS for seed in range(2) for place in PLACES]
    assert [(trial.arm, trial.place, trial.seed) for trial in trials] == wanted
    encoder = encoders.load(config.encoder.name)
    labels = np.array([example.label for example in texts.examples])
    part = labelled.split(texts, dataclasses.replace(config.data, seed=1))
    for frozen in (2, 3):
        plain = []
        for example in texts.examples:
            row = network.lower(encoder, frozen, tf.constant(encoder.tokens([example.text], 16))).numpy()[0]
            plain.append(row if frozen == 3 else row[row[:, -1] > 0, :-1].mean(0))  # of a layer: every token
        probe = linear.fit(np.stack(plain)[part.train], labels[part.train], 2, folds=probes.FOLDS)
        told = next(t for t in trials if (t.arm, t.place, t.seed) == ("pretrained", PLACES[frozen - 1], 1))
        accuracy = probe.accuracy(np.stack(plain)[part.validation], labels[part.validation])
        assert told.metrics["val_accuracy"] == pytest.approx(accuracy, abs=1.01 / len(part.validation))
    divided = probes.division(log.of(events.Artifact))
    assert (divided.training, divided.validation, divided.chance) == (30, 30, 0.5)


def test_the_pass_is_told_and_made_once_and_random_encoders_differ_by_seed(config, monkeypatch):
    first, second, texts = Log(), Log(), material.load(config)
    once = list(training.probe(config, texts, first))
    assert [phase.total for phase in first.of(events.Phase) if phase.phase == "features"] == [60, 60, 60]
    assert len(first.of(events.Notice)) == 1, "where the encoder came from"
    again = list(training.probe(config, texts, second))
    assert not [phase for phase in second.of(events.Phase) if phase.phase == "features"], "from the cache"
    assert [trial.metrics for trial in once] == [trial.metrics for trial in again]
    blocks = Blocks(config.encoder, [example.text for example in texts.examples], Log(), lambda: False)
    rows = []
    for seed in (0, 1, 0):
        blocks.load("random", seed)
        rows.append(blocks.rows())
    assert rows[0].shape == (60, 3 * tiny.WIDTH) and rows[0].dtype == np.float32
    assert not np.allclose(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
    monkeypatch.setenv("TL_CACHE_GB", "0")
    np.testing.assert_allclose(blocks.rows(), rows[0], rtol=1e-5, atol=1e-6)


def test_a_stop_keeps_what_is_measured_and_the_rows_that_are_done(config, tmp_path):
    log, texts = Log(), material.load(config)
    outcome = training.train(
        config,
        texts,
        tmp_path,
        log,
        lambda: bool([event for event in log.of(events.Progress) if event.phase == "features"]),
        resume=False,
        started=lambda **facts: None,
    )
    assert (outcome.stopped, outcome.metrics, log.of(events.Trial)) == (True, {}, [])
    rest = Log()
    outcome = training.train(
        config,
        texts,
        tmp_path,
        rest,
        lambda: len(rest.of(events.Trial)) >= 2,
        resume=True,
        started=lambda **facts: None,
    )
    assert [phase.total for phase in rest.of(events.Phase) if phase.phase == "features"] == [28], "32 were done"
    assert outcome.stopped and len(rest.of(events.Trial)) == 2
    assert outcome.metrics["val_accuracy"] == max(trial.metrics["val_accuracy"] for trial in rest.of(events.Trial))


def test_fewer_texts_of_each_class_are_passed_and_learned_from(config):
    few = dataclasses.replace(config, data=dataclasses.replace(config.data, per_class=4), seeds=1)
    log = Log()
    next(training.probe(few, material.load(few), log))
    assert [phase.total for phase in log.of(events.Phase) if phase.phase == "features"] == [38]
    divided = probes.division(log.of(events.Artifact))
    assert (divided.training, divided.validation) == (8, 30)


def test_it_goes_through_queue_worker_and_log_as_any_run(config):
    run = store.create(dataclasses.replace(config, seeds=1), owner="me")
    queue.submit(run.id)
    assert worker.work(run.id) == 0
    history = History(run.log).update()
    assert (store.status(run), len(history.trials)) == ("finished", 2 * len(PLACES))
    assert history.outcome.metrics == found.metrics(config, history.trials)
    assert store.of(registry.LABS["cut_texts"]) == [run] and store.trainings() == []


def test_what_is_said_counts_its_own_blocks(config):
    config = dataclasses.replace(config, guess=1)
    made = [
        events.Trial(arm="pretrained", place=place, seed=seed, metrics={"val_accuracy": value + seed / 100})
        for place, value in zip(PLACES, (0.6, 0.9, 0.8), strict=True)
        for seed in range(2)
    ]
    said = " ".join(map(str, found.sentences(config, made, probes.Division(30, 30, 0.5))))
    assert "best behind layer.0: it gets 90.5 % of the validation examples right" in said
    assert str(found.scored(config, made)) == "The guess was embeddings: 30.0 points below the best."


def test_a_boundary_is_a_training_whose_head_learns_first_where_blocks_adapt():
    config = CutTextsConfig(DataConfig("0123456789abcdef"))
    assert [phase.frozen_blocks for phase in config.training(7).phases] == [-1]
    made = config.training(3)
    assert ([phase.frozen_blocks for phase in made.phases], made.data) == ([-1, 3], config.data)


def test_more_seeds_and_texts_take_longer():
    config = CutTextsConfig(DataConfig("0123456789abcdef"))
    more = dataclasses.replace(config, seeds=5)
    assert 0 < estimate.seconds(config, 100) < estimate.seconds(config, 1000) < estimate.seconds(more, 1000)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": 0},
        {"guess": 8},
        {"kind": "cut"},
        {"encoder": {"name": "minilm", "weights": "random", "length": 64}},
        {"encoder": {"name": "nothing", "weights": "pretrained", "length": 64}},
        {"data": {"dataset": "0123456789abcdef", "validation": 0.0, "test": 0.0, "seed": 0, "per_class": 0}},
    ],
)
def test_settings_that_cannot_be_are_refused(change):
    whole = CutTextsConfig(DataConfig("0123456789abcdef")).to_json()
    assert registry.config(whole) == CutTextsConfig(DataConfig("0123456789abcdef"))
    with pytest.raises(UserError):
        read(whole | change)


def test_the_notebook_of_the_docstring_runs(config, capsys, monkeypatch):
    text = cut_texts.__doc__.split("In a notebook:")[1]
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.strip()]
    assert len(lines) < 10
    monkeypatch.setattr(probes, "accuracies", lambda *_: {"val_accuracy": 0.5, "accuracy": 0.5, "l2": 0.1})
    monkeypatch.setattr(CutTextsConfig.__init__, "__defaults__", (config.encoder, 1, 0, "cut_texts"))
    exec(compile(ast.parse("\n".join(lines)), "notebook", "exec"), {"dataset": material.load(config)})
    assert "Point(place='embeddings'" in capsys.readouterr().out
