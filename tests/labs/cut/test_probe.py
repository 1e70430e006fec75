"""Probes behind every block of a tiny real network on striped pictures."""

import ast
import dataclasses

import keras
import numpy as np
import pytest

from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tests.tasks.image_classification.toys import Log, dataset, pretrained
from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import DataConfig
from tl_core.labs import cut, linear, probes
from tl_core.labs.blocks import Blocks
from tl_core.labs.cut import found, material, training
from tl_core.labs.cut.config import CutConfig, read
from tl_core.labs.pictures import FEW
from tl_core.runs import queue, store, worker
from tl_core.runs.history import History
from tl_core.tasks import registry
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import BackboneConfig


@pytest.fixture
def stripes(tl_home) -> Dataset:
    """Three classes, twelve pictures each."""
    return dataset({"upright": 12, "level": 12, "slanting": 12})


@pytest.fixture
def config(stripes, tmp_path) -> CutConfig:
    """The tiny network with plausible weights, two seeds."""
    weights = pretrained(tmp_path / "toy.weights.h5")
    return CutConfig(
        DataConfig(stripes.id, validation=0.5, test=0.0), BackboneConfig(TINY.name, weights, SIDE), seeds=2
    )


def plain_features(config: CutConfig, pictures: Dataset, frozen: int) -> np.ndarray:
    """The average of what the first blocks make of each picture, picture by picture, from a network cut there."""
    base = network.load_base(TINY, config.backbone.weights, SIDE)
    trunk, _ = network.split_base(base, TINY, frozen)
    prepared = network.preprocessing(TINY, SIDE)
    rows = []
    for image in pictures.images:
        pixels = decoding.decode(pictures.path(image).read_bytes())[None]
        rows.append(np.asarray(trunk(prepared(pixels), training=False))[0].mean((0, 1)))
    return np.stack(rows)


def test_probes_are_those_on_features_that_are_computed_the_plain_way(config, stripes):
    log = Log()
    trials = list(training.probe(config, stripes, log))
    places, seeds = config.places, range(config.seeds)
    wanted = [("pretrained", place, seed) for seed in seeds for place in places]
    wanted += [("random", place, seed) for seed in seeds for place in places]
    assert [(trial.arm, trial.place, trial.seed) for trial in trials] == wanted
    blocks = Blocks(TINY, SIDE, stripes, Log(), lambda: False)
    blocks.load(config.backbone.weights)
    rows = blocks.rows()
    labels = np.array([image.label for image in stripes.images])
    for frozen in (1, 3, len(places)):
        plain = plain_features(config, stripes, frozen)
        np.testing.assert_allclose(rows[:, blocks.slices[frozen - 1]], plain, rtol=2e-3, atol=2e-3)
        part = probes.divided(config.data, stripes, 2)[1]
        probe = linear.fit(plain[part.train], labels[part.train], 3, folds=probes.FOLDS)
        told = next(t for t in trials if (t.arm, t.place, t.seed) == ("pretrained", places[frozen - 1], 1))
        accuracy = probe.accuracy(plain[part.validation], labels[part.validation])
        assert told.metrics["val_accuracy"] == pytest.approx(accuracy, abs=1.01 / len(part.validation))
        assert told.metrics["l2"] in linear.L2


def test_the_pass_is_told_and_made_once_and_random_networks_differ_by_seed(config, stripes):
    config = dataclasses.replace(config, seeds=2)
    first, second = Log(), Log()
    once = list(training.probe(config, stripes, first))
    passes = [phase.total for phase in first.of(events.Phase) if phase.phase == "features"]
    assert passes == [36, 36, 36], "one for the pretrained network and one for each random one"
    again = list(training.probe(config, stripes, second))
    assert not [phase for phase in second.of(events.Phase) if phase.phase == "features"], "from the cache"
    assert [trial.metrics for trial in once] == [trial.metrics for trial in again]
    divided = probes.division(first.of(events.Artifact))
    assert (divided.training, divided.validation, divided.chance) == (18, 18, pytest.approx(1 / 3))
    blocks = Blocks(TINY, SIDE, stripes, Log(), lambda: False)
    blocks.load("random", seed=0)
    zero = blocks.rows()
    blocks.load("random", seed=1)
    assert not np.allclose(zero, blocks.rows())
    blocks.load("random", seed=0)
    np.testing.assert_array_equal(zero, blocks.rows())


