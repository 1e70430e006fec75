"""What pretraining is worth in examples, as it is drawn: both curves, the guess, the table, the headline."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.labs import ways
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.tables import Cell, table
from tl_core.base.messages import Message
from tl_core.base.metrics import Metric, metric
from tl_core.charts import bands
from tl_core.charts.bands import Band, Guessed
from tl_core.experiments import budget, groups
from tl_core.experiments.budget import ARMS, Reached
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment
from tl_core.tasks.registry import Task


def view(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Everything that is known of it now."""
    curves(experiment, task, courses)
    _guessed(experiment, task, courses)
    _figures(task, courses)
    st.subheader(_("What was found here"), anchor=False)
    for each in told(task, courses):
        st.markdown(sentence(each))


def told(task: Task, courses: Sequence[Course]) -> list[Message]:
    """What was found, in numbers."""
    return [budget.headline(courses, task)]


def curves(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Both ways over the number of pictures, and what to read off them."""
    guess, key = experiment.guess, task.metrics[0]
    colours, titles = ways.colours(task), task.room("ways").WAYS
    seeds = sorted({member.seed for member in experiment.members})
    kinds = [
        Band(
            show(titles[arm]),
            colours[arm],
            [
                {
                    course.size: value
                    for course in courses
                    if (course.arm, course.seed) == (arm, seed) and course.done and (value := course.kept(key))
                }
                for seed in seeds
            ],
        )
        for arm in ARMS
    ]
    fewest = min(member.size for member in experiment.members)
    mark = Guessed(fewest + guess.amount, _("Your guess")) if guess and guess.amount else None
    drawn = bands.over_sizes(kinds, key, _, _("Training examples a class"), mark)
    alt = show(bands.description(kinds, key))
    live_chart.charts({key: drawn}, {key: alt}, revision=experiment.id, key="budget_curves", height=420)
    st.markdown(
        _(
            "Read it from left to right: how far right must the curve from scratch go until it is as high as the "
            "frozen one at its beginning? The bands span from the lowest seed to the highest."
        )
    )


def _guessed(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """What was guessed beforehand, and how good that was once everything has ended."""
    guess, fewest = experiment.guess, min(member.size for member in experiment.members)
    if not guess:
        return
    score = budget.score(guess, courses, task)
    if score and not groups.active(experiment):
        st.markdown(f":material/psychology: {sentence(score.message)}")
    else:
        said = _(
            "Your guess: with {n} examples a class frozen features do what training from scratch does with {m}; "
            "the dotted line stands there."
        )
        st.markdown(f":material/psychology: {said.format(n=fewest, m=f'{fewest + guess.amount:g}')}")


def _figures(task: Task, courses: Sequence[Course]) -> None:
    found, row = budget.reached(courses, task), metric(task.metrics[0])
    sizes = sorted({size for _arm, size in found})
    if not sizes:
        return
    colours, titles = ways.colours(task), task.room("ways").WAYS
    table(
        [_("Examples a class"), *(Cell(show(titles[arm]), colour=colours[arm]) for arm in ARMS)],
        [[f"{size:,}", *(_cell(found.get((arm, size)), row) for arm in ARMS)] for size in sizes],
        label=_("What was reached with how many examples"),
    )
    st.caption(_("Validation accuracy, mean over seeds with a 95 % interval (Student's t)."))


def _cell(each: Reached | None, row: Metric) -> Cell:
    if each is None:
        return Cell("–")
    half = (each.interval.high - each.interval.low) / 2 if each.interval else None
    return Cell(row.shown(each.mean), small="" if half is None else f"± {100 * half:.1f}")
