"""Fine-tuning: it learns, freezing freezes, the cache changes nothing, resuming changes nothing, Stop stops."""

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tasks.text_generation import folders, reference
from tl_core.base import events, paths
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation import features, learner, tuned
from tl_core.tasks.text_generation.config import PhaseConfig, TextConfig, boundary, text_config
from tl_core.tasks.text_generation.copies import Copies
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.parameters import cost
from tl_core.tasks.text_generation.progress import Sample
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Written
from tl_core.tasks.text_generation.training import Outcome, train
from tl_core.text.data import corpus
from tl_core.text.pretrained import hub_format, model
from tl_core.text.pretrained.shape import Shape
from tl_core.training import activations, checkpoint, loop

TINY = Shape(vocabulary=300, context=32, layers=1, heads=2, width=16)
DEEP = dataclasses.replace(TINY, layers=3)  # where it is about which blocks learn
TEXT = "\n\n".join(f"The {a} king met the {b} fox." for a in ("old", "young", "sad") for b in "abcdefghijklmno") * 6


@pytest.fixture(autouse=True)
def little_to_validate(monkeypatch: pytest.MonkeyPatch):
    """What is held out is looked at again and again; a little of it says enough here."""
    monkeypatch.setattr(learner, "VALIDATION_TOKENS", 512)
    monkeypatch.setattr(learner, "SOURCE_TOKENS", 128)


@pytest.fixture
def setting(tl_home: Path, tmp_path: Path):
    """A config, its text and an empty folder."""
    base = folders.write(tmp_path / "base", TINY, folders.random_weights(TINY, scale=0.1))
    text = corpus.paste(TEXT, name="kings")
    config = TextConfig(
        corpus=text.id,
        model=str(base),
        phases=(PhaseConfig(steps=24, learning_rate=5e-3),),
        evaluate_every=8,
        sample_every=16,
        batch_size=4,
        context=16,
        sample_length=8,
        validation=0.15,
    )
    return config, text, tmp_path


@pytest.fixture
def deep(setting, monkeypatch: pytest.MonkeyPatch):
    """The same with three blocks to freeze and to train; nothing is written on the way."""
    config, text, tmp = setting
    base = folders.write(tmp / "deep", DEEP, folders.random_weights(DEEP, scale=0.1))
    monkeypatch.setattr(learner.Sampler, "write", lambda *_: Sample())
    return dataclasses.replace(config, model=str(base)), text, tmp


def _train(config: TextConfig, text, folder_: Path, should_stop=lambda: False, resume: bool = False, heard=None):
    folder_.mkdir(exist_ok=True)
    heard = [] if heard is None else heard
    began: dict = {}
    outcome = train(config, text, folder_, heard.append, should_stop, resume=resume, started=began.update)
    return outcome, heard, began


def _steps(heard) -> int:
    """How many steps have been told."""
    return max((event.step for event in heard if isinstance(event, events.Batch)), default=0)


def _samples(heard) -> list[events.Artifact]:
    return [event for event in heard if isinstance(event, events.Artifact)]


def _epochs(heard) -> list[events.Epoch]:
    return [event for event in heard if isinstance(event, events.Epoch)]


def test_it_learns_and_leaves_a_model_that_others_load(setting):
    config, text, tmp = setting
    outcome, heard, began = _train(config, text, tmp / "run")
    assert began == {"device": "CPU", "resumed_from": 0, "resumed_step": 0}
    epochs = _epochs(heard)
    assert [event.epoch for event in epochs] == [1, 2, 3] and [event.step for event in epochs] == [8, 16, 24]
    assert epochs[-1].metrics["val_loss"] < epochs[0].metrics["val_loss"] < math.log(300)
    assert outcome.metrics["perplexity"] < outcome.metrics["base_perplexity"] / 2
    assert math.isclose(outcome.metrics["perplexity"], math.exp(min(event.metrics["val_loss"] for event in epochs)))
    samples = _samples(heard)
    assert [sample.step for sample in samples] == [0, 16, 24]
    assert samples[0].payload["perplexity"] == pytest.approx(outcome.metrics["base_perplexity"])
    for event in heard:  # the log's own round trip
        line = __import__("json").dumps(event.to_json()).encode()
        assert type(events.parse(line)) is type(event)

    tuned = model.load_folder(tmp / "run" / "model")
    base = model.load_folder(Path(config.model))
    assert any(not np.array_equal(tuned.weights[name], base.weights[name]) for name in tuned.weights)
    training, held_out = corpus.split(text, config.validation)
    ids = tuned.tokenizer.encode(held_out).ids[: TINY.context]
    losses = [
        -np.log(
            reference.softmax(reference.logits(dict(m.weights), TINY.layers, TINY.heads, ids))[
                np.arange(len(ids) - 1), ids[1:]
            ]
        ).mean()
        for m in (base, tuned)
    ]
    assert losses[1] < losses[0] - 0.5
    assert text.text.startswith(training[:100])


