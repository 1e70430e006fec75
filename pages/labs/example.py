"""A lab's recorded example: what was found there, growing again on request; until its reader has one of their own."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import streamlit as st

from pages.experiments import player
from pages.tasks.registry import room
from pages.ui.i18n import _
from pages.ui.markdown import problem, sentence
from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.experiments.course import Course
from tl_core.recordings import labs
from tl_core.recordings.labs import RecordedGroup
from tl_core.recordings.play import Recording
from tl_core.runs.history import History

ADDRESS = "recording"  # the address's parameter that asks for a recording by its name


def of_run(lab: str, own: Sequence[Any]) -> None:
    """The example of a lab that is one run; none where its reader has some of their `own` and asks for no recording."""
    recording = _chosen(lab, own)
    if not isinstance(recording, Recording):
        return
    config: Any = recording.config
    figures = room(config, "figures")

    def drawn(history: History) -> list[Message]:
        figures.curves(config, history, revision=recording.name, key="lab_example_curves", growing=False)
        return figures.told(config, history)

    _show(recording, config.seeds, drawn)


def of_group(lab: str, own: Sequence[Any], drawing: ModuleType) -> None:
    """The example of a lab of several runs, likewise; `drawing` has its `curves` and what is `told` of them."""
    recording = _chosen(lab, own)
    if not isinstance(recording, RecordedGroup):
        return
    experiment, task = recording.experiment, recording.task

    def drawn(courses: list[Course]) -> list[Message]:
        drawing.curves(experiment, task, courses)
        return drawing.told(task, courses)

    _show(recording, len({member.seed for member in experiment.members}), drawn)


def _chosen(lab: str, own: Sequence[Any]) -> Recording | RecordedGroup | None:
    """The recording that the address asks for, or the one that is called as the lab is; None where there is none."""
    wanted = st.query_params.get(ADDRESS)
    if own and not wanted:
        return None
    try:
        found = labs.get(wanted or lab)
    except UserError as error:
        if wanted:
            st.error(problem(error), icon=":material/error:")
        return None
    return found if labs.lab(found) == lab else None


def _show(recording: Recording | RecordedGroup, seeds: int, drawn: Callable[[Any], list[Message]]) -> None:
    """Its label, what `drawn` draws of a moment and says first, and the player, which stands at the end at first."""
    player.at_the_end(recording)

    def above(moment: float) -> None:
        told = drawn(player.replay(recording).at(moment))
        if told:
            st.markdown(f"**{sentence(told[0])}**")

    with st.container(border=True, key="lab_example", gap="small"):
        player.label(recording)
        player.replayed(recording, above, lambda moment: None)
        st.caption(
            _("A real experiment with {n} seeds that came with the app. Your own takes its place.").format(n=seeds)
        )
