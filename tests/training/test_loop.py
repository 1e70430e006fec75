"""The loop by itself, with a learner of a few numbers: phases, best weights, early stopping, Stop, resume, events."""

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.training import checkpoint, loop
from tl_core.training.learner import Learned, Standing, judged
from tl_core.training.loop import Outcome

STEPS = 4  # in an epoch


class Number:
    """A variable as Keras' are."""

    shape = (1,)

    def __init__(self, value: float = 0.0):
        self.value = np.array([value])

    def assign(self, value: np.ndarray) -> None:
        self.value = np.array(value)


@dataclass
class Falling:
    """Learns two numbers by gradient descent with momentum on noisy targets; the first is frozen in phase 0.

    Args:
        lengths: epochs of each phase.
        scores: validation losses to be told, instead of the true ones.
        wait: seconds that a step takes.
    """

    lengths: tuple[int, ...] = (3, 3)
    patience: int = 0
    scores: list[float] | None = None
    wait: float = 0.0
    base: str = "as loaded"
    unit: str = "texts"
    should_stop: Callable[[], bool] = lambda: False
    done: list[str] = field(default_factory=list)  # what was asked of it
    standing: Standing = field(default_factory=Standing)

    @property
    def phases(self):
        return len(self.lengths)

    def precision(self):
        return "float32"

    def begin(self, standing: Standing):
        self.standing = standing
        self.told = iter(self.scores or [])

    def phase(self, number):
        self.lower, self.upper = Number(2.0), Number(-3.0)
        self.frozen = 1 if number == 0 and self.phases > 1 else 0
        self.trained = [self.lower, self.upper][self.frozen :]
        self.optimizer = SimpleNamespace(variables=[Number() for _ in self.trained])
        self.activations = SimpleNamespace(size=100 * (number + 1))
        name = ("head", "fine-tuning", "from scratch")[number]
        first = self.standing.first_epoch
        return events.Phase(
            phase=name, total=self.lengths[number], unit="epochs", first_epoch=first, frozen_blocks=self.frozen
        )

    def variables(self, lowest):
        return [self.lower, self.upper][lowest:]

    weights = variables

    def prepare(self, epochs):
        self.done.append(f"prepare {epochs}")

    def chunks(self):
        noise = np.random.default_rng((7, self.standing.epoch)).normal(size=STEPS)
        yield from noise[self.standing.batch :]

    def step(self, noise):
        time.sleep(self.wait)
        loss = 0.0
        for variable, moment in zip(self.trained, self.optimizer.variables, strict=True):
            slope = variable.value - 0.1 * noise
            moment.assign(0.5 * moment.value + slope)
            variable.assign(variable.value - 0.1 * moment.value)
            loss += float((slope**2).sum())
        return Learned({"loss": 2 * loss, "accuracy": 1.0}, 2, 1)

    def validate(self, trained):
        if self.should_stop():
            raise Stopped
        loss = float((self.lower.value**2 + self.upper.value**2).item())
        return {"val_loss": next(self.told, loss), "val_accuracy": 0.5, "extra": 3.0}

    def callback(self, best):
        self.done.append(f"callback {self.standing.epoch} {best}")

    def finish(self):
        self.done.append("finish")

    def metrics(self):
        return self.standing.best


def run(learner, folder, should_stop=lambda: False, resume=False, heard=None):
    """Train, and say how it ended, what was told, and with which facts it began."""
    folder.mkdir(exist_ok=True)
    heard, facts = [] if heard is None else heard, {}
    outcome = loop.train(learner, folder, heard.append, should_stop, resume=resume, started=facts.update)
    return outcome, heard, facts


def epochs(heard):
    return [event for event in heard if isinstance(event, events.Epoch)]


def batches(heard):
    return [event for event in heard if isinstance(event, events.Batch)]


