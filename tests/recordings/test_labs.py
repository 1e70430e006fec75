"""Recorded experiments of the labs: a run or a group of runs, recorded by one command, replayed as it grew."""

import json
import re

import pytest

from pages.ui import i18n
from tests.experiments.made import TASK, finish, started
from tests.pages.made import drawn, run_of, trained
from tests.pages.test_cut import log, vgg
from tests.recordings.test_play import shelf, spread, words_of
from tl_core import __main__ as command_line
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.experiments import groups, race
from tl_core.experiments.groups import Experiment, Guess
from tl_core.labs.cut import found
from tl_core.labs.probes import division
from tl_core.recordings import labs, play, record
from tl_core.recordings.labs import GroupReplay, RecordedGroup
from tl_core.recordings.play import Replay
from tl_core.recordings.record_group import record_group
from tl_core.runs import store

__all__ = ["shelf"]
SHIPPED = ("race", "budget", "shift", "cut", "sources", "labels")


@pytest.fixture
def raced(shelf) -> Experiment:
    """A race of two seeds that has finished, guessed by its owner; the frozen runs are over after two seconds."""
    made = started(2, owner="ada-lovelace")
    groups.guess(made.id, Guess("scratch", 3.0))
    return finish(groups.get(made.id))


def test_a_lab_that_is_one_run_is_recorded_and_found_by_its_name(shelf, capsys):
    config = vgg(drawn())
    run = run_of(config, *spread(log(config, events.Finished())), owner="ada-lovelace")
    assert command_line.main(["record", run.id, "--name", "cut", "--machine", "A laptop"]) == 0
    assert str(shelf / "cut") in capsys.readouterr().out
    made = labs.get("cut")
    assert (made.config, labs.lab(made), str(made.card.weights)) == (config, "cut", "ImageNet")
    assert str(made.card.data) == "Drawn flowers: 18 pictures to train on, 6 to validate"
    assert made.curves_begin == 3, "with the first probe"
    grown = Replay(made).at(made.curves_begin + 1.5)
    assert [trial.place for trial in grown.trials] == ["block1", "block1"]
    whole = Replay(made).at(made.length)
    assert "best behind block4" in str(found.sentences(config, whole.trials, division(whole.artifacts))[0])
    assert not re.search(f"ada|{run.id}", words_of(made.folder))
    assert play.all() == [] and labs.all() == [made], "the list of recorded training has none of a lab"


def test_a_group_is_its_runs_logs_and_what_each_stands_for(raced, shelf):
    assert command_line.main(["record", raced.id, "--name", "race", "--machine", "A laptop"]) == 0
    made = labs.get("race")
    assert isinstance(made, RecordedGroup) and (labs.lab(made), made.task, made.length) == ("race", TASK, 6.0)
    assert [(member.arm, member.seed, member.size) for member in made.experiment.members] == [
        (member.arm, member.seed, member.size) for member in raced.members
    ]
    assert [run.config for run in made.runs] == [run.config for run in groups.runs(raced)]
    replay = GroupReplay(made)
    assert race.verdicts(replay.at(made.length), TASK) == race.verdicts(groups.courses(raced), TASK)
    assert {course.arm for course in replay.at(2.5) if course.done} == {"frozen"}, "and back in time"
    assert not any(course.history.epochs for course in replay.at(0.5))
    private = ["ada-lovelace", raced.id, *(member.run for member in raced.members)]
    assert not [word for word in private if word in words_of(shelf / "race")]
    assert (str(made.card.weights), made.experiment.guess) == ("this project's own", None)


def test_runs_that_begin_one_after_the_other_are_replayed_so(shelf):
    made = started(1, arms=("frozen", "scratch"))
    for begin, run in zip((100.0, 160.0), groups.runs(made), strict=True):
        for event in spread([events.Started(), *trained(4), events.Finished(best_epoch=4)], begin):
            events.append(run.log, event)
    record_group(made, "race")
    recording = labs.get("race")
    assert (recording.begins, recording.length, recording.curves_begin) == ((0, 60), 70, 2)
    assert [course.done for course in GroupReplay(recording).at(69)] == [True, False]
    assert [len(course.history.epochs) for course in GroupReplay(recording).at(63)] == [4, 1]


def test_what_is_not_whole_is_not_recorded_and_nothing_is_called_what_it_is_not(raced, shelf):
    with pytest.raises(UserError, match="not what the recording would be called"):
        record_group(raced, "budget")
    with pytest.raises(UserError, match="no title"):
        record_group(raced, "mine")
    waiting = started(1)
    with pytest.raises(UserError, match="has not finished"):
        record_group(waiting, "race")
    store.delete(raced.members[0].run)
    with pytest.raises(UserError, match="have been deleted"):
        record_group(raced, "race")
    assert not shelf.exists()


@pytest.mark.parametrize("damage", ["group", "config", "log", "gone", "card"])
def test_a_damaged_group_is_left_out_and_explained(raced, damage):
    folder = record_group(raced, "race")
    record_group(raced, "mine", title="Mine", notice="Look.")
    if damage == "group":
        (folder / labs.GROUP).write_text("[1]")
    elif damage == "config":
        stored = json.loads((folder / labs.GROUP).read_text())
        stored["runs"][0]["config"]["kind"] = "cut"
        (folder / labs.GROUP).write_text(json.dumps(stored))
    elif damage == "log":
        (folder / labs.log(3)).write_bytes(b"no gzip")
    elif damage == "gone":
        (folder / labs.log(3)).unlink()
    else:
        (folder / "card.json").write_text("{}")
    labs._read.cache_clear()
    assert [recording.name for recording in labs.all()] == ["mine"]
    with pytest.raises(UserError, match="race cannot be read"):
        labs.get("race")
    with pytest.raises(UserError, match="no recording called"):
        labs.get("../race")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recording_is_small_labelled_and_nobodys(name):
    made = labs.get(name)
    assert labs.lab(made) == name
    assert sum(path.stat().st_size for path in made.folder.iterdir()) < record.LARGEST / 2
    chinese = i18n.catalogue("zh").gettext
    for text in (made.card.title, made.card.notice, made.card.data):
        assert text.translated(chinese) != str(text)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", made.card.date) and str(made.card.machine)
    assert not re.search(r"/(home|root|work|tmp|Users)\b|[A-Z]:\\\\", words_of(made.folder))
    for run in made.runs if isinstance(made, RecordedGroup) else [made]:
        begun = play.started(run.events)
        assert (begun.pid, begun.host) == (0, "") and begun.versions["tensorflow"]
