"""A mistake as it is drawn: both runs' curves, what the rules say of either, what the mistake did, the guess."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.experiments import classified
from pages.registry import link
from pages.ui.i18n import _, show, together
from pages.ui.markdown import sentence
from tl_core.charts.curves import NamedHistory
from tl_core.experiments import mistakes
from tl_core.experiments.course import Course
from tl_core.experiments.groups import Experiment
from tl_core.experiments.mistakes import LESSONS, SOUND
from tl_core.labs.mistakes import Finding
from tl_core.tasks.registry import Task


def view(experiment: Experiment, task: Task, courses: Sequence[Course]) -> None:
    """Everything that is known of it now."""
    names = {SOUND: _("As it should be")} | {fault: show(lesson.title) for fault, lesson in LESSONS.items()}
    named = [NamedHistory(names[course.arm], course.history) for course in courses]
    figures, alts = classified.laid_over(named, training=True, legend=True)
    live_chart.charts(figures, alts, revision=experiment.id, key="mistakes_curves", height=360)
    st.markdown(
        _(
            "Dashed lines are training, bold ones validation. Compare how far they lie apart, which way they turn, and "
            "how quietly they run."
        )
    )
    for arm, finding in mistakes.findings(experiment).items():
        _told(names[arm], finding)
    if guess := experiment.guess:
        scored = mistakes.score(guess, courses, task)
        said = _("Your guess: the mistake costs {n} points.").format(n=f"{guess.amount:g}")
        st.markdown(f":material/psychology: {sentence(scored) if scored else said}")
    st.subheader(_("What was found here"), anchor=False)
    for each in mistakes.verdict(experiment, courses, task):
        st.markdown(sentence(each))
    if len(mistakes.findings(experiment)) == len(experiment.members):
        sound = next(member.run for member in experiment.members if member.arm == SOUND)
        link("train", label=_("Train as it should be"), icon=":material/model_training:", **{"from": sound})


def _told(name: str, finding: Finding | None) -> None:
    """What the rules say of one run's curves."""
    if finding is None:
        sound = _("{name}: no rule applies, the curves look sound.").format(name=f"**{name}**")
        st.success(sound, icon=":material/check_circle:")
        return
    said = together(sentence(finding.what), sentence(finding.remedy))
    st.warning(_("{name}: {said}").format(name=f"**{name}**", said=said), icon=":material/stethoscope:")
