"""Ingest in the background: two at a time, fair between owners, stoppable, and tidy however it ends."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.images.data.drawing import jpeg, tree
from tl_core.base import paths
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Progress
from tl_core.images.data import dataset as datasets
from tl_core.images.data import drawn, jobs
from tl_core.images.data.jobs import Job

pytestmark = pytest.mark.usefixtures("tl_home")


@pytest.fixture(autouse=True)
def nothing_left_at_work() -> Iterator[None]:
    """Every test waits for its threads, so that none of them writes into the next test's folder."""
    yield
    for job_id in list(jobs._jobs):
        jobs.stop(job_id)
    wait(lambda: jobs._threads == 0)


def wait(condition: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def ended(job_id: str) -> Job:
    wait(lambda: not jobs.get(job_id).active)
    return jobs.get(job_id)


class Gate:
    """Stands in for `ingest`: each call is noted and waits until it is let through."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str]] = []
        self.open = threading.Semaphore(0)
        self.most = self.inside = 0
        self.lock = threading.Lock()

    def __call__(self, source: object, *, name: str, owner: str, progress, refused, should_stop) -> datasets.Dataset:
        with self.lock:
            self.begun.append((owner, name))
            self.inside += 1
            self.most = max(self.most, self.inside)
        progress(Progress("ingest", 1, 10, 2.0))
        refused(3)
        try:
            while not self.open.acquire(timeout=0.01):
                if should_stop():
                    raise Stopped
            if isinstance(source, Exception):
                raise source
        finally:
            with self.lock:
                self.inside -= 1
        return datasets.Dataset("0" * 16, Path(), name, (), ())


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(jobs, "ingest", gate)
    return gate


def test_a_folder_becomes_a_dataset_in_the_background(tmp_path: Path):
    folder, cleaned = tree(tmp_path / "x", a=12, b=9), []
    (folder / "b" / "bad.jpg").write_bytes(b"")
    job = ended(jobs.start(folder, name="x", owner="ada", cleanup=lambda: cleaned.append(1)))
    assert (job.state, job.done, job.total, job.rejected, job.error) == ("done", 22, 22, 1, None)
    assert len(datasets.load(job.dataset).images) == 21
    assert job.elapsed > 0 and job.remaining is None and not job.active
    wait(lambda: cleaned == [1])


def test_a_look_while_it_works_and_while_it_waits(gate: Gate):
    first, second = (jobs.start(Path(), name="x", owner="ada") for _ in range(2))
    wait(lambda: len(gate.begun) == 2 and jobs.get(first).rejected and jobs.get(second).rejected)
    third = jobs.start(Path(), name="x", owner="ada")
    working, waiting = jobs.get(first), jobs.get(third)
    assert (working.state, working.done, working.total, working.rate, working.rejected) == ("working", 1, 10, 2.0, 3)
    assert working.remaining == 4.5 and working.elapsed > 0
    assert (waiting.state, waiting.ahead, waiting.elapsed, waiting.total) == ("waiting", 0, 0.0, 0)
    gate.open.release(3)
    assert [ended(job).state for job in (first, second, third)] == ["done"] * 3
    assert gate.most == jobs.AT_ONCE
    assert jobs.get("nothing") is None


def test_owners_take_turns(gate: Gate):
    many = [jobs.start(Path(), name=f"a{n}", owner="ada") for n in range(4)]
    wait(lambda: len(gate.begun) == 2)
    others = [jobs.start(Path(), name=f"{owner}{n}", owner=owner) for owner in ("bob", "cy") for n in range(2)]
    assert [jobs.get(job).ahead for job in others] == [0, 3, 1, 4]
    assert [jobs.get(job).ahead for job in many[2:]] == [2, 5]
    for done in range(1, 9):
        gate.open.release()
        wait(lambda done=done: len(gate.begun) == min(done + 2, 8))
    order = [owner for owner, _ in gate.begun]
    assert order[:4] == ["ada", "ada", "bob", "cy"]
    assert sorted(order[4:]) == ["ada", "ada", "bob", "cy"] and order[4:].index("ada") <= 2
    for job in many + others:
        assert ended(job).state == "done"


def test_thirty_visitors_at_once_are_all_served(gate: Gate):
    gate.open.release(60)
    started: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: started.extend(jobs.start(Path(), name="x", owner=f"{n}") for _ in "ab"))
        for n in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(started)) == 60
    assert {ended(job).state for job in started} == {"done"}
    assert gate.most <= jobs.AT_ONCE
    assert len(jobs.of("7")) == 2


def test_nobody_lets_more_wait_than_the_server_bears(gate: Gate, monkeypatch: pytest.MonkeyPatch):
    cleaned: list[str] = []

    def begin(owner: str) -> str:
        return jobs.start(Path(), name="x", owner=owner, cleanup=lambda: cleaned.append(owner))

    started = [begin("ada") for _ in range(jobs.EACH)]
    with pytest.raises(UserError, match="of yours are under way"):
        begin("ada")
    assert cleaned == ["ada"], "what was refused is not left lying"
    monkeypatch.setattr(jobs, "ALL", jobs.EACH + 1)
    started.append(begin("bob"))
    with pytest.raises(UserError, match="as many uploads as it has room for"):
        begin("cy")
    gate.open.release(9)
    assert {ended(job).state for job in started} == {"done"}
    assert ended(begin("ada")).state == "done"


def test_stop_while_it_waits_and_while_it_works(gate: Gate):
    cleaned: list[int] = []
    running = [jobs.start(Path(), name="x", owner="ada", cleanup=lambda: cleaned.append(1)) for _ in range(2)]
    wait(lambda: len(gate.begun) == 2)
    waiting = jobs.start(Path(), name="x", owner="bob", cleanup=lambda: cleaned.append(2))
    jobs.stop(waiting)
    assert jobs.get(waiting).state == "stopped" and cleaned == [2]
    for job in running:
        jobs.stop(job)
        assert ended(job).state == "stopped" and jobs.get(job).error is None
    wait(lambda: cleaned == [2, 1, 1])
    jobs.stop(waiting)
    jobs.stop("nothing")
    assert len(gate.begun) == 2 and cleaned == [2, 1, 1]


def test_stop_in_the_middle_of_real_pictures_leaves_nothing(tmp_path: Path):
    folder = tree(tmp_path / "x", a=150, b=150)
    job = jobs.start(folder, name="x", owner="ada")
    wait(lambda: jobs.get(job).done or not jobs.get(job).active)
    jobs.stop(job)
    assert ended(job).state == "stopped" and jobs.get(job).done < 300
    assert not list(paths.datasets().iterdir())


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (UserError(jobs.message("No picture."), jobs.message("Bring some.")), "No picture. Bring some."),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_whatever_goes_wrong_is_a_user_error_and_the_upload_is_cleaned_up(gate: Gate, error: Exception, wanted: str):
    cleaned: list[int] = []

    def cleanup() -> None:
        cleaned.append(1)
        raise OSError("gone already")

    gate.open.release()
    job = ended(jobs.start(error, name="x", owner="ada", cleanup=cleanup))
    assert job.state == "failed" and wanted in str(job.error) and job.dataset is None
    wait(lambda: cleaned == [1])
    gate.open.release()
    assert ended(jobs.start(Path(), name="y", owner="ada")).state == "done"  # the threads go on


def test_jobs_that_have_ended_are_forgotten_in_the_end(gate: Gate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "REMEMBERED", 5)
    gate.open.release(30)
    started = []
    for _ in range(12):
        started.append(jobs.start([("a.jpg", jpeg())], name="x", owner="zoe"))
        ended(started[-1])
    assert len(jobs.of("zoe")) <= 6 and jobs.get(started[0]) is None and jobs.get(started[-1]).state == "done"
    assert all(work.source is None for work in jobs._jobs.values())  # no bytes are held on to


def test_drawn_pictures_are_made_in_the_background_and_can_be_stopped():
    drawing = drawn.Drawing("animals", per_class=3)
    made = ended(jobs.start(lambda *told: drawn.ingest_drawn(drawing, "me", *told), name="Drawn", owner="me"))
    assert (made.state, made.phase, made.done, made.total) == ("done", "ingest", 6, 6)
    assert datasets.load(made.dataset).name.startswith("Drawn cats and dogs")
    long = drawn.Drawing(per_class=2000)
    job_id = jobs.start(lambda *told: drawn.ingest_drawn(long, "me", *told), name="Drawn", owner="me")
    wait(lambda: jobs.get(job_id).phase == "drawing")
    jobs.stop(job_id)
    assert ended(job_id).state == "stopped"
