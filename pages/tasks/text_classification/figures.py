"""What is particular to a classifier of texts while it trains: its figures, its stages, its curves."""

import streamlit as st

from pages.components import live_chart
from pages.experiments import doctor
from pages.ui.format import per_second
from pages.ui.i18n import _
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.charts import curves as charts
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import material
from tl_core.tasks.text_classification.config import TextClassificationConfig

STAGES = {
    "features": N_("Passing the texts through the frozen blocks: {done} of {total}"),
    "evaluation": N_("Reading the validation texts: {done} of {total}"),
    "head": N_("Training the head: epoch {done} of {total}"),
    "fine-tuning": N_("Fine-tuning: epoch {done} of {total}"),
    "from scratch": N_("Training from scratch: epoch {done} of {total}"),
}


def reached(config: TextClassificationConfig, history: History, over: bool) -> None:
    """How far it is, and the figure that a class watches."""
    last = history.epochs[-1] if history.epochs else None
    shown = history.best or last if over else last
    st.metric(_("Epoch"), f"{last.epoch if last else 0} / {history.total_epochs}", width="content")
    if shown and "val_accuracy" in shown.metrics:
        st.metric(
            _("Validation accuracy"),
            percent(shown.metrics["val_accuracy"]),
            width="content",
            help=_("Of the latest epoch; when the run has ended, of the epoch whose weights are kept."),
        )


def speed(history: History) -> None:
    """How fast it is."""
    if history.rate:
        st.metric(per_second("texts"), f"{history.rate:,.0f}", width="content")


def remark(history: History, over: bool) -> str:
    """What is to be said of the figures: nothing."""
    return ""


def training(config: TextClassificationConfig, history: History, words: str) -> tuple[float, str]:
    """How far training has come, 0 to 1, and what `words` say of it."""
    trained, total = charts.position(history), max(history.total_epochs, 1)
    return trained / total, words.format(done=min(int(trained) + 1, total), total=total)


def curves(config: TextClassificationConfig, history: History, *, revision: str, key: str, growing: bool) -> None:
    """The learning curves, with room to grow while it trains."""
    total = history.total_epochs if growing else 0
    live_chart.run_curves(
        history, revision=revision, key=key, classes=_classes(config), total=total, examples=confusion.TEXTS.many
    )


def resuming(run: Run) -> str:
    """Where a run that was interrupted goes on."""
    return _("Goes on from the last checkpoint: the epoch under way, and a few seconds before it, may be repeated.")


def artifacts(history: History, over: bool, key: str) -> None:
    """What the run made on its way: nothing."""


def below(run: Run, history: History, over: bool) -> None:
    """What stands below the curves: the mistake that they show already; that of a run that is over its report names."""
    if not over and run.config:
        doctor.show_early(history, _classes(run.config))


def _classes(config: TextClassificationConfig) -> int | None:
    """How many classes the texts have; None where they have been deleted."""
    try:
        return len(material.load(config).classes)
    except UserError:
        return None
