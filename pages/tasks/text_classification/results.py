"""What came out of classifiers of texts: in the list, beside each other, and the settings in which they differ."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.experiments import learned_from
from pages.ui.fields import Told, table
from pages.ui.i18n import _, show
from pages.ui.session import may
from pages.ui.tables import Cell, figure
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import classification, comparison, curves
from tl_core.charts.curves import NamedHistory
from tl_core.classification import report
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary, title
from tl_core.text.pretrained.encoders import shape_of

RUNS = N_("Runs that classify text")
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


def columns() -> dict[str, Any]:
    """Those that the list of runs shows."""
    return {
        "accuracy": st.column_config.ProgressColumn(
            _("Validation accuracy"),
            min_value=0,
            max_value=1,
            format="percent",
            help=_("Of the epoch whose weights are kept."),
        ),
        "test": st.column_config.NumberColumn(
            _("Test accuracy"), format="percent", help=_("Only where somebody has looked at what was kept aside.")
        ),
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


def caution(configs: Sequence[TextClassificationConfig]) -> str:
    """Why their figures must not be compared; empty where they may."""
    if len({each.data for each in configs}) < 2:
        return ""
    return _("Careful: these runs learned from other texts, or from another split; their figures cannot be compared.")


def frozen(config: TextClassificationConfig) -> str:
    """The freeze boundary of each phase, "7 → 5 of 7"; empty where the encoder is not here."""
    with contextlib.suppress(UserError):  # a folder that is gone, or holds another encoder by now
        shape = shape_of(config.encoder.name)
        counts = " → ".join(str(boundary(shape, phase.frozen_blocks)) for phase in config.phases)
        return _("{n} of {total}").format(n=counts, total=len(shape.blocks))
    return ""


def length(config: TextClassificationConfig) -> str:
    """The epochs of each phase, "10 + 4"."""
    return " + ".join(str(phase.epochs) for phase in config.phases)


def settings(run: Run) -> list[Told]:
    """Every setting, as its page calls it; what is private is compared but not shown."""
    config, values, texts = run.config, {}, {"encoder.name": title(run.config)}
    if not may("read", run):
        texts["data.dataset"] = "–"
    with contextlib.suppress(UserError):
        shape = shape_of(config.encoder.name)
        values["phases.frozen_blocks"] = tuple(boundary(shape, phase.frozen_blocks) for phase in config.phases)
        texts["phases.frozen_blocks"] = frozen(config)
    called = learned_from.short(run)
    return [Told(_("Texts"), called, called), *table(config, texts, values)]
