"""A fine-tuning as a run: queued, trained by the real worker, written with, taken home through the engine."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.text_generation import folders
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.engine import client
from tl_core.runs import queue, store, worker
from tl_core.runs.history import History
from tl_core.tasks.image_classification import export
from tl_core.tasks.text_generation import learner, tuned
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.progress import Sample
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Written
from tl_core.text.data import corpus
from tl_core.text.pretrained import model as models
from tl_core.training import checkpoint

TEXT = "\n\n".join(f"The {a} king met the {b} fox." for a in ("old", "young", "sad") for b in "abcdefghijklmno") * 4
PROMPT = "Once upon a time"
SMALL = dataclasses.replace(folders.TINY, layers=2)


@pytest.fixture(scope="module", autouse=True)
def little_to_validate():
    """What is held out is looked at again and again; a little of it says enough here."""
    with pytest.MonkeyPatch.context() as less:
        less.setattr(learner, "VALIDATION_TOKENS", 512)
        less.setattr(learner, "SOURCE_TOKENS", 128)
        yield


@pytest.fixture(scope="module")
def config(home, tmp_path_factory: pytest.TempPathFactory) -> TextConfig:
    """Sixteen steps on a tiny model."""
    weights = folders.random_weights(SMALL, scale=0.1)
    base = folders.write(tmp_path_factory.mktemp("base") / "tiny-base", SMALL, weights)
    text = corpus.paste(TEXT, name="kings")
    return TextConfig(
        corpus=text.id,
        model=str(base),
        evaluate_every=8,
        sample_every=8,
        batch_size=4,
        context=16,
        sample_length=8,
    ).with_phase(steps=16, learning_rate=5e-3)


@pytest.fixture(scope="module")
def run(config: TextConfig) -> store.Run:
    """Trained to the end by the worker, in this process."""
    made = store.create(config, owner="ada")
    queue.submit(made.id)
    assert worker.work(made.id) == 0
    return store.get(made.id)


def test_the_store_reads_it_and_the_worker_trains_it(run, config):
    assert run.config == config and run.config.kind == "text" and run.problem is None
    assert run.name.startswith("tiny-base ")
    assert store.status(run) == "finished"
    log = events.read(run.log)[0]
    begun = next(event for event in log if isinstance(event, events.Started))
    assert set(begun.versions) == {"python", "tensorflow", "keras", "keras-hub", "numpy", "tokenizers"}
    assert log[-1].metrics["perplexity"] < log[-1].metrics["base_perplexity"]
    history = History(run.log).update()
    assert history.total_epochs == 2 and len(history.epochs) == 2
    assert store.best_epoch(run) == min(history.epochs, key=lambda epoch: epoch.metrics["val_loss"]).epoch
    assert [sample.step for sample in history.artifacts] == [0, 8, 16]
    assert config.with_phase(steps=20).epochs == 3
    assert store.create(dataclasses.replace(config, model="gpt2"), owner="ada").name.startswith("GPT-2 (124M) ")


def test_a_text_that_was_deleted_and_settings_of_another_version_are_told(config):
    gone = store.create(dataclasses.replace(config, corpus="0" * 16), owner="ada")
    queue.submit(gone.id)
    assert worker.work(gone.id) == 1
    assert "no text with the id" in str(events.read(gone.log)[0][-1].error)
    (gone.folder / "config.json").write_text('{"kind": "text", "corpus": "x", "wings": 2}')
    assert "cannot be read" in str(store.get(gone.id).problem)


def test_too_little_memory_gives_advice_that_fits_a_text(config):
    def train(*args, resume, started):
        raise MemoryError

    starved = store.create(config, owner="ada")
    queue.submit(starved.id)
    assert worker.work(starved.id, train) == 1
    assert "shorter context" in str(events.read(starved.log)[0][-1].error.remedy)


def test_a_resumed_run_forgets_the_samples_that_it_writes_again():
    history = History(None, 4)
    for event in (
        events.Started(),
        events.Artifact(step=0),
        events.Epoch(epoch=1, step=8),
        events.Artifact(step=8),
        events.Epoch(epoch=2, step=16),
        events.Artifact(step=16),
        events.Stopped(),
        events.Started(resumed_from=1),
    ):
        history.take(event)
    assert [sample.step for sample in history.artifacts] == [0, 8]


def test_the_engine_writes_with_the_tuned_model_and_not_with_the_base(run, config):
    settings = Settings(length=20, strategy="greedy")
    tuned_ids, base_ids = (
        [event.id for event in client.write(name, "The", settings) if isinstance(event, Written)]
        for name in (f"run:{run.id}", config.model)
    )
    assert tuned_ids != base_ids
    assert client.state(f"text:run:{run.id}").status == "ready"


def test_the_downloads_hold_the_tuned_weights(run):
    hub, preset = client.text_export(run.id, "hub"), client.text_export(run.id, "keras")
    with zipfile.ZipFile(hub) as archive:
        archive.extractall(run.folder.parent / "hub")
    made, kept = (models.load_folder(folder) for folder in (run.folder.parent / "hub", run.folder / "model"))
    for name, value in kept.weights.items():
        np.testing.assert_array_equal(made.weights[name], value)
    with zipfile.ZipFile(preset) as archive:
        assert {"config.json", "model.weights.h5", "tokenizer.json"} <= set(archive.namelist())
    with pytest.raises(UserError, match="no LoRA weights"):
        client.text_export(run.id, "lora")
    with store.archive(run.id) as path, zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".zip")]
    before = hub.stat().st_mtime_ns
    assert client.text_export(run.id, "hub").stat().st_mtime_ns == before, "it is made once"
    later = hub.stat().st_mtime_ns + 10**9
    os.utime(run.folder / "model" / "model.safetensors", ns=(later, later))
    assert client.text_export(run.id, "hub").stat().st_mtime_ns != before, "a resumed run makes another one"


@pytest.mark.parametrize(("rank", "frozen"), [(0, 0), (2, 1), (0, 2)])
def test_an_unfinished_run_gives_its_best_round(config, rank: int, frozen: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(learner.Sampler, "write", lambda *_: Sample())
    config = dataclasses.replace(config, lora_rank=rank).with_phase(steps=8, frozen_blocks=frozen)
    made = store.create(config, owner="ada")
    with pytest.raises(UserError, match="no model yet"):
        tuned.load(config, made.folder)
    queue.submit(made.id)
    assert worker.work(made.id) == 0
    expected = models.load_folder(made.folder / "model")
    (made.folder / "model" / "model.safetensors").unlink()  # as while it trains, or after a power cut
    found = tuned.load(config, made.folder)
    assert found.shape == expected.shape and set(found.weights) == set(expected.weights)
    for name, value in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], value, atol=1e-6)
    form = "lora" if config.lora_rank else "hub"
    (made.folder / "weights.lora.h5").unlink(missing_ok=True)
    assert client.text_export(made.id, form).is_file()
    assert tuned.whole(made.folder)
    checkpoint.best_path(made.folder).write_bytes(b"PK nonsense")
    with pytest.raises(UserError, match="cannot be read"):
        tuned.load(config, made.folder)


def test_pictures_and_texts_are_not_mixed_up(run, finished_run):
    with pytest.raises(UserError, match="learned from text"):
        client.classify(f"run:{run.id}", [("a.jpg", b"")])
    with pytest.raises(UserError, match="learned from text"):
        client.evaluate(run.id, "validation")
    with pytest.raises(UserError, match="learned from pictures"):
        next(client.write(f"run:{finished_run()}", PROMPT, Settings()))
    assert not Path(export.model_path(run.folder)).exists()
