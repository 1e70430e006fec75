"""The search on striped pictures: through a tiny real network once, elsewhere on features that are drawn."""

import ast
import dataclasses

import keras
import numpy as np
import pytest

from tests.labs.drawn import clouds
from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tests.tasks.image_classification.toys import Log, dataset, pretrained
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig
from tl_core.labs import labels, linear
from tl_core.labs.labels import found, material, training
from tl_core.labs.labels.config import LabelsConfig, read
from tl_core.runs import queue, store, worker
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig


@pytest.fixture
def stripes(tl_home) -> Dataset:
    """Three classes, forty pictures each: few enough to be fast, enough for 5 % of them."""
    return dataset({"upright": 40, "level": 40, "slanting": 40})


@pytest.fixture
def config(stripes) -> LabelsConfig:
    return LabelsConfig(DataConfig(stripes.id), BackboneConfig(TINY.name, "random", SIDE), seeds=3)


@pytest.fixture
def clouded(monkeypatch, stripes) -> np.ndarray:
    """In place of a network: features that tell the classes apart, a row for each picture."""
    means, order = clouds(120, 12, 3, 6.0)
    rows = np.empty_like(means)
    labels = np.array([image.label for image in stripes.images])
    for label in range(3):
        rows[labels == label] = means[order == label]

    class Drawn:
        slices = (slice(0, 12),)

        def __init__(self, *_arguments): ...
        def load(self, weights): ...
        def rows(self):
            return rows

    monkeypatch.setattr(training, "Blocks", Drawn)
    return rows


def test_planted_labels_are_found_the_judges_stay_and_every_seed_is_told(config, stripes, clouded):
    log = Log()
    trials = list(training.inspect(config, stripes, log))
    parts = material.parts(config, stripes)
    assert parts.judge == "test" and not set(parts.searched) & set(parts.judging)
    assert len(parts.searched) + len(parts.judging) == 120
    curve = found.curve(trials)
    assert list(curve) == [0, 1, 2] and all(list(line) == found.shares(config) for line in curve.values())
    assert all(line[1.0] == 1 for line in curve.values())
    assert np.mean(found.caught(config, trials)) >= 0.7
    for arm in ("given", "cleaned", "right"):
        assert len(found.accuracies(trials, arm)) == 3
    divided = found.parts(log.of(events.Artifact))
    assert [label for _id, _key, label in divided.pictures] == [stripes.images[at].label for at in parts.judging]
    assert found.flips(log.of(events.Artifact)).by_seed
    suspects = found.suspects(log.of(events.Artifact))
    assert len(suspects) == found.count(0.1, len(parts.searched))
    by_key = {image.key: image for image in stripes.images}
    for suspect in suspects:
        true = stripes.classes[by_key[suspect.key].label]
        assert suspect.planted == (suspect.given != true), "of the pictures on disk"
    assert sum(suspect.planted for suspect in suspects) >= 3
    assert datasets.latest(stripes.id) == stripes.id, "nothing on disk has changed"


def test_heads_learn_from_the_labels_that_they_are_said_to(config, stripes, clouded):
    """The cleaned head is the one on what is left; the penalty is that of the searched pictures alone."""
    config = dataclasses.replace(config, seeds=1)
    trials = {trial.arm: trial for trial in training.inspect(config, stripes)}
    parts = material.parts(config, stripes)
    true = np.array([image.label for image in stripes.images])
    planted = material.planted(config, true[parts.searched], 3, 0)
    folds = linear.cross_validate(clouded[parts.searched], planted.labels, 3, seed=0)
    right = folds.probabilities[np.arange(len(planted.labels)), planted.labels]
    doubtful = np.argsort(right, kind="stable")[: found.count(0.1, len(right))]
    learned = training.pictures.drawn(np.arange(len(right)), planted.labels, 0)
    left = np.array([index for index in learned if index not in doubtful])
    head = linear.fit(clouded[parts.searched][left], planted.labels[left], 3, folds.l2)
    accuracy = head.accuracy(clouded[parts.judging], true[parts.judging])
    assert trials["cleaned"].metrics["val_accuracy"] == accuracy
    assert trials["cleaned"].metrics["learned_from"] == len(left) < len(learned)
    assert trials["given"].metrics["learned_from"] == trials["right"].metrics["learned_from"] == len(learned)
    relabelled = dataclasses.replace(config, cleaning="relabel")
    again = {trial.arm: trial for trial in training.inspect(relabelled, stripes)}
    assert again["cleaned"].metrics["learned_from"] == len(learned)


