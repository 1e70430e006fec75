"""What came out of classifiers, whatever they classify: in the list of runs, and beside each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.ui.i18n import _, show
from pages.ui.tables import Cell, figure
from tl_core.base.metrics import percent
from tl_core.charts import classification, comparison, curves
from tl_core.charts.curves import NamedHistory
from tl_core.classification import report
from tl_core.runs.history import History
from tl_core.runs.store import Run

Drawn, Alts = dict[str, dict[str, Any]], dict[str, str]


def found(run: Run, history: History) -> dict[str, float | None]:
    """The figures by name; None where there is nothing yet."""
    best, tested = history.best, report.load(run.folder, "test")
    return {
        "accuracy": best.metrics.get("val_accuracy") if best else None,  # of the epoch whose weights are kept
        "loss": best.metrics.get("val_loss") if best else None,  # likewise
        "best_epoch": best.epoch if best else None,
        "test": tested.accuracy if tested else None,  # if somebody has looked
        "speed": history.rate,
    }


def watched(folder: Path) -> Sequence[Path]:
    """Files beside the log that bring new figures."""
    return [report.path(folder, "test")]


def columns(tested: str) -> dict[str, Any]:
    """Those that the list of runs shows; `tested` says when there is a test accuracy."""
    return {
        "accuracy": st.column_config.ProgressColumn(
            _("Validation accuracy"),
            min_value=0,
            max_value=1,
            format="percent",
            help=_("Of the epoch whose weights are kept."),
        ),
        "test": st.column_config.NumberColumn(_("Test accuracy"), format="percent", help=tested),
    }


def beside(values: Mapping[str, float | None]) -> dict[str, str | Cell]:
    """Those that a comparison shows, by their headings."""
    accuracy, test = values["accuracy"], values["test"]
    return {
        _("Validation accuracy"): Cell("–" if accuracy is None else percent(accuracy), share=accuracy),
        _("Validation loss"): figure(values["loss"], "{:.3f}"),
        _("Best epoch"): figure(values["best_epoch"], "{}"),
        _("Test accuracy"): "–" if test is None else percent(test),
    }


def laid_over(histories: Sequence[NamedHistory], training: bool, legend: bool) -> tuple[Drawn, Alts]:
    """The curves of several runs in one figure a metric, and what each shows for who cannot see it."""
    keys = classification.METRICS
    figures = {key: curves.several(histories, key, _, training=training, legend=legend) for key in keys}
    return figures, {key: show(comparison.description(histories, key, "accuracy")) for key in keys}
