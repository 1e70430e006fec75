"""The experiment while it goes on and afterwards: how far it is, the curve, what it says, the suspects."""

import streamlit as st

from pages.components import live_chart
from pages.labs import one_run
from pages.labs.labels import suspects
from pages.ui.i18n import _, show
from tl_core.base.messages import N_, Message
from tl_core.base.metrics import percent
from tl_core.charts import search
from tl_core.labs.labels import found
from tl_core.labs.labels.config import LabelsConfig
from tl_core.runs.history import History
from tl_core.runs.store import Run

STAGES = {
    "features": N_("Passing the pictures through the frozen network: {done} of {total}"),
    "seeds": N_("Searching the labels and training heads: seed {done} of {total}"),
}


def reached(config: LabelsConfig, history: History, over: bool) -> None:
    """How many seeds there are, and what share of the planted labels is found."""
    st.metric(_("Seeds"), f"{len(found.accuracies(history.trials, 'given'))} / {config.seeds}", width="content")
    if hits := found.caught(config, history.trials):
        st.metric(
            _("Wrong labels found"),
            percent(sum(hits) / len(hits)),
            width="content",
            help=_("Among the {share} most doubtful labels, mean of the seeds.").format(
                share=percent(config.looked_at, 0)
            ),
        )


def speed(history: History) -> None:
    """How fast it is: what is counted changes, so nothing."""


def remark(history: History, over: bool) -> str:
    """What is to be said of the figures."""
    divided = found.parts(history.artifacts)
    if divided is None:
        return ""
    return _("{n} labels are searched. {m} other pictures judge the heads; their labels stay as they are.").format(
        n=f"{divided.searched:,}", m=f"{len(divided.pictures):,}"
    )


def training(config: LabelsConfig, history: History, words: str) -> tuple[float, str]:
    """How far training by epochs has come: there is none."""
    return 0.0, words


def curves(config: LabelsConfig, history: History, *, revision: str, key: str, growing: bool) -> None:
    """How many of the planted labels are found, and how to read it; without planted ones there is nothing to draw."""
    if not config.planted:
        return
    measured = found.curve(history.trials)
    seeds = [measured.get(seed, {}) for seed in range(config.seeds)]
    live_chart.charts(
        {"search": search.figure(seeds, config.looked_at, config.guess / 100 if config.guess else None, _)},
        {"search": show(search.description(seeds))},
        revision=revision,
        key=key,
    )
    st.caption(
        _(
            "Read it from the left: the steeper the curve rises above the dotted line of chance, the fewer labels a "
            "person has to look at to find the wrong ones. The band reaches from the worst to the best seed."
        )
    )


def artifacts(history: History, over: bool, key: str) -> None:
    """What it made on its way: nothing that is shown by itself."""


def resuming(run: Run) -> str:
    """Where an experiment that was interrupted goes on."""
    return _("What the network made of the pictures is kept; the search is made anew, which is quick.")


def told(config: LabelsConfig, history: History) -> list[Message]:
    """What was found, in numbers."""
    return found.sentences(config, history.trials, history.artifacts)


def below(run: Run, history: History, over: bool) -> None:
    """What was found here, the suspects, and the ways on."""
    one_run.tell(told(run.config, history), found.scored(run.config, history.trials))
    suspects.show(run, found.suspects(history.artifacts), over)
    suspects.flips(run, found.flips(history.artifacts))
    if over and history.trials:
        one_run.take_along(run, found.table(history.trials), _("All figures (.csv)"))
