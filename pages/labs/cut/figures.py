"""The experiment while it goes on and afterwards: how far it is, the curve, what it says; of texts too."""

import streamlit as st

from pages.components import live_chart
from pages.labs import one_run
from pages.labs.cut import onward
from pages.ui.i18n import _, show
from tl_core.base.messages import N_, Message
from tl_core.base.metrics import percent
from tl_core.charts import probes
from tl_core.labs.cut import found
from tl_core.labs.cut.config import CutConfig
from tl_core.labs.cut_texts.config import CutTextsConfig
from tl_core.labs.probes import division
from tl_core.runs.history import History
from tl_core.runs.store import Run

AnyCut = CutConfig | CutTextsConfig
STAGES = {
    "features": N_("Passing the pictures through all blocks: {done} of {total}"),
    "probes": N_("Training linear probes: {done} of {total}"),
}


def reached(config: AnyCut, history: History, over: bool) -> None:
    """How many probes there are, and what the best one reaches."""
    total = len(config.places) * config.seeds * len(found.ARMS)
    st.metric(_("Probes"), f"{len(history.trials)} / {total}", width="content")
    best = found.best(found.curve(config, history.trials, "pretrained"))
    if best:
        st.metric(
            _("Best probe"),
            percent(best.mean),
            width="content",
            help=_("Validation accuracy with pretrained weights, the mean of the seeds."),
        )


def speed(history: History) -> None:
    """How fast it is: what is counted changes, so nothing."""


def remark(history: History, over: bool) -> str:
    """What is to be said of the figures."""
    divided = division(history.artifacts)
    if divided is None:
        return ""
    return _("Each probe learns from {training} examples and is tested on {validation} others.").format(
        training=f"{divided.training:,}", validation=f"{divided.validation:,}"
    )


def training(config: AnyCut, history: History, words: str) -> tuple[float, str]:
    """How far training by epochs has come: there is none."""
    return 0.0, words


def curves(config: AnyCut, history: History, *, revision: str, key: str, growing: bool) -> None:
    """The curve over the blocks, and what to read off it; a click on a point leads to the page for training."""
    divided = division(history.artifacts)
    points = {arm: found.curve(config, history.trials, arm) for arm in found.ARMS}
    lines = [
        probes.Line(arm, [each.place for each in line], [list(each.accuracies.values()) for each in line])
        for arm, line in points.items()
    ]
    guess = config.places[config.guess - 1] if config.guess else None
    figure = probes.figure(lines, config.places, divided.chance if divided else None, guess, _)
    clicked = live_chart.charts(
        {"probes": figure},
        {"probes": show(probes.description(lines))},
        revision=revision,
        key=key,
        clickable=True,
    )
    st.caption(
        _(
            "Each point is a linear classifier that sees only what the blocks up to there make of an example. The band "
            "reaches from the worst to the best seed. Where the pretrained line falls, the blocks serve the source "
            "task more than yours."
        )
    )
    if clicked in config.places:
        onward.leave_for(config, config.places.index(clicked) + 1)


def artifacts(history: History, over: bool, key: str) -> None:
    """What it made on its way: nothing that is shown by itself."""


def resuming(run: Run) -> str:
    """Where an experiment that was interrupted goes on."""
    return _("What the blocks made of the data is kept; the probes are trained anew, which is quick.")


def told(config: AnyCut, history: History) -> list[Message]:
    """What was found, in numbers."""
    return found.sentences(config, history.trials, division(history.artifacts))


def below(run: Run, history: History, over: bool) -> None:
    """What was found here, and the ways on."""
    config = run.config
    one_run.tell(told(config, history), found.scored(config, history.trials))
    if found.curve(config, history.trials, "pretrained"):
        onward.to_training(config)
    if over and history.trials:
        one_run.take_along(run, found.table(config, history.trials), _("All probes (.csv)"))
