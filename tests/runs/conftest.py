"""A data folder with one small dataset, and runs on it."""

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.images.data.drawing import jpeg
from tl_core.base import events, processes
from tl_core.images.data.ingest import ingest
from tl_core.runs import queue, store
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import Scheduler
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, PhaseConfig, RunConfig


@pytest.fixture
def config(tl_home) -> RunConfig:
    """An experiment on twenty drawn pictures of each of two classes."""
    pictures = [(f"{name}/{n}.jpg", jpeg(k * 50 + n)) for k, name in enumerate(("a", "b")) for n in range(20)]
    dataset = ingest(pictures, name="drawn")
    return RunConfig(
        DataConfig(dataset.id), BackboneConfig("mobilenet_0.25", "random", 128), phases=(PhaseConfig(-1, 4),)
    )


@pytest.fixture
def submitted(config: RunConfig) -> Callable[..., Run]:
    """Make a run of an owner and queue it."""

    def make(owner: str = "ada") -> Run:
        run = store.create(config, owner=owner)
        queue.submit(run.id)
        return run

    return make


class Watched(Scheduler):
    """A scheduler that remembers its ticks, in seconds since 1970."""

    def __init__(self, places: list[str | None], command: tuple[str, ...]):
        super().__init__(Local(places, command))
        self.ticks: list[float] = []

    def tick(self) -> None:
        self.ticks.append(time.time())
        super().tick()


@pytest.fixture
def scheduling() -> Iterator[Callable[..., Watched]]:
    """Schedulers that tick in threads of their own until the test ends; their workers end with the test."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    begun: list[Watched] = []

    def begin(command: tuple[str, ...], places: list[str | None] | None = None, tick: float = 0.05) -> Watched:
        begun.append(Watched(places or [None], command))

        def go(scheduler: Watched = begun[-1]) -> None:
            while not over.is_set():
                scheduler.tick()
                time.sleep(tick)

        threads.append(threading.Thread(target=go, daemon=True))
        threads[-1].start()
        return begun[-1]

    yield begin
    over.set()
    for thread in threads:
        thread.join()
    for scheduler in begun:
        scheduler.executor.spare.let_go()
        for process in [child.process for child in scheduler.executor.children.values()] + scheduler.executor.leaving:
            process.kill()
            process.wait()
    for run in store.all():
        worker = store.worker(run)
        if worker and worker.born == processes.born(worker.pid) and worker.pid != os.getpid():
            processes.kill(worker.pid)


def wait(condition: Callable[[], object], seconds: float = 30.0) -> object:
    """Wait until the condition is true and return what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def looked(scheduler: Watched, times: int = 3) -> None:
    """Wait until the scheduler has looked so many times, each time from beginning to end."""
    before = len(scheduler.ticks)
    wait(lambda: len(scheduler.ticks) > before + times)


def computing(work: Callable[[], object]) -> float:
    """Seconds that this process computes for some work: the best of five times."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def kinds(run: Run) -> list[str]:
    """The kinds of all events of a run that decide its status."""
    deciding = ("queued", "started", *events.TERMINAL)
    return [event.kind for event in events.read(run.log)[0] if event.kind in deciding]
