"""Race: from scratch, frozen, head first, all at once, on the same data; guessed beforehand, watched live, judged."""

import time

import streamlit as st

from pages.experiments import submit
from pages.labs import group, guess, setup
from pages.labs import race as drawing
from pages.tasks import registry as tasks
from pages.ui.i18n import _, show
from pages.ui.session import owner
from tl_core.base.metrics import metric
from tl_core.experiments import race
from tl_core.runs.executors import spare


def prepare():
    """Choose data and settings, guess, start."""
    st.title(_("Race"), anchor=False)
    st.markdown(
        _(
            "What is transfer worth here? The same network learns the same data in several ways: frozen below a new "
            "head, with all its weights, and from scratch. Same examples, same seeds; you see who wins, what it costs, "
            "and whether it is more than chance."
        )
    )
    submit.complain()
    task = setup.choose_task("race")
    material = setup.choose_material("race", task)
    if not material:
        return
    room, row = task.room("ways"), metric(task.metrics[0])
    config = setup.choose_settings("race", task, material)
    seeds = setup.choose_seeds("race", race.SEEDS)
    ways = room.ways(config)
    titles = {arm: show(title) for arm, title in room.WAYS.items()}
    said = guess.ask(
        "race",
        _("Which way wins?"),
        titles,
        _("How far ahead of “{other}” (if you choose that, of the best of the others)?").format(
            other=titles[room.AGAINST]
        ),
        show(race.unit(row)),
        most=80,
        usual=10,
    )
    own = tasks.room(task, "lab")
    setup.start_bar(
        lambda: race.start(
            config,
            seeds,
            owner=owner(),
            name=f"{_('Race')} {time.strftime('%H:%M')}",
            called=titles,
        ),
        own.obstacles(config),
        runs=seeds * len(ways),
        seconds=lambda: seeds * sum(map(own.seconds, ways.values())),
        guess=said,
    )
    spare.want()


group.page("race", prepare, drawing.view)