def test_a_run_tells_its_course(tmp_path):
    learner = Falling()
    outcome, heard, facts = run(learner, tmp_path / "run")
    assert (facts["resumed_from"], facts["resumed_step"]) == (0, 0)
    assert [event.phase for event in heard if isinstance(event, events.Phase)] == ["head", "fine-tuning"]
    told = epochs(heard)
    assert [(epoch.epoch, epoch.step) for epoch in told] == [(n, STEPS * n) for n in range(1, 7)]
    assert {epoch.phase for epoch in told[:3]} == {"head"} and {epoch.phase for epoch in told[3:]} == {"fine-tuning"}
    assert all(epoch.unit == "texts" and epoch.rate > 0 for epoch in told)
    assert set(told[0].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy", "extra"}
    assert told[0].metrics["accuracy"] == 0.5, "sums are divided by what was counted"
    assert outcome == Outcome(False, outcome.best_epoch, judged(told[outcome.best_epoch - 1].metrics))
    assert outcome.cached == 300, "of both boundaries"
    assert learner.done[0] == "prepare 3" and learner.done[1] == "callback 0 False" and learner.done[-1] == "finish"


def test_a_run_has_begun_before_its_precision_is_measured_and_may_be_stopped_there(tmp_path):
    said, learner = [], Falling()
    learner.precision = lambda: said.append("measured") or "mixed_bfloat16"
    heard = []
    loop.train(
        learner, tmp_path, heard.append, lambda: False, resume=False, started=lambda **facts: said.append("started")
    )
    assert said == ["started", "measured"]
    assert {event.precision for event in heard if isinstance(event, events.Phase)} == {"mixed_bfloat16"}

    def stopped():
        raise Stopped

    learner = Falling()
    learner.precision = stopped
    outcome, heard, facts = run(learner, tmp_path / "run")
    assert outcome.stopped and outcome.best_epoch == 0 and facts["resumed_step"] == 0 and not heard
    assert not list((tmp_path / "run").iterdir())


def test_each_phase_begins_with_the_best_weights_so_far(tmp_path):
    learner = Falling(scores=[5.0, 1.0, 4.0])  # then true losses, which are larger than 1
    kept = []
    learner.callback = lambda best: kept.append(learner.upper.value.copy())
    begun = []
    learner.prepare = lambda epochs: begun.append(learner.upper.value.copy())
    outcome, heard, _ = run(learner, tmp_path / "run")
    assert begun == [-3.0, kept[2]] != [-3.0, kept[3]], "the second epoch's, not the third's"
    best = checkpoint.load(checkpoint.best_path(tmp_path / "run"))
    assert best.facts["epoch"] == outcome.best_epoch and best.facts["base"] == "as loaded"
    assert [epoch.best for epoch in epochs(heard)[:3]] == [True, True, False]


def test_a_phase_ends_early_and_the_next_one_has_patience_anew(tmp_path):
    scores = [5.0, 4.0, 4.5, 4.2, 9.0, 8.0, 8.5, 8.5]
    outcome, heard, _ = run(Falling((100, 100), patience=2, scores=scores), tmp_path / "run")
    phases = [epoch.phase for epoch in epochs(heard)]
    assert phases == ["head"] * 4 + ["fine-tuning"] * 4, "8 is better than 9 in its phase, though not in the run"
    assert outcome.best_epoch == 2 and outcome.metrics["loss"] == 4.0


@pytest.mark.parametrize("quickly", [0, 1e9], ids=["too large to be kept in time", "kept"])
@pytest.mark.parametrize("stop", range(1, 6 * STEPS, 5))
def test_a_resumed_run_has_the_curve_it_would_have_had(tmp_path, monkeypatch, stop, quickly):
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    monkeypatch.setattr(loop, "QUICKLY", quickly)
    whole, all_, _ = run(Falling(), tmp_path / "whole")
    first = []
    outcome, _, _ = run(Falling(), tmp_path / "run", lambda: len(batches(first)) >= stop, heard=first)
    assert outcome.stopped and outcome.best_epoch == max((e.epoch for e in epochs(first) if e.best), default=0)
    assert checkpoint.step(tmp_path / "run") == (stop if quickly else stop // STEPS * STEPS)
    kept = checkpoint.step(tmp_path / "run")
    outcome, second, facts = run(Falling(), tmp_path / "run", resume=True)
    assert facts["resumed_step"] == kept and facts["resumed_from"] == kept // STEPS
    assert outcome == whole
    assert [epoch.metrics for epoch in (*epochs(first), *epochs(second))] == [epoch.metrics for epoch in epochs(all_)]


def test_stop_is_obeyed_at_the_next_step_and_nothing_is_made(tmp_path):
    learner, heard = Falling((1000,), wait=0.01), []
    pressed = []

    def should_stop():
        if len(epochs(heard)) == 2 and not pressed:
            pressed.append(time.monotonic())
        return bool(pressed)

    outcome, _, _ = run(learner, tmp_path / "run", should_stop, heard=heard)
    assert time.monotonic() - pressed[0] < 2
    assert outcome.stopped and outcome.best_epoch == 2 and outcome.metrics == judged(epochs(heard)[1].metrics)
    assert "finish" not in learner.done
    assert checkpoint.load(checkpoint.best_path(tmp_path / "run")).facts["step"] == 2 * STEPS
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"checkpoint", "best.weights.npz"}


def test_stop_within_a_validation_loses_no_step(tmp_path):
    all_ = run(Falling(), tmp_path / "whole")[1]
    learner = Falling()
    learner.should_stop = lambda: learner.standing.epoch == 1
    outcome, first, _ = run(learner, tmp_path / "run")
    assert outcome.stopped and len(epochs(first)) == 1
    _, second, facts = run(Falling(), tmp_path / "run", resume=True)
    assert (facts["resumed_from"], facts["resumed_step"]) == (1, 2 * STEPS)
    assert [epoch.metrics for epoch in (*epochs(first), *epochs(second))] == [epoch.metrics for epoch in epochs(all_)]


def test_batches_are_averaged_and_throttled(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.1)
    _, heard, _ = run(Falling((20,), wait=0.005), tmp_path / "few")
    told, seconds = batches(heard), heard[-1].t - heard[0].t
    assert 1 <= len(told) <= 2 + seconds / 0.1
    assert max(batch.batches for batch in told) > 1
    assert all(later.step > earlier.step for earlier, later in itertools.pairwise(told))

    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    _, heard, _ = run(Falling((3,)), tmp_path / "all")
    for epoch in epochs(heard):
        own = [batch for batch in batches(heard) if batch.epoch == epoch.epoch]
        assert sum(batch.batches for batch in own) == STEPS
        assert np.mean([batch.metrics["loss"] for batch in own]) == pytest.approx(epoch.metrics["loss"])


def test_checkpoints_are_not_too_many_and_rarer_where_they_take_long(tmp_path, monkeypatch):
    written, save = [], checkpoint.save

    def counted(path, facts, variables):
        if path.name == "state.npz" and variables:
            written.append(path)
            time.sleep(0.05)
        save(path, facts, variables)

    monkeypatch.setattr(checkpoint, "save", counted)
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 0.0)
    run(Falling((5,)), tmp_path / "each")
    assert len(written) == 5
    written.clear()
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 60.0)
    run(Falling((5,)), tmp_path / "none")
    assert not written
    assert loop._pause(2.0) > 2 * loop._pause()