def test_without_room_in_the_cache_rows_are_the_same(config, stripes, monkeypatch):
    blocks = Blocks(TINY, SIDE, stripes, Log(), lambda: False)
    blocks.load(config.backbone.weights)
    kept = blocks.rows()
    monkeypatch.setenv("TL_CACHE_GB", "0")
    log = Log()
    blocks.emit = log
    np.testing.assert_allclose(blocks.rows(), kept, rtol=1e-5, atol=1e-6)
    assert [phase.phase for phase in log.of(events.Phase)] == ["features"]


def test_stop_is_obeyed_at_the_next_look_and_what_is_measured_is_kept(config, stripes, tmp_path):
    log, asked = Log(), 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return len(log.of(events.Trial)) >= 3

    outcome = training.train(config, stripes, tmp_path, log, should_stop, resume=False, started=lambda **facts: None)
    assert outcome.stopped
    assert len(log.of(events.Trial)) == 3
    assert outcome.metrics["val_accuracy"] == max(trial.metrics["val_accuracy"] for trial in log.of(events.Trial))
    assert asked > 3 * 5, "also within the training of a probe"


def test_stop_during_the_pass_keeps_the_rows_that_are_done(config, stripes):
    log = Log()
    with pytest.raises(Stopped):
        list(training.probe(config, stripes, log, lambda: bool(log.of(events.Progress))))
    rest = Log()
    next(training.probe(config, stripes, rest))
    [phase] = [phase for phase in rest.of(events.Phase) if phase.phase == "features"] or [events.Phase(total=0)]
    assert phase.total < 36


def test_it_goes_through_queue_worker_and_log_as_any_run(config, stripes):
    run = store.create(dataclasses.replace(config, seeds=1), owner="me")
    queue.submit(run.id)
    assert worker.work(run.id) == 0
    history = History(run.log).update()
    assert (store.status(run), len(history.trials)) == ("finished", 2 * len(config.places))
    assert history.outcome.metrics["val_accuracy"] == found.best(found.curve(config, history.trials, "pretrained")).mean
    assert store.of(registry.LABS["cut"]) == [run]
    assert store.trainings() == []
    with store.archive(run.id) as path:
        assert path.stat().st_size
    history.take(events.Started())
    assert history.trials == [], "another attempt makes them anew"


def test_weights_that_cannot_be_had_are_said_and_never_random(config, stripes):
    gone = dataclasses.replace(config, backbone=BackboneConfig(TINY.name, "/nowhere/gone.weights.h5", SIDE))
    with pytest.raises(UserError, match=r"gone\.weights\.h5"):
        next(training.probe(gone, stripes))


def test_fewer_pictures_are_drawn_by_class_and_a_ready_made_split_stays(tl_home):
    many = dataset({"train/upright": 40, "train/level": 20, "val/upright": 8, "val/level": 8})
    config = CutConfig(DataConfig(many.id, test=0.0), pictures=50)
    few = material.load(config)
    assert few == material.load(config)
    assert few.counts[few.classes.index("upright")] > few.counts[few.classes.index("level")] >= FEW
    parts = probes.divided(config.data, many, 2)
    assert np.array_equal(parts[0].validation, parts[1].validation)
    assert len(parts[0].validation) == 16
    assert not np.array_equal(parts[0].train, parts[1].train)
    assert len(parts[0].train) == 48


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": 0},
        {"pictures": 1},
        {"guess": 99},
        {"kind": "image"},
        {"backbone": {"name": "mobilenet_0.25", "weights": "random", "image_size": 128}},
        {"backbone": {"name": "nothing", "weights": "imagenet", "image_size": 128}},
        {"backbone": {"name": "mobilenet_0.25", "weights": "imagenet", "image_size": 131}},
        {"data": {"dataset": "0123456789abcdef", "validation": 0.0, "test": 0.0, "seed": 0}},
    ],
)
def test_settings_that_cannot_be_are_refused(change):
    whole = CutConfig(DataConfig("0123456789abcdef")).to_json()
    assert read(whole) == CutConfig(DataConfig("0123456789abcdef"))
    with pytest.raises(UserError):
        read(whole | change)


def test_the_notebook_of_the_docstring_runs(config, stripes, capsys, monkeypatch):
    text = cut.__doc__.split("In a notebook:")[1]
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.strip()]
    assert len(lines) < 10
    monkeypatch.setattr(probes, "accuracies", lambda *_: {"val_accuracy": 0.5, "accuracy": 0.5, "l2": 0.1})
    monkeypatch.setattr(CutConfig.__init__, "__defaults__", (config.backbone, 1, 600, 0, "cut"))
    exec(compile(ast.parse("\n".join(lines)), "notebook", "exec"), {"dataset": stripes})
    assert "Point(place='block0'" in capsys.readouterr().out


def teardown_module():
    keras.backend.clear_session()
