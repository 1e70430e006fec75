"""kill -9 at random moments: every run ends as failed or is resumed, no log is unreadable, the queue goes on.

Ten kills hit workers that go through the real `work()` with a training that pretends (and writes some lines in two
pieces, so that kills tear them), three more hit the real trainer.
"""

import dataclasses
import os
import random
import sys
import time
from collections.abc import Callable

import pytest

from tests.runs import fakes
from tests.runs.conftest import kinds, wait
from tl_core.base import events
from tl_core.runs import queue, store
from tl_core.runs.history import History
from tl_core.runs.scheduler import Scheduler
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import PhaseConfig, RunConfig

KILLS, REAL_KILLS = 10, 3
Scheduling = Callable[..., Scheduler]


@pytest.fixture
def random_moments() -> random.Random:
    """Seeded; the seed is printed, and can be given as TL_SEED to have the same moments again."""
    seed = int(os.environ.get("TL_SEED", "0")) or time.time_ns() % 1_000_000
    print(f"TL_SEED={seed}")
    return random.Random(seed)


def check_log(run: Run) -> int:
    """Every line is an event, or the torn beginning of one that a kill left. Returns how many are torn."""
    found, torn = fakes.lines(run)
    assert found[0].kind == "queued" and found[-1].kind in events.TERMINAL
    for line in torn:
        assert line.startswith(b'{"kind":') and not line.endswith(b"}"), line
    assert len(torn) <= kinds(run).count("failed")
    return len(torn)


def check_curve(run: Run, epochs: int) -> None:
    """The curve of a finished run is whole, whatever happened on the way."""
    history = History(run.log).update()
    assert [epoch.epoch for epoch in history.epochs] == list(range(1, epochs + 1))
    steps = [batch.step for batch in history.batches(10_000)]
    assert steps == sorted(set(steps)) and history.outcome.kind == "finished"


def begun(scheduler: Scheduler) -> list:
    """The workers that it has started, by run."""
    return list(scheduler.executor.children.items())


@pytest.mark.slow
def test_ten_kills(config: RunConfig, scheduling: Scheduling, random_moments: random.Random):
    runs = []
    for number in range(KILLS):
        runs.append(store.create(config, owner=f"student {number % 7}"))
        queue.submit(runs[-1].id)
    scheduler = scheduling(fakes.command("steady"), tick=0.02)
    span = fakes.BATCH * (5 + fakes.EPOCHS * fakes.BATCHES * 4 / 3)  # seconds that a whole run takes
    killed = torn = 0
    seen: set[str] = set()
    while killed < KILLS:  # the next victim is whichever run the queue starts next: it must go on by itself
        run_id, child = wait(lambda: next((item for item in begun(scheduler) if item[0] not in seen), None))
        seen.add(run_id)
        run = store.get(run_id)
        if random_moments.random() < 0.8:  # else the kill may come before it has begun
            wait(lambda run=run: kinds(run)[-1] != "queued")
        time.sleep(random_moments.uniform(0, span))
        child.process.kill()
        killed += 1
        wait(lambda run=run: kinds(run)[-1] in events.TERMINAL)
    ends = [store.status(run) for run in runs]
    print(f"{killed} kills: {ends.count('failed')} failed, {ends.count('finished')} had just finished")
    assert set(ends) <= {"failed", "finished"} and ends.count("failed") >= KILLS // 2
    for run in runs:
        torn += check_log(run)
        if store.status(run) == "failed":
            queue.resume(run.id)
    wait(lambda: all(store.status(run) == "finished" for run in runs), 120)
    print(f"{torn} torn lines, all closed")
    for run in runs:
        check_log(run)
        check_curve(run, fakes.EPOCHS)


@pytest.mark.slow
def test_kills_of_the_real_trainer(config: RunConfig, scheduling: Scheduling, random_moments: random.Random):
    phases = (PhaseConfig(-1, 12, name="head"), PhaseConfig(4, 4, learning_rate=1e-4, name="fine-tuning"))
    config = dataclasses.replace(config, phases=phases, augmentation="light", views=2)
    runs = [store.create(config, owner=owner) for owner in ("ada", "bob")]
    for run in runs:
        queue.submit(run.id)
    scheduler = scheduling((sys.executable, "-m", "tl_core", "work"))
    victims = [runs[0], runs[1], runs[0]]
    for number, run in enumerate(victims[:REAL_KILLS]):
        if number >= len(runs):
            queue.resume(run.id)
        lines = len(events.read(run.log)[0]) + random_moments.randint(1, 30)
        wait(lambda run=run, n=lines: len(events.read(run.log)[0]) >= n or kinds(run)[-1] in events.TERMINAL, 120)
        time.sleep(random_moments.uniform(0, 0.2))
        child = scheduler.executor.children.get(run.id)
        if child is not None:
            child.process.kill()
        wait(lambda run=run: store.status(run) in ("failed", "finished"), 60)
        check_log(run)
        last = store.last_event(run)
        assert last.kind == "finished" or "without a word" in str(last.error) or "exit code -9" in str(last.error)
    print([kinds(run) for run in runs])
    for run in runs:
        if store.status(run) == "failed":
            queue.resume(run.id)
    wait(lambda: all(store.status(run) == "finished" for run in runs), 240)
    for run in runs:
        check_log(run)
        check_curve(run, config.epochs)
        assert (run.folder / "model.keras").is_file()
    assert any("failed" in kinds(run) for run in runs)