def test_other_pretrained_weights_and_a_loss_that_is_no_number_are_refused(tmp_path):
    run(Falling(), tmp_path / "run")
    with pytest.raises(UserError, match="have changed since"):
        run(Falling(base="another"), tmp_path / "run", resume=True)
    with pytest.raises(UserError, match=r"diverged.*smaller learning rate"):
        run(Falling(scores=[math.nan]), tmp_path / "nan")


def test_best_weights_that_cannot_be_read_are_told(tmp_path):
    run(Falling(), tmp_path, lambda: checkpoint.step(tmp_path) >= 3 * STEPS)
    checkpoint.best_path(tmp_path).write_bytes(b"PK torn")
    with pytest.raises(UserError, match="cannot be read"):
        run(Falling(), tmp_path, resume=True)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 torn"], ids=["empty", "torn"])
def test_a_checkpoint_that_cannot_be_read_means_a_new_beginning_and_is_told(tmp_path, data):
    whole, _, _ = run(Falling(), tmp_path / "run")
    checkpoint.state_path(tmp_path / "run").write_bytes(data)
    outcome, heard, facts = run(Falling(), tmp_path / "run", resume=True)
    assert facts["resumed_from"] == 0 and outcome == whole
    assert ["begins anew" in str(event.message) for event in heard if isinstance(event, events.Notice)] == [True]


def test_a_checkpoint_of_a_fine_tuning_of_an_earlier_version_is_told(tmp_path):
    path = checkpoint.state_path(tmp_path)
    path.parent.mkdir()
    np.savez(path, facts=np.array('{"step": 20, "losses": []}'), weight0=np.zeros(3))
    assert checkpoint.step(tmp_path) == 0
    _, heard, facts = run(Falling(), tmp_path, resume=True)
    assert facts["resumed_from"] == 0 and any(isinstance(event, events.Notice) for event in heard)


def test_a_checkpoint_of_a_picture_run_of_an_earlier_version_is_gone_on_from(tmp_path):
    best = {"lowest": 1, "epoch": 3}
    former = {
        "precision": "float32", "phase": 1, "first_epoch": 3, "epoch": 3, "step": 12, "best_epoch": 3,
        "best_loss": 4.5, "best_accuracy": 0.75, "phase_loss": math.inf, "waited": 0, "lowest": 1,
    }  # fmt: skip
    checkpoint.state_path(tmp_path).parent.mkdir()
    checkpoint.save(checkpoint.best_path(tmp_path), best, [Number(-1.0)])
    checkpoint.save(checkpoint.state_path(tmp_path), former, [])
    outcome, heard, facts = run(Falling(scores=[9.0, 8.0, 7.0]), tmp_path, resume=True)
    assert (facts["resumed_from"], facts["resumed_step"]) == (3, 12)
    assert [epoch.epoch for epoch in epochs(heard)] == [4, 5, 6]
    assert outcome == Outcome(False, 3, {"loss": 4.5, "accuracy": 0.75})
