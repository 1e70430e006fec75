"""Head first: who wins on changed pictures and whether that is more than seed noise; from logs written by hand."""

import csv
import io

import pytest

from tests.experiments.made import ME, TASK, notebook, usual
from tests.pages.made import drawn, trained
from tl_core.base import events
from tl_core.experiments import groups, race, shift
from tl_core.experiments.groups import Guess
from tl_core.runs import store

pytestmark = pytest.mark.usefixtures("tl_home")
CLEAN = {"frozen": 0.8, "head_first": 0.84, "at_once": 0.86}
CHANGED = {"frozen": (0.70, 0.72, 0.71), "head_first": (0.66, 0.65, 0.67), "at_once": (0.5, 0.52, 0.48)}


def started(seeds=3):
    return shift.start(usual(), seeds, owner=ME, name="Head first?")


def finish(made, changed=CHANGED, arms=shift.ARMS):
    """Each run ends at its `CLEAN` accuracy, and on changed pictures 10 points above and below `changed`."""
    for member in made.members:
        if member.arm in arms:
            log, value = store.get(member.run).log, changed[member.arm][member.seed]
            measured = {"accuracy": CLEAN[member.arm], "accuracy_grey": value + 0.1, "accuracy_blurred": value - 0.1}
            for event in (
                events.Started(),
                *trained(2, CLEAN[member.arm]),
                events.Phase(phase="evaluation", total=50, unit="images"),
                events.Finished(best_epoch=2, metrics=measured),
            ):
                events.append(log, event)
    return groups.courses(made)


def test_its_runs_are_those_of_the_race_that_look_at_changed_pictures_too():
    made = started(2)
    assert [(member.seed, member.arm) for member in made.members] == [(s, arm) for s in (0, 1) for arm in shift.ARMS]
    room = TASK.room("ways")
    for member in made.members:
        config = store.get(member.run).config
        assert config.shifts
        assert config == room.shifted(room.ways(room.seeded(usual(), member.seed))[member.arm])
    assert groups.all("shift") == [made] and groups.all("race") == []


def test_the_verdict_says_gain_seeds_pictures_and_test_and_that_it_is_another_one_on_clean_pictures():
    changed, clean = map(str, shift.verdicts(finish(started()), TASK))
    assert changed.startswith("On changed pictures “Head first, then all” gains 16.0 points over “All at once”")
    assert "66.0 % against 50.0 %, n = 50 a seed" in changed
    assert "more than seed noise" in changed and "paired t-test over 3 seeds" in changed
    assert "as they are no gain" in clean and "84.0 % against 86.0 %" in clean and "within seed noise" in clean


def test_the_lines_in_the_docstring_run_on_logs_written_by_hand(monkeypatch, capsys):
    monkeypatch.setattr(groups, "work", finish)
    exec(notebook(shift, {}), {"pictures": drawn(each=12)})
    assert "gains 16.0 points over “All at once”" in capsys.readouterr().out


def test_a_loss_is_called_a_loss_and_noise_noise():
    lost = {**CHANGED, "at_once": (0.9, 0.89, 0.91)}
    assert "loses 24.0 points to “All at once”" in str(shift.verdicts(finish(started(), lost), TASK)[0])
    noise = {**CHANGED, "at_once": (0.5, 0.8, 0.6)}
    said = str(shift.verdicts(finish(started(), noise), TASK)[0])
    assert "no gain" in said and "within seed noise" in said


def test_one_seed_proves_nothing_and_one_way_says_nothing():
    assert "One seed proves nothing" in str(shift.verdicts(finish(started(1)), TASK)[0])
    half = finish(started(1), arms=("frozen", "head_first"))
    assert ["no verdict yet" in str(said) for said in shift.verdicts(half, TASK)] == [True]


def test_a_guess_is_scored_by_changed_pictures():
    courses = finish(started())
    score = race.score(Guess("frozen", 21.0), courses, TASK, shift.changed(TASK))
    assert (score.points, score.right) == (100, True)
    assert not race.score(Guess("at_once", 0.0), courses, TASK, shift.changed(TASK)).right
    level = race.guessed_level(Guess("frozen", 21.0), courses, TASK, shift.changed(TASK))
    assert level == pytest.approx(0.71)


def test_the_table_has_what_was_measured_on_changed_pictures():
    made = started(1)
    finish(made)
    rows = list(csv.DictReader(io.StringIO(groups.table(made))))
    assert [float(row["accuracy_grey"]) for row in rows] == pytest.approx([0.8, 0.76, 0.6])
    assert all(row["val_accuracy"] and row["accuracy_blurred"] for row in rows)
