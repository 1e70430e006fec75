"""The experiment while it goes on and afterwards: how far it is, gains, rankings, and other targets beside it."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.experiments import learned_from
from pages.labs import one_run
from pages.ui.i18n import _, show, together
from pages.ui.session import may
from tl_core.base.events import Trial
from tl_core.base.messages import N_, Message
from tl_core.base.metrics import percent
from tl_core.charts import sources as charts
from tl_core.labs.probes import division
from tl_core.labs.sources import config as sources
from tl_core.labs.sources import found
from tl_core.labs.sources.config import SourcesConfig
from tl_core.runs import store, watch
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.registry import LABS

TARGETS = 12  # that stand beside each other
STAGES = {
    "features": N_("Passing the pictures through the networks: {done} of {total}"),
    "probes": N_("Training linear classifiers: {done} of {total}"),
}


def reached(config: SourcesConfig, history: History, over: bool) -> None:
    """How many networks have been tried, and what the best source reaches."""
    total = config.seeds * (len(sources.SOURCES) + len(sources.shapes()))
    probes = sum(trial.place == found.PROBE for trial in history.trials)
    st.metric(_("Classifiers"), f"{probes} / {total}", width="content")
    best = found.best(found.rows(history.trials))
    if best:
        st.metric(
            _("Best source"),
            percent(best.mean),
            width="content",
            help=_("Validation accuracy with the source that gains most, the mean of the seeds."),
        )


def speed(history: History) -> None:
    """How fast it is: what is counted changes, so nothing."""


def remark(history: History, over: bool) -> str:
    """What is to be said of the figures."""
    divided = division(history.artifacts)
    if divided is None:
        return ""
    return _("Each classifier learns from {training} pictures and is tested on {validation} others.").format(
        training=f"{divided.training:,}", validation=f"{divided.validation:,}"
    )


def training(config: SourcesConfig, history: History, words: str) -> tuple[float, str]:
    """How far training by epochs has come: there is none."""
    return 0.0, words


def curves(config: SourcesConfig, history: History, *, revision: str, key: str, growing: bool) -> None:
    """The ranking made before, the gains, and what to read off them."""
    trials = history.trials
    _ranked(trials)
    rows = [row for row in found.rows(trials) if row.gains]
    if not rows:
        return
    names = [show(found.called(row.source)) for row in rows]
    values = [list(row.gains.values()) for row in rows]
    guess = list(sources.SOURCES)[config.guess - 1] if config.guess else None
    live_chart.charts(
        {"gains": charts.gains(names, values, show(found.called(guess)) if guess else None, _)},
        {"gains": show(charts.gains_description(names, values))},
        revision=revision,
        key=key,
        height=charts.ROW * len(names) + 110,
    )
    reading = _(
        "Each bar says how many more validation pictures a linear classifier gets right on the frozen source than on "
        "the same network frozen with random weights, which has learned nothing; that is not training from scratch, "
        "which the race shows. To the left of zero, in its own colour, lies negative transfer."
    )
    st.caption(together(reading, _("◆ marks your guess.")) if guess else reading)


def artifacts(history: History, over: bool, key: str) -> None:
    """What it made on its way: nothing that is shown by itself."""


def resuming(run: Run) -> str:
    """Where an experiment that was interrupted goes on."""
    return _("What the networks made of the pictures is kept; the classifiers are trained anew, which is quick.")


def told(config: SourcesConfig, history: History) -> list[Message]:
    """What was found, in numbers."""
    return found.sentences(history.trials, division(history.artifacts))


def below(run: Run, history: History, over: bool) -> None:
    """What was found here, whether the rankings held, and the same on other pictures."""
    trials = history.trials
    one_run.tell(told(run.config, history), found.scored(run.config, trials))
    _held(trials, run.id)
    if over:
        _targets(run)
        if trials:
            one_run.take_along(run, found.table(trials), _("All figures (.csv)"))


def _ranked(trials: Sequence[Trial]) -> None:
    """What the scores say before anything is trained."""
    ranked = found.order(trials, "logme")
    if ranked:
        names = " > ".join(show(found.called(arm)) for arm, _score in ranked)
        st.markdown(_("LogME ranks before any training: {order}.").format(order=names))


def _held(trials: Sequence[Trial], revision: str) -> None:
    """Each score beside what was measured."""
    measured = dict(found.order(trials, "val_accuracy"))
    figures, words = {}, {}
    for score in found.SCORES:
        scores = dict(found.order(trials, score))
        both = [arm for arm in measured if arm in scores]  # in one order, so that a network has one colour
        if len(both) < 3:
            continue
        names, values = [show(found.called(arm)) for arm in both], [scores[arm] for arm in both]
        accuracies = [measured[arm] for arm in both]
        title = {"logme": "LogME", "separation": _("Class separation")}[score]
        figures[score] = charts.ranking(names, values, accuracies, title, _)
        words[score] = show(charts.ranking_description(names, values, accuracies))
    if not figures:
        return
    live_chart.charts(figures, words, revision=revision, key="sources_ranking", height=440)
    st.caption(
        _(
            "Where a score is right, the points rise from left to right. LogME is how probable the labels are under "
            "linear models of the features, averaged over all of them, so none is trained; class separation is the "
            "distance between the classes' means divided by the scatter within them. Both look at training pictures "
            "only."
        )
    )


def _targets(run: Run) -> None:
    """The same sources on other pictures, from experiments that the reader may see: the latest of each dataset."""
    latest: dict[str, Run] = {}
    for other in sorted(store.of(LABS["sources"]), key=lambda each: -each.created):
        if other.id == run.id or may("read", other):
            latest.setdefault(other.config.data.dataset, other)
    latest[run.config.data.dataset] = run
    gains, called = [], []
    for other in list(latest.values())[:TARGETS]:
        rows = found.rows(watch.history(other).trials)
        if values := {show(found.NAMES[row.source]): row.gain for row in rows if row.gain is not None}:
            gains.append(values)
            called.append(learned_from.short(other))
    if len(gains) < 2:
        return
    st.subheader(_("The same sources on other pictures"), anchor=False)
    names = [show(found.NAMES[source]) for source in sources.SOURCES]
    live_chart.charts(
        {"targets": charts.targets(called, names, gains)},
        {"targets": show(charts.targets_description(called, gains))},
        revision=run.id,
        key="sources_targets",
        height=charts.CELL * len(called) + 140,
    )
    st.caption(
        _(
            "Each row is a dataset, each cell the gain over random weights in percentage points: blue helps, orange "
            "harms. A source that helps with one may do nothing, or harm, with another."
        )
    )
