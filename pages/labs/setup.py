"""What all experiments of several runs are set up with: a task, its material, settings, seeds; and the start."""

import secrets
from collections.abc import Callable, Collection

import streamlit as st

from pages.experiments import submit
from pages.labs import guess as guessing
from pages.registry import link
from pages.tasks.registry import room
from pages.ui.fields import SAVED
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.markdown import sentence
from tl_core.base.errors import UserError
from tl_core.experiments import groups
from tl_core.experiments.groups import Experiment, Guess, Lab
from tl_core.tasks.registry import TASKS, Config, Task

ADDRESS = "lab"  # the address's parameter that names the experiment
PRESSED, STARTED = "lab_pressed", "lab_started"  # session keys: the last button's drawing; what it began


def begun() -> None:
    """Put what the last click has begun into the address."""
    if experiment := st.session_state.pop(STARTED, None):
        st.query_params[ADDRESS] = experiment


def choose_task(lab: Lab, fits: Callable[[Task], bool] = lambda task: True) -> Task:
    """Which kind of data is learned from, where there is a choice among those that fit."""
    names = {kind: sentence(task.title) for kind, task in TASKS.items() if fits(task)}
    first = next(iter(names))
    if len(names) == 1:
        return TASKS[first]
    chosen = st.segmented_control(
        _("What is learned"),
        list(names),
        format_func=names.__getitem__,
        key=f"{lab}_task",
        default=first,
        required=True,
        **SAVED,
    )
    return TASKS[chosen]


def choose_material(lab: str, task: Task) -> str:
    """The id of the data; "" where there are none, with the way to some."""
    own = room(task, "lab")
    known = own.known()
    if not known:
        st.info(_(own.NONE))
        link(own.PAGE)
        return ""
    current = own.current()
    return st.selectbox(
        _("Data"),
        list(known),
        index=list(known).index(current) if current in known else 0,
        format_func=known.__getitem__,
        key=f"{lab}_{task.name}_data",
    )


def choose_settings(lab: Lab, task: Task, material: str, without: Collection[str] = ()) -> Config:
    """What the runs have in common, from the usual settings of the task; settings `without` are the lab's business."""
    with st.expander(_("Settings"), icon=":material/tune:"):
        return room(task, "lab").choose(task.room("ways").usual(material), f"{lab}_{task.name}_", without)


def choose_seeds(lab: Lab, usual: int) -> int:
    """How many seeds."""
    return st.segmented_control(
        _("Seeds"),
        [1, 3, 5],
        default=usual,
        key=f"{lab}_seeds",
        required=True,
        help=_(
            "Every way is trained so often, each time with other first weights and other examples: one is no proof."
        ),
        **SAVED,
    )


def start_bar(
    make: Callable[[], Experiment], obstacles: list[str], runs: int, seconds: Callable[[], float], guess: Guess | None
) -> None:
    """What will be trained and how long it takes, or what stands in the way; and the two buttons.

    Args:
        make: makes the experiment.
        obstacles: Markdown.
        runs: how many.
        seconds: asked only when nothing stands in the way.
        guess: what the reader has guessed; None: nothing yet.
    """
    drawn = secrets.token_hex(8)
    if obstacles:
        st.markdown(f":material/block: {obstacles[0]}")
    else:
        st.caption(
            _("{n} runs, about {time}. You may leave this page meanwhile.").format(n=runs, time=duration(seconds()))
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Start with this guess"),
            key="lab_start_guessed",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(obstacles) or guess is None,
            on_click=_start,
            args=(make, guess, drawn),
        )
        st.button(
            _("Start without a guess"),
            key="lab_start",
            icon=":material/play_arrow:",
            disabled=bool(obstacles),
            on_click=_start,
            args=(make, None, drawn),
        )


def _start(make: Callable[[], Experiment], guess: Guess | None, drawn: str) -> None:
    """Callback: make the experiment. `drawn` names the drawing of the buttons, so that a double click makes one."""
    if st.session_state.get(PRESSED) == drawn:
        return
    st.session_state[PRESSED] = drawn
    try:
        if submit.crowded():
            return
        experiment = make()
        st.session_state[STARTED] = experiment.id
        if guess is not None:
            groups.guess(experiment.id, guess)
        guessing.forget(experiment.lab)
    except UserError as error:
        st.session_state["lab_error"] = error
