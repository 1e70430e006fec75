"""What experiments on the ways of a task share: how they are set up, what was guessed, how sure a mean is."""

import time
from collections.abc import Callable, Sequence

import streamlit as st

from pages.experiments import submit
from pages.labs import guess, setup
from pages.tasks import registry as tasks
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.session import owner
from tl_core.base.metrics import Metric, metric
from tl_core.charts.style import PALETTE
from tl_core.experiments import groups, race
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment, Lab
from tl_core.experiments.race import Rule, Standing
from tl_core.runs.executors import spare
from tl_core.tasks.registry import Task


def set_up(
    lab: Lab,
    name: str,
    question: str,
    begin: Callable[..., Experiment],
    *,
    arms: Sequence[str] = (),
    against: str = "",
    fits: Callable[[Task], bool] = lambda task: True,
) -> None:
    """Choose data, settings and seeds, guess which way wins and how far ahead, start.

    Args:
        name: of the experiment; the time is put behind it.
        question: which one wins?
        begin: as `race.start`.
        arms: the ways that take part; empty: all.
        against: the way that the others are held against; empty: the task's own reference.
        fits: the tasks that it is for.
    """
    submit.complain()
    task = setup.choose_task(lab, fits)
    material = setup.choose_material(lab, task)
    if not material:
        return
    room, row = task.room("ways"), metric(task.metrics[0])
    config = setup.choose_settings(lab, task, material)
    seeds = setup.choose_seeds(lab, race.SEEDS)
    ways = {arm: way for arm, way in room.ways(config).items() if not arms or arm in arms}
    titles = {arm: show(room.WAYS[arm]) for arm in ways}
    said = guess.ask(
        lab,
        question,
        titles,
        _("How far ahead of “{other}” (if you choose that, of the best of the others)?").format(
            other=titles[against or room.AGAINST]
        ),
        show(race.unit(row)),
        most=80,
        usual=10,
    )
    own = tasks.room(task, "lab")
    setup.start_bar(
        lambda: begin(config, seeds, owner=owner(), name=f"{name} {time.strftime('%H:%M')}", called=titles),
        own.obstacles(config),
        runs=seeds * len(ways),
        seconds=lambda: seeds * sum(map(own.seconds, ways.values())),
        guess=said,
    )
    spare.want()


def guessed(experiment: Experiment, task: Task, courses: Sequence[Course], rule: Rule) -> None:
    """What was guessed beforehand, and how good that was once everything has ended."""
    if not experiment.guess:
        return
    score = race.score(experiment.guess, courses, task, rule)
    if score and not groups.active(experiment):
        st.markdown(f":material/psychology: {sentence(score.message)}")
    else:
        said = sentence(race.guessed(experiment.guess, task))
        where = _("Your guess: {guess}. It stands in the picture as a dashed line.").format(guess=said)
        st.markdown(f":material/psychology: {where}")


def colours(task: Task) -> dict[str, str]:
    """The colour of each way, the same in all experiments."""
    return dict(zip(task.room("ways").WAYS, PALETTE, strict=False))


def spread(each: Standing, row: Metric) -> str:
    """Half of the interval around a mean; "" where nobody knows it."""
    if each.interval is None:
        return ""
    half = (each.interval.high - each.interval.low) / 2
    return f"± {100 * half:.1f}" if row.scale == "share" else f"± {half:.{row.digits}f}"