def test_without_planting_doubt_is_the_mean_over_the_seeds(config, stripes, clouded):
    log = Log()
    config = dataclasses.replace(config, planted=0.0, seeds=2)
    trials = list(training.inspect(config, stripes, log))
    assert {trial.arm for trial in trials} == {"given", "cleaned"}
    searched = material.parts(config, stripes).searched
    labels = np.array([image.label for image in stripes.images])[searched]
    said = np.mean(
        [linear.cross_validate(clouded[searched], labels, 3, seed=seed).probabilities for seed in (0, 1)], axis=0
    )
    least = said[np.arange(len(labels)), labels].argmin()
    last = found.suspects(log.of(events.Artifact)[::-1])
    assert last[0].key == stripes.images[searched[least]].key
    assert not any(suspect.planted for suspect in last)


def test_without_test_pictures_those_of_validation_judge_and_are_not_searched(config, stripes):
    config = dataclasses.replace(config, data=DataConfig(stripes.id, validation=0.5, test=0.0))
    parts = material.parts(config, stripes)
    assert (parts.judge, len(parts.searched), len(parts.judging)) == ("validation", 60, 60)


def test_stop_is_obeyed_within_a_fit_and_what_is_measured_is_kept(config, stripes, clouded, tmp_path):
    log = Log()

    def should_stop() -> bool:
        return any(trial.arm == "given" for trial in log.of(events.Trial))

    outcome = training.train(config, stripes, tmp_path, log, should_stop, resume=False, started=lambda **facts: None)
    assert outcome.stopped and not outcome.metrics
    assert list(found.curve(log.of(events.Trial))) == [0]


def test_it_goes_through_queue_worker_and_log_as_any_run(config, stripes, tmp_path):
    """The one test with a real network."""
    few = DataConfig(stripes.id, validation=0.4, test=0.2, per_class=8)
    weights = pretrained(tmp_path / "toy.weights.h5")
    run = store.create(
        dataclasses.replace(config, data=few, backbone=BackboneConfig(TINY.name, weights, SIDE), seeds=1), owner="me"
    )
    queue.submit(run.id)
    assert worker.work(run.id) == 0
    history = History(run.log).update()
    assert store.status(run) == "finished"
    assert history.outcome.metrics["val_accuracy"] == found.accuracies(history.trials, "cleaned")[0]
    assert found.suspects(history.artifacts) and found.flips(history.artifacts)
    assert store.of(registry.LABS["labels"]) == [run] and store.trainings() == []


def test_too_few_pictures_are_said(tl_home):
    few = dataset({"upright": 3, "level": 3})
    config = LabelsConfig(DataConfig(few.id), BackboneConfig(TINY.name, "random", SIDE))
    with pytest.raises(UserError, match="too few pictures to search"):
        next(training.inspect(config, few))


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": 0},
        {"planted": 0.9},
        {"looked_at": 0.0},
        {"cleaning": "burn"},
        {"guess": 101},
        {"kind": "cut"},
        {"backbone": {"name": "mobilenet_0.25", "weights": "imagenet", "image_size": 131}},
        {"data": {"dataset": "0123456789abcdef", "validation": 0.0, "test": 0.0, "seed": 0}},
    ],
)
def test_settings_that_cannot_be_are_refused(change):
    whole = LabelsConfig(DataConfig("0123456789abcdef")).to_json()
    assert read(whole) == LabelsConfig(DataConfig("0123456789abcdef"))
    with pytest.raises(UserError):
        read(whole | change)


def test_the_notebook_of_the_docstring_runs(stripes, clouded, capsys):
    text = labels.__doc__.split("In a notebook:")[1]
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.strip()]
    assert len(lines) < 10
    exec(compile(ast.parse("\n".join(lines)), "notebook", "exec"), {"dataset": stripes})
    assert "{0: " in capsys.readouterr().out


def teardown_module():
    keras.backend.clear_session()
