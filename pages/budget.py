"""How many examples is pretraining worth? Frozen against from scratch over the number of examples a class."""

import time

import streamlit as st

from pages.experiments import submit
from pages.labs import budget as drawing
from pages.labs import group, guess, setup
from pages.tasks import registry as tasks
from pages.ui.i18n import _, show
from pages.ui.session import owner
from tl_core.experiments import budget
from tl_core.runs.executors import spare


def introduce():
    """What it is about."""
    st.title(_("How many examples is pretraining worth?"), anchor=False)
    st.markdown(
        _(
            "A frozen network that knows other data, and the same network from scratch, both learn from few "
            "examples and from more. How many does the one from scratch need to catch up?"
        )
    )


def prepare():
    """Choose data, numbers and settings, guess, start."""
    submit.complain()
    task = setup.choose_task("budget", lambda task: hasattr(task.room("ways"), "sized"))
    material = setup.choose_material("budget", task)
    if not material:
        return
    room, own = task.room("ways"), tasks.room(task, "lab")
    config = setup.choose_settings("budget", task, material, without=("per_class",))
    obstacles = own.obstacles(config)
    most = own.most(config)
    offered = [size for size in budget.SIZES if size < most] + [most]
    sizes = st.pills(
        _("Training examples a class"),
        offered,
        selection_mode="multi",
        default=[size for size in (5, 20) if size in offered[:-1]] + offered[-1:],
        key=f"budget_sizes_{material}_{most}",
        help=_("The last number is all that the smallest class has for training."),
    )
    seeds = setup.choose_seeds("budget", budget.SEEDS)
    if not obstacles and len(sizes) < 2:
        obstacles = [_("Choose at least two numbers of examples.")]
    said = guess.ask_amount(
        "budget", _("So many examples a class pretraining is worth here:"), (0, 5, 10, 20, 50, 100, 200)
    )
    setup.start_bar(
        lambda: budget.start(
            config,
            sizes,
            seeds,
            owner=owner(),
            name=f"{_('Examples')} {time.strftime('%H:%M')}",
            called={arm: show(room.WAYS[arm]) for arm in budget.ARMS},
        ),
        obstacles,
        runs=seeds * len(sizes) * len(budget.ARMS),
        seconds=lambda: sum(
            seeds * own.seconds(room.ways(room.sized(config, size))[arm]) for size in sizes for arm in budget.ARMS
        ),
        guess=said,
    )
    spare.want()


group.page("budget", introduce, prepare, drawing)
