"""Groups of runs: queued together, read back, stopped, told as CSV; a damaged file costs its own experiment only."""

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.experiments.made import ME, TASK, WAYS, finish, started, usual
from tl_core.base import paths
from tl_core.base.errors import UserError
from tl_core.experiments import groups
from tl_core.experiments.groups import Guess
from tl_core.runs import queue, store

pytestmark = pytest.mark.usefixtures("tl_home")


def test_a_race_is_queued_seed_by_seed_and_read_back_as_it_was_made():
    made = started()
    assert [(member.seed, member.arm) for member in made.members] == [(seed, way) for seed in range(3) for way in WAYS]
    assert [run.id for run in queue.waiting()] == [member.run for member in made.members]
    assert groups.get(made.id) == made and groups.all("race") == [made] and groups.all("budget") == []
    assert groups.active(made)
    for member in made.members:
        config = store.get(member.run).config
        assert config == TASK.room("ways").ways(TASK.room("ways").seeded(usual(), member.seed))[member.arm]


def test_a_guess_counts_once_and_only_before_there_are_results():
    made, late = started(1), started(1)
    assert groups.guess(made.id, Guess("frozen", 20.0)).guess == Guess("frozen", 20.0)
    with pytest.raises(UserError, match="too late"):
        groups.guess(made.id, Guess("scratch", 1.0))
    assert groups.get(made.id).guess == Guess("frozen", 20.0)
    with pytest.raises(UserError, match="too late"):
        groups.guess(finish(late).id, Guess("frozen", 40.0))


def test_stop_ends_what_waits_and_keeps_what_has_finished():
    made = started(2)
    first = replace(made, members=made.members[:4])
    finish(first)
    groups.stop(made.id)
    states = [store.status(run) for run in groups.runs(made)]
    assert states == ["finished"] * 4 + ["stopped"] * 4 and not groups.active(made)


def test_an_experiment_runs_as_long_as_anything_is_left():
    made = started(2)
    assert groups.status(made) == "queued"
    finish(replace(made, members=made.members[:4]))
    assert groups.status(made) == "running"
    groups.stop(made.id)
    assert groups.status(made) == "stopped"
    assert groups.status(finish(started(1))) == "finished"


def test_an_active_experiment_is_not_deleted_and_a_deleted_one_takes_its_runs_along():
    made, other = started(1), started(1)
    with pytest.raises(UserError, match="active"):
        groups.delete(made.id)
    groups.stop(made.id)
    groups.delete(made.id)
    assert groups.all() == [other] and len(store.all()) == len(other.members)
    with pytest.raises(UserError, match="There is no experiment"):
        groups.get(made.id)


def test_a_deleted_run_is_left_out():
    made = finish(started(1))
    store.delete(made.members[0].run)
    assert [course.arm for course in groups.courses(made)] == list(WAYS[1:])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: "",
        lambda data: json.dumps(data)[:-20],
        lambda data: json.dumps([data]),
        lambda data: json.dumps({**data, "members": 7}),
        lambda data: json.dumps({**data, "members": [{**data["members"][0], "seed": -1}]}),
        lambda data: json.dumps({**data, "lab": "../race"}),
        lambda data: json.dumps({**data, "guess": {"arm": 3, "amount": "many"}}),
    ],
)
def test_a_damaged_file_costs_its_own_experiment_only(damage):
    made, sound = started(1), started(1)
    path = paths.labs() / f"{made.id}.json"
    path.write_text(damage(json.loads(path.read_text())))
    assert groups.all() == [sound]
    with pytest.raises(UserError, match="damaged"):
        groups.get(made.id)


@pytest.mark.parametrize("name", ["", "../people", "20260101-000000-abcdef", "x/y"])
def test_no_such_experiment_is_explained(name):
    with pytest.raises(UserError, match="There is no experiment"):
        groups.get(name)


def test_a_group_counts_as_one_thing_at_work():
    assert groups.at_work(ME) == 0
    made = started()
    assert groups.at_work(ME) == 1
    alone = store.create(usual(), owner=ME)
    queue.submit(alone.id)
    assert groups.at_work(ME) == 2 and groups.at_work("another") == 0
    groups.stop(made.id)
    assert groups.at_work(ME) == 1


def test_the_table_holds_every_run_with_its_metrics_by_name():
    made = finish(started(2))
    rows = list(csv.DictReader(io.StringIO(groups.table(made))))
    assert [(row["arm"], int(row["seed"]), row["run"]) for row in rows] == [
        (member.arm, member.seed, member.run) for member in made.members
    ]
    first = rows[0]
    assert (first["status"], first["trainable"], float(first["seconds"])) == ("finished", "1000", 2.0)
    assert float(first["val_accuracy"]) == pytest.approx(0.8) and float(first["val_loss"]) == pytest.approx(0.6)
    assert float(rows[3]["seconds"]) == 6.0


def test_what_could_not_be_written_leaves_no_run_behind(monkeypatch):
    def full(experiment):
        raise UserError(groups.message("The disk is full."), groups.message("Make room."))

    config = usual()
    monkeypatch.setattr(groups, "_write", full)
    with pytest.raises(UserError, match="full"):
        groups.create("race", [groups.Planned("frozen", 0, 0, config)], owner=ME, name="Race")
    assert store.all() == []
