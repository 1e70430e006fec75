"""The race as it is drawn: the ways' curves laid over each other, what was guessed, the figures, the verdict."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.labs import ways
from pages.ui.format import duration
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.tables import Cell, figure, table
from tl_core.base.messages import Message
from tl_core.base.metrics import metric
from tl_core.charts import bands
from tl_core.charts.bands import Band, Guessed
from tl_core.experiments import race
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment
from tl_core.tasks.registry import Task


def view(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Everything that is known of a race now."""
    curves(experiment, task, courses)
    ways.guessed(experiment, task, courses, race.usual(task))
    _figures(task, courses)
    st.subheader(_("What was found here"), anchor=False)
    for each in told(task, courses):
        st.markdown(sentence(each))


def told(task: Task, courses: Sequence[Course]) -> list[Message]:
    """What was found, in numbers."""
    return race.verdicts(courses, task)


def curves(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """The curves of the ways, and what to read off them."""
    room, key = task.room("ways"), task.metrics[0]
    colours = ways.colours(task)
    taking_part = {member.arm for member in experiment.members}
    kinds = [
        Band(
            show(called),
            colours[arm],
            [bands.points(course.history, key, room.ACROSS) for course in courses if course.arm == arm],
        )
        for arm, called in room.WAYS.items()
        if arm in taking_part
    ]
    mark = None
    if experiment.guess and (at := race.guessed_level(experiment.guess, courses, task)) is not None:
        mark = Guessed(at, _("Your guess: {guess}").format(guess=show(race.guessed(experiment.guess, task))))
    drawn = bands.bands(kinds, key, _, room.ACROSS, mark)
    live_chart.charts(
        {key: drawn}, {key: show(bands.description(kinds, key))}, revision=experiment.id, key="race_curves", height=420
    )
    st.markdown(sentence(bands.reading(kinds, key)))


def _figures(task: Task, courses: Sequence[Course]) -> None:
    """Way x mean with its interval, seconds, parameters."""
    room, row = task.room("ways"), metric(task.metrics[0])
    found = race.standings(courses, task)
    if not found:
        return
    best = race.winner(found, row)
    colours = ways.colours(task)
    beside = [metric(key) for key in room.BESIDE]
    rows = [
        [
            Cell(show(room.WAYS[arm]), colour=colours[arm]),
            Cell(row.shown(each.mean), small=ways.spread(each, row), marked=arm == best),
            *(row_.shown(each.beside.get(row_.key)) for row_ in beside),
            duration(each.seconds) if each.seconds is not None else "–",
            figure(each.parameters, "{:,}"),
            f"{each.seeds}",
        ]
        for arm, each in found.items()
    ]
    table(
        [
            _("Way"),
            show(row.validation),
            *(show(row_.title) for row_ in beside),
            _("Time"),
            _("Trained parameters"),
            _("Seeds"),
        ],
        rows,
        label=_("The ways beside each other"),
    )
    st.caption(
        _(
            "Of the epoch whose weights are kept, mean over seeds with a 95 % interval (Student's t). Time is that of "
            "one run, on average; what frozen blocks make of an example is computed once and then used by all."
        )
    )
