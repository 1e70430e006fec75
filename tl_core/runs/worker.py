"""The worker: `python -m tl_core work <run-id>` trains one run and writes its log.

It takes the run's lock before anything else and holds it until it dies, so that no run is worked on twice.
`python -m tl_core work --warm` loads TensorFlow first and is told its run later (`tl_core.runs.executors.spare`).
"""

import argparse
import contextlib
import os
import platform
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import metadata
from typing import Any

from tl_core.base import events, processes
from tl_core.base.errors import Stopped, UserError, disk_problem
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.runs import burial, store
from tl_core.runs.executors import spare
from tl_core.tasks import registry
from tl_core.tasks.registry import Task
from tl_core.training import calibrations, machine

PATIENCE = 0.5  # seconds from one look for something to calibrate to the next
_POLL = 0.1  # seconds between looks at the stop file


def work(run_id: str, train: Callable | None = None) -> int:
    """Train the run and write how it ended.

    Args:
        run_id: a queued run.
        train: the function that does the work, instead of the task's own; it is handed the config and the
            loaded dataset or corpus.

    Returns:
        The exit code: 0 finished or stopped, 1 failed, 2 not ours to do; above `burial.UNSAID` where the disk did not
        take the last words.
    """
    try:
        return _work(store.get(run_id), train)
    except OSError as error:
        if disk_problem(error) is None or error.errno is None:
            raise
        with contextlib.suppress(OSError):  # its log lies on that disk
            traceback.print_exc()
        return burial.UNSAID + error.errno


def _work(run: store.Run, train: Callable | None) -> int:
    with try_lock(run.folder / "lock", patience=2.0) as mine:
        if not mine or not isinstance(store.last_event(run), events.Queued):
            return 2
        with contextlib.suppress(OSError):  # a full disk: it is known by its lock, and training will say it
            store.announce(run, os.environ.get("TL_PLACE"))
        store.keep_room(run)
        should_stop, task = _StopSwitch(run), registry.of(run.config)
        attempts = [event for event in events.read(run.log)[0] if isinstance(event, events.Started)]
        began, before = False, processes.processor_seconds()
        processes.forget_peak()

        def started(device: str = "CPU", resumed_from: int = 0, resumed_step: int = 0) -> None:
            nonlocal began
            began = True
            store.last_word(
                run,
                events.Started(
                    device=device,
                    resumed_from=resumed_from,
                    resumed_step=resumed_step,
                    pid=os.getpid(),
                    host=socket.gethostname(),
                    versions=_versions(task),
                ),
            )

        def emit(event: events.Event) -> None:
            events.append(run.log, event)

        try:
            if run.problem:
                raise run.problem
            train = train or task.room("training").train
            outcome = train(
                run.config,
                task.room("material").load(run.config),
                run.folder,
                emit,
                should_stop,
                resume=bool(attempts),
                started=started,
            )
            ending = events.Stopped if outcome.stopped else events.Finished
            store.last_word(
                run,
                ending(
                    best_epoch=outcome.best_epoch,
                    metrics=outcome.metrics,
                    cached=outcome.cached,
                    processor_seconds=round(processes.processor_seconds() - before, 2),
                    memory=processes.peak(),
                ),
            )
            return 0
        except Stopped:
            store.last_word(run, events.Stopped(best_epoch=store.best_epoch(run)))
            return 0
        except BaseException as error:
            if not began:
                started()
            failed = events.Failed(error=_explained(error, task), details=traceback.format_exc()[-8000:])
            store.last_word(run, failed)
            return 1
        finally:
            with contextlib.suppress(OSError):
                (run.folder / store.RESERVE).unlink(missing_ok=True)
                (run.folder / "stop").unlink(missing_ok=True)


class _StopSwitch:
    """Answers whether to stop: somebody pressed Stop, or the process was asked to end. Cheap to ask often."""

    def __init__(self, run: store.Run):
        self.path = run.folder / "stop"
        self.looked, self.answer = 0.0, False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminated)

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self.answer and now - self.looked > _POLL:
            self.looked = now
            self.answer = self.path.exists()
        return self.answer

    def _terminated(self, *_: object) -> None:
        self.answer = True


def _versions(task: Task) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in task.libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):  # tensorflow has other names on some machines
            found[name] = metadata.version(name)
    return found


def _explained(error: BaseException, task: Task) -> UserError:
    if isinstance(error, UserError):
        return error
    if problem := disk_problem(error):  # before the memory: TensorFlow calls both "exhausted"
        return problem
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return UserError(message("The machine's memory is too small for these settings."), task.lighter)
    return UserError(
        message("Training ended with an unexpected error: {reason}.", reason=f"{type(error).__name__}: {error}"[:300]),
        message("Press Resume to try again; if it happens again, show the details to whoever runs the server."),
    )


def _meanwhile(should_stop: Callable[..., bool]) -> None:
    """What a worker does before it has a run: it measures the computer for those who set one up.

    Three batches of an experiment are tried in a process of their own: it can be ended at once, and leaves nothing in
    this one.
    """
    machine.measure(should_stop)
    while not should_stop(PATIENCE):
        if calibrations.wanted() and spare.available() >= spare.ENOUGH and not _calibrated(should_stop):
            return  # it cannot be done here


def _calibrated(should_stop: Callable[..., bool]) -> bool:
    """Have what is wanted tried; whether that went well, or was ended because a run came."""
    with open(os.devnull, "w") as nowhere:
        process = processes.start((sys.executable, "-m", "tl_core", "work", "--calibrate"), nowhere)
    while process.poll() is None:
        if should_stop(_POLL):
            processes.kill(process.pid)
            process.wait()
            return True
    return process.returncode == 0


def _calibrate(settings: Any) -> object:
    """Three batches of an experiment, by its settings."""
    config = registry.config(settings)
    task = registry.of(config)
    return task.room("calibration").measure(config, task.room("material").load(config), lambda: False)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core work`."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("run", nargs="?", help="id of a queued run")
    which.add_argument("--warm", action="store_true", help="load TensorFlow, then read on standard input which run")
    which.add_argument("--calibrate", action="store_true", help="try three batches of what a page wants to know")


def main(args: argparse.Namespace) -> int:
    """Train one run; 0 also where none was named."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)  # pages and predictions come first on a machine that is busy
    if args.calibrate:
        calibrations.attempt(_calibrate)
        return 0
    try:
        run_id = spare.become(lambda: registry.FIRST.room("training"), _meanwhile) if args.warm else args.run
        return work(run_id) if run_id else 0
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