def _told(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Let validation tell these losses, the first one of the base."""
    real, scripted, validation = learner.evaluator, iter(losses), []

    def evaluator(*args):
        evaluate = real(*args)

        def judged(windows):
            validation[:] = validation or [windows]
            loss, accuracy = evaluate(windows)
            return (next(scripted), accuracy) if windows is validation[0] else (loss, accuracy)

        return judged

    monkeypatch.setattr(learner, "evaluator", evaluator)


def test_the_head_first_then_more_each_until_it_no_longer_improves(deep, monkeypatch: pytest.MonkeyPatch):
    config, text, tmp = deep
    head = PhaseConfig(-1, 40, 1e-2, "adam", "constant", "head")
    config = dataclasses.replace(config, phases=(head, PhaseConfig(2, 80, 5e-3)), early_stopping=2)
    _told(monkeypatch, [9.0, 6.0, 5.0, 5.5, 5.6, 7.0, 4.0, 4.5, 4.2])
    outcome, heard, _ = _train(config, text, tmp / "run")
    phases = [event for event in heard if isinstance(event, events.Phase) and event.unit == "epochs"]
    assert [(phase.phase, phase.frozen_blocks, phase.first_epoch) for phase in phases] == [
        ("head", 4, 0), ("fine-tuning", 2, 4),
    ]  # fmt: skip
    assert [phase.trainable for phase in phases] == [cost(config, DEEP, number).trainable for number in (0, 1)]
    assert [(event.phase, event.step) for event in _epochs(heard)] == [
        *(("head", step) for step in (8, 16, 24, 32)),
        *(("fine-tuning", step) for step in (40, 48, 56, 64)),
    ]
    assert outcome.best_epoch == 6 and outcome.metrics["perplexity"] == math.exp(4.0)
    before, after = hub_format.read_weights(Path(config.model), DEEP), model.load_folder(tmp / "run" / "model").weights
    changed = {".".join(name.split(".")[:2]) for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"h.1", "h.2", "ln_f.weight", "ln_f.bias"}
    again = tuned._rebuilt(config, tmp / "run")[1]
    for name, value in model.hub_weights(again).items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)


def test_what_is_told_of_a_run_is_told_of_the_weights_that_it_keeps(setting, monkeypatch: pytest.MonkeyPatch):
    config, text, tmp = setting
    _told(monkeypatch, [6.0, 5.0, 3.0, 4.0])  # before, then three rounds: the second is best
    config = dataclasses.replace(config, sample_every=24)  # none where the best round ends
    outcome, heard, _ = _train(config, text, tmp / "run")
    samples = {event.step: event.payload for event in _samples(heard)}
    best, after = _epochs(heard)[1].metrics, outcome.metrics["source_perplexity"]
    assert outcome.best_epoch == 2 and set(samples) == {0, 24, 16}
    assert samples[16]["perplexity"] == outcome.metrics["perplexity"] == math.exp(3.0)
    assert samples[16]["source_perplexity"] == best["source_perplexity"] == after != samples[24]["source_perplexity"]
    assert outcome.metrics["copied_tokens"] == samples[16]["copied_tokens"]
    kept = model.load_folder(tmp / "run" / "model")
    again = generate(
        Decoder(kept.shape, kept.weights), kept.tokenizer, config.prompt, Settings(length=config.sample_length)
    )
    assert samples[16]["text"] == "".join(event.text for event in again if isinstance(event, Written))
    card = (tmp / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "16 steps" in card and f"{math.exp(3.0):.1f} (before fine-tuning {math.exp(6.0):.1f})" in card
    assert f"{after:.1f} (before" in card and f"| {samples[16]['copied_tokens']} tokens |" in card


def test_a_base_that_has_changed_is_noticed(setting):
    config, text, tmp = setting
    _train(config.with_phase(steps=8), text, tmp / "run")
    folders.write(Path(config.model), TINY, folders.random_weights(TINY, seed=1, scale=0.1))
    (tmp / "run" / "model" / hub_format.WEIGHTS).unlink()  # as of a run that was interrupted
    with pytest.raises(UserError, match="have changed since"):
        tuned.complete(config, tmp / "run")
    with pytest.raises(UserError, match="have changed since"):
        _train(config, text, tmp / "run", resume=True)


@pytest.mark.parametrize("below", [1, 2, -1])
def test_frozen_blocks_stay_as_they_are(deep, below: int):
    config, text, tmp = deep
    config = config.with_phase(frozen_blocks=below, steps=8)
    _, heard, _ = _train(config, text, tmp / "run")
    before = hub_format.read_weights(Path(config.model), DEEP)
    after = hub_format.read_weights(tmp / "run" / "model", DEEP)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    blocks = {".".join(name.split(".")[:2]) for name in changed}
    free = {f"h.{layer}" for layer in range(DEEP.layers)[below - 1 if below > 0 else DEEP.layers :]}
    assert blocks == free | {"ln_f.weight", "ln_f.bias"}
    phase = next(event for event in heard if isinstance(event, events.Phase) and event.phase == "fine-tuning")
    expected = cost(config, DEEP)
    assert (phase.trainable, phase.frozen) == (expected.trainable, expected.frozen)
    assert phase.frozen_blocks == (below if below > 0 else DEEP.layers + 1)


def test_lora_trains_only_its_own_weights_above_the_boundary(deep):
    config, text, tmp = deep
    config = dataclasses.replace(config, lora_rank=2).with_phase(frozen_blocks=2, learning_rate=0.05)
    outcome, heard, _ = _train(config, text, tmp / "run")
    before = hub_format.read_weights(Path(config.model), DEEP)
    after = hub_format.read_weights(tmp / "run" / "model", DEEP)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"h.1.attn.c_attn.weight", "h.2.attn.c_attn.weight"}
    keys = slice(DEEP.width, 2 * DEEP.width)  # query and value change, key does not
    np.testing.assert_array_equal(before["h.1.attn.c_attn.weight"][:, keys], after["h.1.attn.c_attn.weight"][:, keys])
    phase = next(event for event in heard if isinstance(event, events.Phase) and event.phase == "fine-tuning")
    expected = cost(config, DEEP)
    assert (phase.trainable, phase.frozen) == (expected.trainable, expected.frozen)
    assert outcome.metrics["perplexity"] < outcome.metrics["base_perplexity"]

    alone = model.backbone(DEEP, before)
    alone.enable_lora(2)
    alone.load_lora_weights(str(tmp / "run" / "weights.lora.h5"))
    for name, value in model.hub_weights(alone).items():
        np.testing.assert_allclose(value, after[name], atol=1e-6, err_msg=name)


def test_cached_activations_change_nothing_and_are_computed_once(deep, monkeypatch: pytest.MonkeyPatch):
    config, text, tmp = deep
    config = dataclasses.replace(config, evaluate_every=45).with_phase(frozen_blocks=3, steps=90)
    computed = []
    original = features.Activations

    class Watched(original):
        def __init__(self, *args):
            super().__init__(*args)
            computed.append(self)

    monkeypatch.setattr(learner, "Activations", Watched)
    cached = _epochs(_train(config, text, tmp / "cached")[1])
    plain = _epochs(_train(dataclasses.replace(config, cache=False), text, tmp / "plain")[1])
    for one, other in zip(cached, plain, strict=True):
        assert one.metrics == pytest.approx(other.metrics, abs=1e-4)
    windows = len(computed[0]._windows)
    assert computed[0].kept and computed[0].computed == windows < 90 * 4 == computed[1].computed
    again = _epochs(_train(config, text, tmp / "again")[1])
    assert computed[2].computed == 0, "a later run finds them"
    assert [one.metrics for one in again] == [one.metrics for one in cached]
    monkeypatch.setattr(features, "EXACT_BYTES", 0)  # half precision, as for large texts
    halves = _epochs(_train(config, text, tmp / "halves")[1])
    assert halves[-1].metrics["val_loss"] == pytest.approx(plain[-1].metrics["val_loss"], abs=5e-3)


def test_activations_that_the_cache_may_not_hold_are_computed_each_time(deep, monkeypatch: pytest.MonkeyPatch):
    config, text, tmp = deep
    config = config.with_phase(frozen_blocks=3, steps=16)
    whole = _epochs(_train(config, text, tmp / "kept")[1])
    taken = activations.used()
    assert taken > 0
    monkeypatch.setenv("TL_CACHE_GB", str(taken / 2 / 1e9))
    _, heard, _ = _train(dataclasses.replace(config, context=24), text, tmp / "other")
    notices = [str(event.message) for event in heard if isinstance(event, events.Notice)]
    assert sum("TL_CACHE_GB" in notice for notice in notices) == 1
    monkeypatch.setenv("TL_CACHE_GB", "1")
    for path in paths.features().glob("*.npy"):
        path.write_bytes(bytes(path.stat().st_size))  # damaged: it heals
    healed = _epochs(_train(config, text, tmp / "healed")[1])
    assert [one.metrics for one in healed] == [one.metrics for one in whole]


def test_a_resumed_run_has_the_curve_it_would_have_had(setting, monkeypatch: pytest.MonkeyPatch):
    config, text, tmp = setting
    config = dataclasses.replace(config, dropout=0.2)
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    whole = _epochs(_train(config, text, tmp / "whole")[1])
    first: list[events.Event] = []
    stop_in_the_second_round = lambda: _steps(first) > 8 + 3  # noqa: E731
    outcome, _, _ = _train(config, text, tmp / "parts", stop_in_the_second_round, heard=first)
    assert outcome.stopped and outcome.best_epoch == 1 and len(_epochs(first)) == 1
    assert [sample.step for sample in _samples(first)] == [0] and "copied_tokens" not in outcome.metrics
    assert not (tmp / "parts" / "model").exists(), "nothing else is made at Stop"
    best, base = tuned.load(config, tmp / "parts").weights, model.load_folder(Path(config.model)).weights
    assert any(not np.array_equal(best[name], value) for name, value in base.items())
    made = checkpoint.step(tmp / "parts")
    assert 8 < made < 16, "the steps since the last validation are kept"
    outcome, second, began = _train(config, text, tmp / "parts", resume=True)
    assert (began["resumed_from"], began["resumed_step"]) == (1, made) and not outcome.stopped
    assert next(event for event in second if isinstance(event, events.Batch)).batches <= 16 - made, "none made twice"
    assert not any(sample.step == 0 for sample in _samples(second))
    for one, other in zip(whole, _epochs(first) + _epochs(second), strict=True):
        assert (one.epoch, one.step) == (other.epoch, other.step)
        assert one.metrics == pytest.approx(other.metrics, abs=1e-5)
    ours, theirs = (hub_format.read_weights(tmp / name / "model", TINY) for name in ("whole", "parts"))
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)


@pytest.mark.parametrize("limit", [math.inf, 0], ids=["kept", "too large to be kept in time"])
def test_a_run_stopped_before_its_first_validation_goes_on_where_it_was(
    setting, monkeypatch: pytest.MonkeyPatch, limit: float
):
    config, text, tmp = setting
    config = dataclasses.replace(config, evaluate_every=12, sample_every=12)
    monkeypatch.setattr(loop, "QUICKLY", limit)
    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    whole = _epochs(_train(config, text, tmp / "whole")[1])
    first: list[events.Event] = []
    outcome, _, _ = _train(config, text, tmp / "parts", lambda: _steps(first) >= 5, heard=first)
    assert outcome.stopped and not _epochs(first)
    made = checkpoint.step(tmp / "parts")
    assert 0 < made < 12 if limit else made == 0
    _, second, began = _train(config, text, tmp / "parts", resume=True)
    assert (began["resumed_from"], began["resumed_step"]) == (0, made)
    for one, other in zip(whole, _epochs(second), strict=True):
        assert (one.epoch, one.step) == (other.epoch, other.step)
        assert one.metrics == pytest.approx(other.metrics, abs=1e-5), "the means of the whole round"
    steps = [sample.step for sample in _samples(first + second)]
    assert steps == ([0, 12, 24] if made else [0, 0, 12, 24])


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 torn", b"\x93NUMPY"], ids=["empty", "torn", "other"])
def test_a_damaged_state_keeps_no_step(tmp_path: Path, data: bytes):
    assert checkpoint.step(tmp_path) == 0
    checkpoint.state_path(tmp_path).parent.mkdir()
    checkpoint.state_path(tmp_path).write_bytes(data)
    assert checkpoint.step(tmp_path) == 0


def test_stop_is_quick_and_before_the_first_round_there_is_no_model(setting):
    config, text, tmp = setting
    config = dataclasses.replace(config, evaluate_every=50_000).with_phase(steps=100_000)
    yes: list[int] = []  # how many events had been heard at each yes

    def should_stop() -> bool:
        if any(isinstance(event, events.Batch) for event in heard):
            yes.append(len(heard))
        return bool(yes)

    heard: list[events.Event] = []
    outcome, _, _ = _train(config, text, tmp / "run", should_stop, heard=heard)
    assert len(yes) == 1, "the first yes counts"
    assert heard[yes[0] :] == [], "nothing is learned after it"
    assert outcome == Outcome(True, 0, outcome.metrics) and "perplexity" not in outcome.metrics
    assert {path.name for path in (tmp / "run").iterdir()} == {"checkpoint"}
    with pytest.raises(UserError, match="no model yet"):
        tuned.load(config, tmp / "run")


def test_the_best_weights_of_an_earlier_version_are_read(setting):
    config, text, tmp = setting
    _train(config.with_phase(steps=8), text, tmp / "run")
    best = checkpoint.load(checkpoint.best_path(tmp / "run"))
    expected = tuned.load(config, tmp / "run").weights
    old = tmp / "old"
    old.mkdir()
    former = {str(number): array for number, array in enumerate(best.arrays)} | {"base": np.array(best.facts["base"])}
    np.savez(old / tuned.FORMER_BEST, **former)
    found = tuned.load(config, old).weights
    assert all(np.array_equal(found[name], value) for name, value in expected.items())
    tuned.complete(config, old)
    assert tuned.whole(old)


def test_what_cannot_work_is_told(setting):
    config, text, tmp = setting
    short = corpus.paste("Too short.", name="short")
    with pytest.raises(UserError, match="one window takes 17"):
        _train(dataclasses.replace(config, corpus=short.id), short, tmp / "a")
    with pytest.raises(UserError, match="frozen blocks is 9"):
        _train(config.with_phase(frozen_blocks=9), text, tmp / "b")
    with pytest.raises(UserError, match="nothing left for LoRA"):
        boundary(dataclasses.replace(config, lora_rank=2).with_phase(frozen_blocks=-1), TINY)
    with pytest.raises(UserError, match="no longer a number"):
        config = dataclasses.replace(config, evaluate_every=1000, weight_decay=1.0, model=_exploding(tmp))
        _train(config.with_phase(learning_rate=1.0, steps=2000), text, tmp / "c")


def _exploding(tmp: Path) -> str:
    weights = folders.random_weights(TINY)
    weights["ln_f.weight"] = np.full(TINY.width, 3e38, np.float32)
    return str(folders.write(tmp / "exploding", TINY, weights))


def test_a_straightened_run_reads_plain_text_and_an_old_run_reads_it_as_it_is(setting):
    config, _, tmp = setting
    curly = corpus.paste(TEXT.replace("fox.", "fox\u2019s \u201cson\u201d."), name="curly")
    config = dataclasses.replace(config, corpus=curly.id, prompt="\u201cThe", straighten=True).with_phase(steps=1)
    _, heard, _ = _train(config, curly, tmp / "run")
    assert {sample.payload["prompt"] for sample in _samples(heard)} == {'"The'}
    _, other, _ = _train(dataclasses.replace(config, straighten=False), curly, tmp / "plain")
    loss, as_printed = (_epochs(log)[-1].metrics["val_loss"] for log in (heard, other))
    assert loss != as_printed
    straight = corpus.paste(curly.text.translate(str.maketrans("\u2019\u201c\u201d", '\'""')), name="straight")
    _, same, _ = _train(dataclasses.replace(config, corpus=straight.id), straight, tmp / "straight")
    assert _epochs(same)[-1].metrics["val_loss"] == pytest.approx(loss, abs=1e-6)
    old = {name: value for name, value in config.to_json().items() if name != "straighten"}
    assert not text_config(old).straighten and text_config(old).opening == "\u201cThe"


def test_config_comes_back_and_is_checked(setting):
    config, _, _ = setting
    assert text_config(config.to_json()) == config
    for wrong in ({"context": 5}, {"dropout": 1.0}, {"validation": -0.1}, {"early_stopping": -1}, {"phases": []}):
        with pytest.raises(UserError):
            text_config(config.to_json() | wrong)
    for wrong in ({"steps": 0}, {"learning_rate": 0}, {"optimizer": "luck"}, {"schedule": "none"}):
        with pytest.raises(UserError):
            text_config(config.with_phase(**wrong).to_json())
    with pytest.raises(UserError, match="cannot be read"):
        text_config({"corpus": "x", "nonsense": 1})


def test_settings_of_the_versions_with_one_phase_are_read_as_one_phase():
    old = {"corpus": "x", "model": "gpt2", "frozen_blocks": 11, "steps": 60, "learning_rate": 5e-5, "kind": "text"}
    assert text_config(old) == TextConfig("x", "gpt2", phases=(PhaseConfig(11, 60, 5e-5, "adamw", "cosine"),))
    assert text_config({"corpus": "x"}).phases == (PhaseConfig(),)
    two = TextConfig("x", phases=(PhaseConfig(-1, 30, name="head"), PhaseConfig(2, 45)), evaluate_every=20)
    assert text_config(two.to_json()) == two
    assert (two.steps, two.epochs, two.frozen_blocks) == (75, 2 + 3, 2)


def test_costs_fall_with_the_boundary_and_lora_is_small():
    shape = Shape()
    costs = [cost(TextConfig(corpus="x", model="gpt2").with_phase(frozen_blocks=below), shape) for below in range(14)]
    assert costs[0].trainable == 124_439_808 and costs[0].frozen == 0
    assert costs[13].trainable == 2 * 768
    for lower, higher in itertools.pairwise(costs):
        assert lower.trainable > higher.trainable and lower.memory > higher.memory
        assert lower.operations_per_cached_step >= higher.operations_per_cached_step
    assert costs[9].operations_per_cached_step < costs[9].operations_per_step
    lora = cost(TextConfig(corpus="x", model="gpt2", lora_rank=4), shape)
    assert lora.share < 0.01 and lora.trainable + lora.frozen > 124_439_808


def test_copies_are_found_exactly():
    random = np.random.default_rng(0)
    text = random.integers(0, 60_000, 5000)
    copies = Copies(text)
    sample = [*random.integers(0, 60_000, 10).tolist(), *text[1234:1264].tolist(), 59_999, 3]
    assert copies.longest(sample) == (10, 30)
    assert copies.longest([]) == (0, 0) and copies.longest([60_001]) == (0, 0)


def test_padding_is_never_needed_windows_share_one_token():
    from tl_core.tasks.text_generation.steps import windows_of

    windows = windows_of(np.arange(100), 16)
    assert windows.shape == (6, 17)
    assert np.array_equal(windows[:-1, -1], windows[1:, 0])
    assert windows_of(np.arange(16), 16).shape == (0, 17)
    assert tf.constant(windows).dtype.is_integer
