"""Groups of ordinary runs: an experiment queues them together, and they are watched, stopped and told of together.

labs/<id>.json   which lab it is, whose, its runs with what each stands for, and what was guessed beforehand

From a notebook, without the app (`work` is only needed where no server schedules):

    from tl_core.images.data.drawn import Drawing, ingest_drawn
    from tl_core.experiments import groups, race
    from tl_core.tasks import registry

    pictures = ingest_drawn(Drawing("flowers", per_class=40))
    experiment = race.start(registry.FIRST.room("ways").usual(pictures.id), seeds=3)
    groups.work(experiment)
    print(race.verdicts(groups.courses(experiment), registry.FIRST)[0])
"""

import contextlib
import csv
import io
import json
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from tl_core.base import paths, records
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.base.records import Count, Moment
from tl_core.experiments.course import Course
from tl_core.runs import queue, store, watch
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import TICK, Scheduler
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

Lab = Literal["race", "budget", "shift", "mistakes"]
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


@dataclass(frozen=True)
class Member:
    """One run and what it stands for."""

    arm: str
    seed: Count
    size: Count  # training examples of each class; 0: all
    run: str  # its id


@dataclass(frozen=True)
class Guess:
    """What somebody thought would come out, said before anything had."""

    arm: str
    amount: float  # in the lab's own unit


@dataclass(frozen=True)
class Planned:
    """A run that is to be made."""

    arm: str
    seed: int
    size: int
    config: Config
    name: str = ""


@dataclass(frozen=True)
class Experiment:
    """One group."""

    id: str
    lab: Lab
    name: str
    owner: str
    created: Moment
    members: tuple[Member, ...]
    guess: Guess | None = None


def create(lab: Lab, planned: Iterable[Planned], *, owner: str, name: str) -> Experiment:
    """Make the runs, write the experiment down, and queue them in this order.

    Raises:
        UserError: the disk is full, or may not be written.
    """
    members: list[Member] = []
    experiment_id = f"{time.strftime('%Y%m%d-%H%M%S', time.localtime())}-{secrets.token_hex(3)}"
    try:
        for each in planned:
            run = store.create(each.config, owner=owner, name=each.name)
            members.append(Member(each.arm, each.seed, each.size, run.id))
        made = Experiment(experiment_id, lab, name.strip()[:80], owner, time.time(), tuple(members))
        _write(made)
    except UserError:
        for member in members:
            with contextlib.suppress(UserError, OSError):  # then it stays in the list of runs
                store.close(store.get(member.run))
                store.delete(member.run)
        raise
    for member in members:
        queue.submit(member.run)
    return made


def get(experiment_id: str) -> Experiment:
    """Read one.

    Raises:
        UserError: there is none with this id, or its file is damaged.
    """
    path = _path(experiment_id)
    try:
        return records.build(Experiment, {**records.load(path), "id": experiment_id})
    except (OSError, ValueError) as error:
        raise UserError(
            message("There is no experiment {id}, or its file is damaged.", id=experiment_id or "?"),
            message("It may have been deleted. Start a new one; the runs of an old one are in the list of runs."),
        ) from error


def all(lab: Lab | None = None) -> list[Experiment]:
    """All experiments (of a lab), newest first; damaged ones are left out."""
    found = []
    for path in sorted(paths.labs().glob("*.json"), reverse=True):
        with contextlib.suppress(UserError):
            experiment = get(path.stem)
            if lab is None or experiment.lab == lab:
                found.append(experiment)
    return found


def guess(experiment_id: str, guessed: Guess) -> Experiment:
    """Write down what somebody thinks will come out: once, and before anything has.

    Raises:
        UserError: there is a guess, or there are results already.
    """
    experiment = get(experiment_id)
    if experiment.guess is not None or any(course.history.epochs for course in courses(experiment)):
        raise UserError(
            message("It is too late for a guess: there is one already, or there are results."),
            message("Start another experiment and guess before it begins."),
        )
    return _write(replace(experiment, guess=guessed))


