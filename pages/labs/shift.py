"""Head first, as it is drawn: every way on pictures as they are and changed, the guess, the table, the verdict."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.labs import ways
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.tables import Cell, table
from tl_core.base.messages import Message
from tl_core.base.metrics import metric
from tl_core.charts import shifts
from tl_core.charts.bands import Guessed
from tl_core.charts.shifts import Kind
from tl_core.experiments import race, shift
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment
from tl_core.experiments.race import Rule, Standing
from tl_core.tasks.registry import Task


def view(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Everything that is known of it now."""
    curves(experiment, task, courses)
    ways.guessed(experiment, task, _done(courses), shift.changed(task))
    _figures(task, _done(courses), _places(task))
    st.subheader(_("What was found here"), anchor=False)
    for each in told(task, courses):
        st.markdown(sentence(each))


def told(task: Task, courses: Sequence[Course]) -> list[Message]:
    """What was found, in numbers."""
    return shift.verdicts(courses, task)


def _done(courses: Sequence[Course]) -> list[Course]:
    """Those that have finished, and so have seen the changed pictures."""
    return [course for course in courses if course.done]


def _places(task: Task) -> dict[str, Rule]:
    """What stands side by side: its name, and what is compared there."""
    return {
        _("As they are"): shift.clean(task),
        **{show(name): shift.under(task, key) for key, name in task.room("ways").SHIFTED.items()},
    }


def curves(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Every way on pictures as they are and changed, and what to read off it."""
    places, courses = _places(task), _done(courses)
    key, titles, colours = task.metrics[0], task.room("ways").WAYS, ways.colours(task)
    kinds = [
        Kind(
            show(titles[arm]),
            colours[arm],
            [
                [value for course in courses if course.arm == arm and (value := rule.measured(course)) is not None]
                for rule in places.values()
            ],
        )
        for arm in shift.ARMS
    ]
    mark = None
    if guess := experiment.guess:
        at = race.guessed_level(guess, courses, task, shift.changed(task))
        if at is not None:
            mark = Guessed(at, _("Your guess"))
    drawn = shifts.figure(kinds, list(places), metric(key), _, mark)
    alt = show(shifts.description(kinds, list(places), metric(key)))
    live_chart.charts({key: drawn}, {key: alt}, revision=experiment.id, key="shift_means", height=420)
    st.markdown(
        _(
            "A dot is a seed, a bar the mean of a way: compare how far each colour falls from the left to the pictures "
            "that no way has seen in training, and how wide its dots lie."
        )
    )


def _figures(task: Task, courses: list[Course], places: dict[str, Rule]) -> None:
    found = {name: race.standings(courses, task, rule) for name, rule in places.items()}
    known = [arm for arm in shift.ARMS if any(arm in each for each in found.values())]
    if not known:
        return
    titles, colours = task.room("ways").WAYS, ways.colours(task)
    rows = [
        [
            Cell(show(titles[arm]), colour=colours[arm]),
            *(
                _cell(each.get(arm), arm == race.winner(each, places[name].row), places[name])
                for name, each in found.items()
            ),
        ]
        for arm in known
    ]
    table([_("Way"), *places], rows, label=_("The ways on pictures as they are and on changed ones"))
    st.caption(
        _(
            "Accuracy of the weights that are kept on the validation pictures, mean over seeds with a 95 % interval "
            "(Student's t). The epoch was chosen on the pictures as they are, in every way; the changed ones chose "
            "nothing."
        )
    )


def _cell(each: Standing | None, best: bool, rule: Rule) -> Cell:
    if each is None:
        return Cell("–")
    return Cell(rule.row.shown(each.mean), small=ways.spread(each, rule.row), marked=best)
