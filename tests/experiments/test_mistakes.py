"""Mistakes on purpose: which runs are made, what is said when, from logs written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.experiments.made import ME, TASK, notebook, usual
from tests.pages.made import drawn, reported
from tl_core.base import events
from tl_core.classification import mistakes as mistakes_made
from tl_core.experiments import groups, mistakes
from tl_core.experiments.groups import Guess
from tl_core.images.data import dataset as datasets
from tl_core.runs import store
from tl_core.tasks import registry

pytestmark = pytest.mark.usefixtures("tl_home")
CALM = [(1.0 - 0.05 * n, 0.5 + 0.03 * n, 1.0 - 0.04 * n, 0.5 + 0.03 * n) for n in range(10)]
WILD = [(loss, 0.5, loss, 0.4) for loss in (1.2, 0.6, 2.9, 0.5, 3.1, 0.4, 2.7, 0.6, 2.5, 0.7)]


def started(fault="rate"):
    return mistakes.start(usual(), fault, owner=ME, name="Mistake")


def finish(made, sound=CALM, other=WILD):
    """Both runs end with these curves: loss, accuracy, and the same of validation."""
    for member, lines in zip(made.members, (sound, other), strict=True):
        run = store.get(member.run)
        [phase] = run.config.phases
        began = events.Phase(phase="head", total=len(lines), unit="epochs", learning_rate=phase.learning_rate)
        log = [events.Started(), began]
        best = int(np.argmin([line[2] for line in lines]))
        for epoch, line in enumerate(lines):
            metrics = dict(zip(("loss", "accuracy", "val_loss", "val_accuracy"), line, strict=True))
            done = epoch + 1
            log.append(events.Epoch(phase="head", epoch=done, step=done, metrics=metrics, best=epoch <= best))
        examples = len(reported(run, datasets.load(run.config.data.dataset)).predictions)
        log += [events.Phase(phase="evaluation", total=examples, unit="images"), events.Finished(best_epoch=best + 1)]
        for event in log:
            events.append(run.log, event)
    return groups.courses(made)


@pytest.mark.parametrize("fault", mistakes.LESSONS)
def test_two_runs_are_made_and_differ_in_the_mistake_alone(fault):
    sound, other = (store.get(member.run).config for member in started(fault).members)
    assert sound.mistake == "none" and sound != other
    assert (sound.seed, sound.data.seed, sound.head, sound.backbone) == (
        other.seed, other.data.seed, other.head, other.backbone,
    )  # fmt: skip
    one, two = sound.phases[-1], other.phases[-1]
    if fault in mistakes_made.MISTAKES:
        assert other.mistake == fault and replace(other, mistake="none", phases=()) == replace(sound, phases=())
    elif fault == "rate":
        assert two.learning_rate == 100 * one.learning_rate and two.epochs == one.epochs
    else:
        assert fault == "overfitting" and other.data.per_class < 6 and two.epochs > one.epochs
    assert all(registry.config(config.to_json()) == config for config in (sound, other)), "they can be read back"


def test_the_curves_give_a_rate_away_that_is_too_high_and_the_sound_run_raises_no_alarm():
    made = started()
    assert "no verdict yet" in str(mistakes.verdict(made, groups.courses(made), TASK)[0])
    courses = finish(made)
    found = mistakes.findings(made)
    assert found["sound"] is None and found["rate"].fault == "rate"
    told = " ".join(map(str, mistakes.verdict(made, courses, TASK)))
    assert "reaches 77.0 %, with the mistake 40.0 %" in told
    assert "give the mistake away: “Learning rate × 100”" in told and "false alarm" not in told


def test_what_the_rules_miss_or_mistake_is_said():
    made = started("leak")
    told = " ".join(map(str, mistakes.verdict(made, finish(made, other=CALM), TASK)))
    assert "do not give the mistake away" in told
    made = started("leak")
    told = " ".join(map(str, mistakes.verdict(made, finish(made, sound=WILD), TASK)))
    assert "takes it for another mistake" in told and "false alarm" in told


def test_a_guess_is_held_against_what_the_mistake_costs():
    made = started()
    assert mistakes.score(Guess("frozen", 37.0), groups.courses(made), TASK) is None
    courses = finish(made)
    assert "gets 100 of 100" in str(mistakes.score(Guess("frozen", 37.0), courses, TASK))
    assert "gets 15 of 100" in str(mistakes.score(Guess("frozen", 20.0), courses, TASK))


def test_the_lines_in_the_docstring_run_on_logs_written_by_hand(monkeypatch, capsys):
    monkeypatch.setattr(groups, "work", finish)
    exec(notebook(mistakes, {}), {"pictures": drawn(each=12)})
    said = capsys.readouterr().out
    assert "'sound': None" in said and "'labels': Finding(fault='rate'" in said, "its curves were written by hand"