def stop(experiment_id: str) -> None:
    """Stop all its runs that wait or work; what they have done is kept."""
    for run in reversed(runs(get(experiment_id))):  # those that wait first, or the next one would begin
        if store.status(run) in ACTIVE:
            queue.stop(run.id)


def delete(experiment_id: str) -> None:
    """Delete an experiment with its runs.

    Raises:
        UserError: some of its runs are active.
    """
    experiment = get(experiment_id)
    if active(experiment):
        raise UserError(message("The experiment {name} is active.", name=experiment.name), message("Stop it first."))
    for run in runs(experiment):
        store.delete(run.id)
    _path(experiment_id).unlink(missing_ok=True)


def runs(experiment: Experiment) -> list[Run]:
    """Its runs that there still are, in the order of its members."""
    return [run for _, run in _present(experiment)]


def courses(experiment: Experiment) -> list[Course]:
    """What its runs did so far, in the order of its members; without those that have been deleted."""
    return [
        Course(member.arm, member.seed, member.size, watch.history(run), store.status(run) == "finished")
        for member, run in _present(experiment)
    ]


def task_of(experiment: Experiment) -> Task | None:
    """Of its runs; None where none can be read any more."""
    known = [run.config for run in runs(experiment) if run.config]
    return registry.of(known[0]) if known else None


def active(experiment: Experiment) -> bool:
    """Whether any of its runs waits or works."""
    return any(store.status(run) in ACTIVE for run in runs(experiment))


def status(experiment: Experiment) -> Status:
    """What it is doing: running as long as anything does, waiting while all that is left waits, then how it ended."""
    states = {store.status(run) for run in runs(experiment)}
    order: tuple[Status, ...] = ("stopping", "running", "queued", "failed", "stopped")
    for state in order:
        if state in states:
            return "running" if state == "queued" and states != {"queued"} else state
    return "finished"


def at_work(owner: str) -> int:
    """How many things of this owner wait or work: a group of runs counts as one."""
    busy = {run.id for run in store.all() if run.owner == owner and store.status(run) in ACTIVE}
    if len(busy) < 2:
        return len(busy)
    groups = 0
    for experiment in all():
        own = busy & {member.run for member in experiment.members}
        groups += bool(own)
        busy -= own
    return groups + len(busy)


def table(experiment: Experiment) -> str:
    """All its runs as CSV: what each stands for, how it ended, seconds, trained parameters, and every metric."""
    rows, names = [], set[str]()
    for member, run in _present(experiment):
        course = Course(member.arm, member.seed, member.size, watch.history(run), done=False)
        best, outcome = course.history.best, course.history.outcome
        measured = {**(outcome.metrics if outcome else {}), **(best.metrics if best else {})}
        names |= measured.keys()
        known = {"status": store.status(run), "best_epoch": best.epoch if best else "", "seconds": course.seconds}
        rows.append({**asdict(member), **known, "trainable": course.trainable, **measured})
    text = io.StringIO()
    fields = ["arm", "seed", "size", "run", "status", "best_epoch", "seconds", "trainable", *sorted(names)]
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def work(experiment: Experiment) -> None:
    """Work on its runs here until all have ended, for notebooks; where a server schedules, wait for it."""
    executor = Local()
    scheduler = Scheduler(executor)
    with try_lock(paths.home() / "scheduler.lock") as mine:
        while active(experiment):
            if mine:
                scheduler.tick()
            time.sleep(TICK)
        executor.spare.let_go()


def _present(experiment: Experiment) -> Sequence[tuple[Member, Run]]:
    found = []
    for member in experiment.members:
        with contextlib.suppress(UserError):
            found.append((member, store.get(member.run)))
    return found


def _path(experiment_id: str) -> Path:
    return paths.labs() / (f"{experiment_id}.json" if _ID.fullmatch(experiment_id or "") else "none")


def _write(experiment: Experiment) -> Experiment:
    data = {name: value for name, value in asdict(experiment).items() if name != "id"}
    path = _path(experiment.id)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with disk_full_explained():
        part.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(path)
    return experiment
