"""The sources on striped pictures: a tiny real network with weights that say something, beside random ones."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tests.tasks.image_classification.toys import Log, dataset, pretrained
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig
from tl_core.labs import probes, sources, transferability
from tl_core.labs.blocks import Blocks
from tl_core.labs.sources import config as declared
from tl_core.labs.sources import found, training
from tl_core.labs.sources.config import SourcesConfig
from tl_core.runs import queue, store, worker
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig

RANDOM = f"random {TINY.name}"


@pytest.fixture
def stripes(tl_home: Path) -> Dataset:
    return dataset({"upright": 12, "level": 12, "slanting": 12})


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackboneConfig:
    """One source, of a network small enough for a test."""
    network = BackboneConfig(TINY.name, pretrained(tmp_path / "toy.weights.h5"), SIDE)
    monkeypatch.setattr(declared, "SOURCES", {"imagenet": network})
    return network


@pytest.fixture
def config(stripes: Dataset, toy: BackboneConfig) -> SourcesConfig:
    return SourcesConfig(DataConfig(stripes.id, validation=0.5, test=0.0), seeds=2)


def test_networks_are_ranked_before_any_of_them_is_probed_on_features_of_the_last_block(config, stripes, toy):
    log = Log()
    trials = list(training.measure(config, stripes, log))
    wanted = [("imagenet", 0), ("imagenet", 1), (RANDOM, 0), (RANDOM, 1)]
    ranked = [(trial.arm, trial.seed) for trial in trials if trial.place == found.RANKING]
    assert ranked == wanted == [(trial.arm, trial.seed) for trial in trials[4:]]
    assert {trial.place for trial in trials[4:]} == {found.PROBE}

    blocks = Blocks(TINY, SIDE, stripes, Log(), lambda: False)
    blocks.load(toy.weights)
    rows, labels = blocks.rows()[:, blocks.slices[-1]], np.array([image.label for image in stripes.images])
    part = probes.divided(config.data, stripes, 2)[1]
    assert trials[1].metrics == {
        "logme": pytest.approx(transferability.logme(rows[part.train], labels[part.train], 3), rel=1e-4),
        "separation": pytest.approx(transferability.separation(rows[part.train], labels[part.train]), rel=1e-4),
    }
    assert trials[5].metrics == probes.accuracies(rows, labels, part, 3, lambda: False)
    assert trials[2].metrics != trials[3].metrics, "another seed is another random network"
    assert probes.division(log.of(events.Artifact)).validation == 18


def test_it_goes_through_queue_worker_and_log_as_any_run(config):
    run = store.create(dataclasses.replace(config, seeds=1), owner="me")
    queue.submit(run.id)
    assert worker.work(run.id) == 0
    history = History(run.log).update()
    assert (store.status(run), len(history.trials)) == ("finished", 4)
    assert history.outcome.metrics["val_accuracy"] == found.best(found.rows(history.trials)).mean
    assert store.of(registry.LABS["sources"]) == [run]
    assert store.trainings() == []


def test_stop_keeps_what_is_measured(config, stripes, tmp_path):
    log = Log()

    def should_stop() -> bool:
        return len(log.of(events.Trial)) >= 7

    outcome = training.train(config, stripes, tmp_path, log, should_stop, resume=False, started=lambda **facts: None)
    assert outcome.stopped and len(log.of(events.Trial)) == 7, "the source's probes, and one of a random network"
    reached = [trial.metrics["val_accuracy"] for trial in log.of(events.Trial)[4:6]]
    assert outcome.metrics == {"val_accuracy": pytest.approx(np.mean(reached))}


def test_weights_that_cannot_be_had_are_said_and_never_random(config, stripes, monkeypatch):
    gone = BackboneConfig(TINY.name, "/nowhere/gone.weights.h5", SIDE)
    monkeypatch.setattr(declared, "SOURCES", {"imagenet": gone})
    with pytest.raises(UserError, match=r"gone\.weights\.h5"):
        next(training.measure(config, stripes))


def test_the_notebook_of_the_docstring_runs(config, stripes, capsys):
    text = sources.__doc__.split("In a notebook:")[1]
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.strip()]
    assert len(lines) < 10
    exec(compile(ast.parse("\n".join(lines)), "notebook", "exec"), {"dataset": stripes})
    assert "Row(source='imagenet'" in capsys.readouterr().out
