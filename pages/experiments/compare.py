"""Several runs beside each other: results, curves in one chart, and the settings in which they differ."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.experiments import listing
from pages.experiments.listing import Listed
from pages.tasks.image_classification.consequences import rate_text
from pages.tasks.text_generation import results
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.tables import Cell, figure, table
from tl_core.base.metrics import percent
from tl_core.charts import classification, comparison, curves
from tl_core.charts.colours import colours
from tl_core.charts.curves import NamedHistory
from tl_core.images.pretrained.backbones import BACKBONES, boundary
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.training.script import OPTIMIZERS


def kinds(lines: Sequence[Listed]) -> list[list[Listed]]:
    """The runs that can be compared with each other: those on pictures, and those on texts."""
    groups = [[line for line in lines if listing.writes(line.run) == text] for text in (False, True)]
    return [group for group in groups if group]


def title(kind: Sequence[Listed]) -> str:
    """What runs of one kind work on."""
    return _("Text runs") if listing.writes(kind[0].run) else _("Image runs")


def show_comparison(lines: Sequence[Listed]) -> None:
    """Draw runs of one kind as they are now; call it again while one of them is active."""
    chosen = _colours([line.run.id for line in lines])
    if listing.writes(lines[0].run):
        results.show_comparison(lines, chosen)
        return
    histories = [NamedHistory(line.run.name, watch.history(line.run), chosen[line.run.id]) for line in lines]
    _results(lines, chosen)
    with_training = st.toggle(_("Training curves too (dashed)"), key="compare_training")
    keys = classification.METRICS
    figures = {key: curves.several(histories, key, _, training=with_training, legend=False) for key in keys}
    alts = {key: show(comparison.description(histories, key, "accuracy")) for key in keys}
    live_chart.charts(figures, alts, revision="-".join(chosen), key="compare_curves")
    st.markdown(sentence(comparison.reading(histories, "accuracy")))


def show_differences(runs: Sequence[Run], kind: str = "") -> None:
    """The settings of several runs of one kind side by side; those that differ are marked."""
    chosen = _colours([run.id for run in runs])
    readable = [run for run in runs if run.config]
    text = any(listing.writes(run) for run in readable)
    every = [results.settings(run) if text else _settings(run) for run in readable]
    names = list(dict.fromkeys(name for values in every for name in values))
    rows = {name: [values.get(name, "–") for values in every] for name in names}
    differing = {name for name, values in rows.items() if len(set(values)) > 1}
    heading = _("Where their settings differ")
    st.subheader(f"{kind} · {heading}" if kind else heading, anchor=False)
    everything = st.toggle(_("Show all settings"), key="compare_all_texts" if text else "compare_all")
    if not differing and not everything:
        st.markdown(_("They have the same settings; only chance and the computer can make them differ."))
        return
    headings = [_("Setting"), *(Cell(run.name, colour=chosen[run.id]) for run in readable)]
    table(
        headings,
        [
            [name, *(Cell(value, marked=name in differing) for value in values)]
            for name, values in rows.items()
            if everything or name in differing
        ],
        label=_("Settings of the selected runs"),
    )


def _colours(runs: Sequence[str]) -> dict[str, str]:
    """A colour for each run, the one that the reader has seen it in."""
    kept = st.session_state.setdefault("run_colours", {})
    chosen = colours(runs, kept)
    kept.update(chosen)
    return chosen


def _results(lines: Sequence[Listed], chosen: dict[str, str]) -> None:
    rows = []
    for line in lines:
        found = line.results
        rows.append(
            [
                Cell(line.run.name, colour=chosen[line.run.id]),
                status.name(line.status),
                Cell("–" if found.accuracy is None else percent(found.accuracy), share=found.accuracy),
                figure(found.loss, "{:.3f}"),
                figure(found.best_epoch, "{}"),
                "–" if found.test is None else percent(found.test),
                duration(found.seconds) if found.seconds else "–",
                figure(found.rate, "{:,.0f}"),
            ]
        )
    headings = [
        _("Name"),
        _("Status"),
        _("Validation accuracy"),
        _("Validation loss"),
        _("Best epoch"),
        _("Test accuracy"),
        _("Time"),
        _("Images per second"),
    ]
    table(headings, rows, label=_("Results of the selected runs"))


def _settings(run: Run) -> dict[str, str]:
    """Every setting by its name, as the Train page calls it; what each phase has of its own is joined by arrows."""
    config, yes, no = run.config, _("yes"), _("no")
    weights = {
        "imagenet": "ImageNet",
        "bundled": _("this project's own"),
        "patterns": _("patterns only"),
        "random": _("random"),
    }
    values = {
        _("Pictures"): listing.dataset(run),
        _("Version of the pictures"): config.data.dataset,
        _("For validation"): f"{100 * config.data.validation:.0f} %",
        _("For the last test"): f"{100 * config.data.test:.0f} %",
        _("Seed of the split"): str(config.data.seed),
        _("Backbone"): listing.network(run) or config.backbone.name,
        _("Weights"): weights.get(config.backbone.weights, config.backbone.weights),
        _("Image size"): f"{config.backbone.image_size} px",
        _("Pooling"): {"average": _("Average"), "flatten": _("Flatten")}[config.head.pooling],
        _("Hidden units"): str(config.head.units),
        _("Dropout"): f"{config.head.dropout:g}",
        _("Output"): config.head.output,
    }
    row = BACKBONES.get(config.backbone.name)
    total = len(row.blocks) if row else "?"
    frozen = [boundary(row, phase.frozen_blocks) if row else phase.frozen_blocks for phase in config.phases]
    phases = {
        _("Frozen blocks"): [_("{n} of {total}").format(n=count, total=total) for count in frozen],
        _("Epochs"): [listing.epochs(run)],
        _("Learning rate"): [rate_text(phase.learning_rate) for phase in config.phases],
        _("Optimizer"): [OPTIMIZERS[phase.optimizer] for phase in config.phases],
    }
    augmented = {"none": _("None"), "light": _("Light"), "strong": _("Strong")}[config.augmentation]
    return {
        **values,
        **{name: each[0] if len(set(each)) == 1 else " → ".join(each) for name, each in phases.items()},
        _("Batch size"): str(config.batch_size),
        _("Augmentation"): augmented if config.augmentation == "none" else f"{augmented} × {config.views}",
        _("Early stopping"): str(config.early_stopping) if config.early_stopping else no,
        _("Label smoothing"): f"{config.label_smoothing:g}" if config.label_smoothing else no,
        _("Balance the classes"): yes if config.class_weights else no,
        _("Number format"): config.precision.replace("_", " "),
        _("Compute frozen blocks only once"): yes if config.cache else no,
        _("Seed of the training"): str(config.seed),
    }
