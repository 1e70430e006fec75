"""Workers for the tests: real processes that go through the real `work()`, with a training that only pretends.

`python -m tests.runs.fakes <manner> <run id>`, or `--warm` for a spare that has nothing to load; manners:

    quick       one epoch, done at once
    steady      epochs of batches, checkpoints, resumes; writes some lines in two pieces, as a full pipe might
    deaf        begins, then never asks whether to stop, and ignores SIGTERM
    asleep      has the lock, but never begins
    booting     sleeps before it takes the lock
    broken      exits with 7 before it takes the lock
    shut        begins, then its disk takes nothing any more
    loading     as a spare it is never ready; else as quick
    stillborn   as a spare it dies at once; else as quick
    fleeting    as a spare it dies as soon as it has heard of its run; else as quick
"""

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tl_core.base import events
from tl_core.runs import worker
from tl_core.runs.executors import spare
from tl_core.runs.store import Run

EPOCHS, BATCHES = 4, 12
BATCH = 0.012  # seconds


class Outcome:
    """What `tl_core.tasks.image_classification.training.train` returns."""

    def __init__(self, stopped: bool, best_epoch: int):
        self.stopped, self.best_epoch, self.metrics, self.cached = stopped, best_epoch, {"accuracy": 0.5}, None


def command(manner: str) -> tuple[str, ...]:
    """What to give to a Scheduler."""
    return (sys.executable, "-m", "tests.runs.fakes", manner)


def steady(config, dataset, folder: Path, emit: Callable, should_stop: Callable, *, resume: bool, started: Callable):
    """Train as the real thing does: a checkpoint after each epoch, and on from it when resumed."""
    checkpoint = folder / "checkpoint" / "state.json"
    checkpoint.parent.mkdir(exist_ok=True)
    done = json.loads(checkpoint.read_text())["epochs"] if resume and checkpoint.exists() else 0
    started(device="CPU", resumed_from=done)
    log = folder / "events.jsonl"
    emit(events.Phase(phase="features", total=5, unit="images"))
    for seen in range(5):
        time.sleep(BATCH)
        emit(events.Progress(phase="features", done=seen + 1, total=5, rate=80.0))
    emit(events.Phase(phase="head", total=EPOCHS, unit="epochs", first_epoch=0))
    for epoch in range(done + 1, EPOCHS + 1):
        for batch in range(BATCHES):
            time.sleep(BATCH)
            event = events.Batch(
                phase="head", epoch=epoch, step=(epoch - 1) * BATCHES + batch + 1, metrics={"loss": 1 / epoch}
            )
            if batch % 3 == 0:
                _in_two_pieces(log, event)
            else:
                emit(event)
            if should_stop():
                return Outcome(True, epoch - 1)
        part = checkpoint.with_suffix(".part")
        part.write_text(json.dumps({"epochs": epoch}))
        part.replace(checkpoint)
        emit(
            events.Epoch(
                phase="head", epoch=epoch, step=epoch * BATCHES, metrics={"loss": 1 / epoch, "val_loss": 1.0}, best=True
            )
        )
    return Outcome(False, EPOCHS)


def _in_two_pieces(log: Path, event: events.Event) -> None:
    """A line that can be torn by a kill: half of it, a pause, the other half."""
    line = json.dumps(event.to_json(), separators=(",", ":")).encode() + b"\n"
    with open(log, "ab", buffering=0) as file:
        file.write(line[: len(line) // 2])
        time.sleep(BATCH)
        file.write(line[len(line) // 2 :])


def quick(config, dataset, folder: Path, emit: Callable, should_stop: Callable, *, resume: bool, started: Callable):
    """One epoch and done, with a word on standard error."""
    started(device=os.environ.get("CUDA_VISIBLE_DEVICES") or "CPU")
    print("quickly done", file=sys.stderr)
    emit(events.Epoch(phase="head", epoch=1, step=1, best=True))
    return Outcome(False, 1)


def deaf(config, dataset, folder: Path, emit: Callable, should_stop: Callable, *, resume: bool, started: Callable):
    """Begin, finish two epochs, then hang."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    started()
    for epoch in (1, 2):
        emit(events.Epoch(phase="head", epoch=epoch, step=epoch, best=epoch == 1))
    time.sleep(120)


def asleep(config, dataset, folder: Path, emit: Callable, should_stop: Callable, *, resume: bool, started: Callable):
    """Hang while importing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(120)


def shut(config, dataset, folder: Path, emit: Callable, should_stop: Callable, *, resume: bool, started: Callable):
    """Begin, then the disk becomes read-only, for this process alone: the log takes no line, no file goes."""
    started()

    def refused(*anything: object, **named: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    events.append_line = Path.unlink = refused
    emit(events.Epoch(phase="head", epoch=1, step=1, best=True))


def lines(run: Run) -> tuple[list[events.Event], list[bytes]]:
    """Every line of a run's log: events, and what is none. A log that does not end with a line's end fails."""
    data = run.log.read_bytes()
    assert data.endswith(b"\n")
    parsed = [(line, events.parse(line)) for line in data.split(b"\n")[:-1]]
    return [event for _, event in parsed if event], [line for line, event in parsed if event is None]


def main(manner: str, run_id: str) -> int:
    """Work as the manner says; a spare first waits for its run."""
    if run_id == "--warm":
        run_id = spare.become(
            {"loading": lambda: time.sleep(120), "stillborn": sys.exit}.get(manner, lambda: None), lambda named: None
        )
        if run_id is None:
            return 0
        if manner == "fleeting":
            return 3
    if manner == "booting":
        time.sleep(120)
    if manner == "broken":
        print("no such library", file=sys.stderr)
        return 7
    return worker.work(run_id, {"steady": steady, "deaf": deaf, "asleep": asleep, "shut": shut}.get(manner, quick))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
