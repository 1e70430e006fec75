"""What came out of runs on pictures: in the list, beside each other, and the settings in which they differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.experiments import learned_from
from pages.ui.fields import Told, table
from pages.ui.i18n import _, show
from pages.ui.tables import Cell, figure
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import classification, comparison, curves
from tl_core.charts.curves import NamedHistory
from tl_core.classification import report
from tl_core.images.pretrained.backbones import BACKBONES, boundary
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig, title

RUNS = N_("Image runs")
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
            _("Test accuracy"), format="percent", help=_("Only where somebody has looked at the test pictures.")
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


def caution(configs: Sequence[RunConfig]) -> str:
    """Why their figures must not be compared; empty where they may."""
    return ""


def frozen(config: RunConfig) -> str:
    """The freeze boundary of each phase, "5 → 4 of 5"; empty where the backbone is not known any more."""
    row = BACKBONES.get(config.backbone.name)
    if row is None:
        return ""
    counts = " → ".join(str(boundary(row, phase.frozen_blocks)) for phase in config.phases)
    return _("{n} of {total}").format(n=counts, total=len(row.blocks))


def length(config: RunConfig) -> str:
    """The epochs of each phase, "10 + 10"."""
    return " + ".join(str(phase.epochs) for phase in config.phases)


def settings(run: Run) -> list[Told]:
    """Every setting, as the Train page calls it; what each phase has of its own is joined by arrows."""
    config, values = run.config, {}
    weights = {
        "imagenet": "ImageNet",
        "bundled": _("this project's own"),
        "patterns": _("patterns only"),
        "random": _("random"),
    }
    texts = {
        "backbone.name": title(config),
        "backbone.weights": weights.get(config.backbone.weights, config.backbone.weights),
    }
    if row := BACKBONES.get(config.backbone.name):
        counts = [boundary(row, phase.frozen_blocks) for phase in config.phases]
        values["phases.frozen_blocks"] = tuple(counts)
        texts["phases.frozen_blocks"] = _("{n} of {total}").format(
            n=" → ".join(map(str, counts)), total=len(row.blocks)
        )
    called = learned_from.short(run)
    return [Told(_("Pictures"), called, called), *table(config, texts, values)]
