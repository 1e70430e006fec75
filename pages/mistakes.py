"""Mistakes on purpose: the same training as it should be and with one mistake; what the curves give away."""

import time

import streamlit as st

from pages.experiments import submit
from pages.labs import group, guess, setup
from pages.labs import mistakes as drawing
from pages.tasks import registry as tasks
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.session import owner
from tl_core.experiments import mistakes
from tl_core.experiments.mistakes import LESSONS, SOUND
from tl_core.runs.executors import spare


def introduce():
    """What it is about."""
    st.title(_("Mistakes on purpose"), anchor=False)
    st.markdown(
        _(
            "Make one of the mistakes that everybody makes once, and see what it looks like: the same pictures are "
            "learned from as it should be and with the mistake. Can the curves alone give it away?"
        )
    )


def prepare():
    """Choose a mistake and data, guess what it costs, start."""
    submit.complain()
    task = setup.choose_task("mistakes", mistakes.fits)
    material = setup.choose_material("mistakes", task)
    if not material:
        return
    fault = st.pills(
        _("Which mistake?"),
        list(LESSONS),
        default=next(iter(LESSONS)),
        required=True,
        format_func=lambda name: show(LESSONS[name].title),
        key="mistakes_fault",
    )
    st.caption(sentence(LESSONS[fault].story))
    config = setup.choose_settings("mistakes", task, material)
    own = tasks.room(task, "lab")
    said = guess.ask_amount(
        "mistakes", _("So many points of validation accuracy the mistake costs:"), (0, 5, 10, 20, 40, 60)
    )
    title = show(LESSONS[fault].title)
    called = {SOUND: _("as it should be"), fault: title}
    setup.start_bar(
        lambda: mistakes.start(config, fault, owner=owner(), name=f"{title} {time.strftime('%H:%M')}", called=called),
        own.obstacles(config),
        runs=2,
        seconds=lambda: sum(map(own.seconds, task.room("ways").faulty(config)[fault])),
        guess=said,
    )
    spare.want()


group.page("mistakes", introduce, prepare, drawing)
