"""The scheduler asks nothing of an executor but what the protocol says: here workers are threads, no processes."""

import threading
from collections.abc import Callable, Sequence

import pytest

from tests.runs.conftest import kinds, wait
from tl_core.base import events
from tl_core.runs import queue, scheduler, store
from tl_core.runs.executors import Executor, Exit, Place
from tl_core.runs.scheduler import Scheduler
from tl_core.runs.store import Run

Submit = Callable[..., Run]


class Cluster:
    """Workers that are threads, at places with names; no file says that they live.

    Args:
        work: what a worker does with its run.
    """

    def __init__(self, work: Callable[[Run, threading.Event], None], places: Sequence[Place] = ("here", "there")):
        self.work, self._places = work, places
        self.workers: dict[str, tuple[threading.Thread, threading.Event, Place]] = {}
        self.told: list[tuple[str, Place]] = []
        self.looks = 0

    def places(self) -> Sequence[Place]:
        return self._places

    def start(self, run: Run, place: Place, *, again: bool = False) -> None:
        killed = threading.Event()
        thread = threading.Thread(target=self.work, args=(run, killed), daemon=True)
        self.workers[run.id] = (thread, killed, place)
        self.told.append((run.id, place))
        thread.start()

    def alive(self, run: Run) -> bool:
        return run.id in self.workers and self.workers[run.id][0].is_alive()

    def place(self, run: Run) -> Place:
        return self.workers[run.id][2]

    def exit(self, run: Run) -> Exit | None:
        return None if self.alive(run) else Exit(3, "no such machine")

    def kill(self, run: Run) -> None:
        self.workers[run.id][1].set()

    def forget(self, run_id: str) -> None:
        self.workers.pop(run_id)

    def tend(self, working: Sequence[Run], waiting: bool) -> None:
        self.looks += 1


def over(executor: Executor, done: Callable[[], object]) -> None:
    """Let a scheduler look until something is so."""
    looking = Scheduler(executor)

    def look() -> object:
        looking.tick()
        return done()

    wait(look)
    looking.tick()
    assert not looking.begun and not looking.stopping


def well(run: Run, killed: threading.Event) -> None:
    events.append(run.log, events.Started())
    events.append(run.log, events.Finished(best_epoch=1))


def deaf(run: Run, killed: threading.Event) -> None:
    events.append(run.log, events.Started())
    killed.wait(60)


def test_runs_are_worked_on_at_the_places_that_there_are(submitted: Submit):
    cluster, runs = Cluster(well), [submitted(owner) for owner in ("ada", "ada", "bob")]
    over(cluster, lambda: all(store.status(run) == "finished" for run in runs))
    assert [run_id for run_id, _ in cluster.told] == [runs[0].id, runs[2].id, runs[1].id]
    assert {place for _, place in cluster.told} == {"here", "there"} and cluster.looks >= 1
    assert all(kinds(run) == ["queued", "started", "finished"] for run in runs)


def test_a_worker_that_dies_without_a_word_is_buried(submitted: Submit):
    run = submitted()
    over(Cluster(lambda run, _: events.append(run.log, events.Started())), lambda: store.status(run) == "failed")
    assert "without a word" in str(store.last_event(run).error)


def test_one_that_never_begins_fails_its_run(submitted: Submit):
    run = submitted()
    over(Cluster(lambda *_: None), lambda: store.status(run) == "failed")
    failed = store.last_event(run)
    assert "exit code 3" in str(failed.error) and failed.details == "no such machine"


def test_one_that_does_not_obey_is_killed_and_its_run_has_stopped(submitted: Submit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scheduler, "GRACE", 0.05)
    run, following = submitted(), submitted("bob")

    def done() -> bool:
        if store.status(run) == "running":
            queue.stop(run.id)
        if store.status(following) == "running":
            queue.stop(following.id)
        return store.status(run) == store.status(following) == "stopped"

    over(Cluster(deaf, places=("here",)), done)
    assert kinds(run) == kinds(following) == ["queued", "started", "stopped"]


def test_a_run_whose_folder_is_gone_is_forgotten(submitted: Submit):
    run = submitted()
    cluster = Cluster(deaf)
    looking = Scheduler(cluster)
    looking.tick()
    wait(lambda: store.status(run) == "running")
    worker, killed, _ = cluster.workers[run.id]
    run.folder.rename(run.folder.with_name(".gone"))
    looking.tick()
    assert not cluster.workers and not looking.begun
    killed.set()
    worker.join(10)
    assert not worker.is_alive()
