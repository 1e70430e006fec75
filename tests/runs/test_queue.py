"""First come, first served within an owner, fair between owners; submit, resume and stop mean what they say."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.runs.conftest import kinds
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.runs import queue, store
from tl_core.runs.burial import bury
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig

Submit = Callable[..., Run]


def order(*runs: Run) -> str:
    """The waiting runs as letters: a is the first of `runs`."""
    places = {run.id: chr(ord("a") + n) for n, run in enumerate(runs)}
    return "".join(places[run.id] for run in queue.waiting())


def write(run: Run, *found: events.Event) -> None:
    for event in found:
        events.append(run.log, event)


def test_one_owner_is_served_in_order(submitted: Submit):
    assert order(*(submitted() for _ in range(4))) == "abcd"


def test_owners_take_turns_however_many_runs_one_has(submitted: Submit):
    runs = [submitted("ada") for _ in range(4)] + [submitted("bob") for _ in range(2)] + [submitted("cy")]
    assert order(*runs) == "aegbfcd"


def test_who_was_served_longest_ago_goes_first(submitted: Submit):
    now = time.time()
    for owner, ago in (("ada", 10), ("bob", 20), ("cy", 30)):
        done = submitted(owner)
        write(done, events.Started(t=now - ago - 5), events.Finished(t=now - ago))
    runs = [submitted(owner) for owner in ("ada", "bob", "cy", "new")]
    assert order(*runs) == "dcba"


def test_an_owner_whose_run_is_at_work_waits_for_the_others(submitted: Submit):
    working = submitted("ada")
    write(working, events.Started(t=1.0))  # long ago, and still at it
    done = submitted("bob")
    write(done, events.Started(), events.Finished())
    runs = [submitted("ada"), submitted("bob")]
    with try_lock(working.folder / "lock"):
        assert order(*runs) == "ba"


def test_a_run_stopped_in_the_queue_does_not_count_as_service(submitted: Submit):
    queue.stop(submitted("ada").id)
    served = submitted("bob")
    write(served, events.Started(), events.Finished())
    runs = [submitted("bob"), submitted("ada")]
    assert order(*runs) == "ba"


def test_a_run_of_old_work_does_not_win_by_its_age(submitted: Submit):
    """Turns go by when somebody was served last, not by when their runs were made."""
    mine, theirs = [submitted("ada") for _ in range(3)], [submitted("bob") for _ in range(3)]
    served = []
    for _ in range(6):
        run = queue.waiting()[0]
        served.append(run.owner)
        write(run, events.Started(), events.Finished())
    assert served == ["ada", "bob"] * 3
    assert all(store.status(run) == "finished" for run in mine + theirs)


def test_thirty_students_at_once(config: RunConfig):
    def student(number: int) -> None:
        barrier.wait()
        for _ in range(3):
            run = store.create(config, owner=f"student {number}")
            queue.submit(run.id)

    barrier = threading.Barrier(30)
    threads = [threading.Thread(target=student, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = queue.waiting()
    assert len(found) == 90
    for turn in range(3):
        assert len({run.owner for run in found[turn * 30 : turn * 30 + 30]}) == 30
    for owner in {run.owner for run in found}:
        times = [store.last_event(run).t for run in found if run.owner == owner]
        assert times == sorted(times)


def test_submitting_twice_keeps_the_place(submitted: Submit):
    first, second = submitted(), submitted()
    queue.submit(first.id)
    assert kinds(first) == ["queued"] and order(first, second) == "ab"


def test_what_is_at_work_cannot_be_submitted_and_what_died_can(submitted: Submit):
    run = submitted()
    write(run, events.Started())
    with pytest.raises(UserError, match="is active"):
        queue.submit(run.id)
    bury(run)
    queue.submit(run.id)
    assert kinds(run) == ["queued", "started", "failed", "queued"]


def test_settings_that_cannot_be_read_cannot_be_submitted(config: RunConfig):
    run = store.create(config, owner="ada")
    (run.folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        queue.submit(run.id)
    assert kinds(run) == []


def test_resume_is_for_stopped_and_failed_runs(submitted: Submit):
    run = submitted()
    with pytest.raises(UserError, match="neither stopped nor failed"):
        queue.resume(run.id)
    queue.stop(run.id)
    assert store.status(run) == "stopped" and queue.waiting() == [] and not (run.folder / "stop").exists()
    queue.resume(run.id)
    assert store.status(run) == "queued" and kinds(run) == ["queued", "stopped", "queued"]
    write(run, events.Started(), events.Finished())
    with pytest.raises(UserError, match="neither stopped nor failed"):
        queue.resume(run.id)


def test_stop_of_a_worker_leaves_a_note_and_of_an_ended_run_nothing(submitted: Submit):
    run = submitted()
    write(run, events.Started())
    with try_lock(run.folder / "lock"):
        queue.stop(run.id)
        assert store.status(run) == "stopping" and kinds(run) == ["queued", "started"]
    write(run, events.Finished())
    (run.folder / "stop").unlink()
    queue.stop(run.id)
    assert not (run.folder / "stop").exists() and kinds(run) == ["queued", "started", "finished"]


def test_stop_of_a_run_that_was_never_queued(config: RunConfig):
    run = store.create(config, owner="ada")
    queue.stop(run.id)
    assert store.status(run) == "stopped"
