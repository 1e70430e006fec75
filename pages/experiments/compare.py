"""Several runs beside each other: results, curves in one chart, and the settings in which they differ."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.components import live_chart
from pages.experiments import listing
from pages.experiments.listing import Listed
from pages.tasks.registry import room
from pages.ui import status
from pages.ui.fields import Told
from pages.ui.format import duration, per_second
from pages.ui.i18n import _
from pages.ui.markdown import sentence
from pages.ui.tables import Cell, figure, table
from tl_core.charts import comparison
from tl_core.charts.colours import colours
from tl_core.charts.curves import NamedHistory
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS, Task


def kinds(lines: Sequence[Listed]) -> list[list[Listed]]:
    """The runs that can be compared with each other: those of one task."""
    groups = [[line for line in lines if registry.of(line.run.config) is task] for task in TASKS.values()]
    return [group for group in groups if group]


def title(kind: Sequence[Listed]) -> str:
    """What runs of one task are called."""
    return _(room(kind[0].run.config, "results").RUNS)


def show_comparison(lines: Sequence[Listed]) -> None:
    """Draw runs of one task as they are now; call it again while one of them is active."""
    task, chosen = registry.of(lines[0].run.config), _colours([line.run.id for line in lines])
    named = listing.names([line.run for line in lines])
    runs = [line.run for line in lines]
    histories = [NamedHistory(named[run.id], watch.history(run), chosen[run.id]) for run in runs]
    _results(task, lines, chosen)
    with_training = st.toggle(_("Training curves too (dashed)"), key=f"compare_training_{task.name}")
    key = f"compare_curves_{task.name}"
    show_curves(task, histories, "-".join(chosen), key, training=with_training, legend=False)
    if caution := room(task, "results").caution([line.run.config for line in lines if line.run.config]):
        st.caption(caution)


def show_curves(
    task: Task,
    histories: Sequence[NamedHistory],
    revision: str,
    key: str,
    *,
    training: bool,
    legend: bool,
    reads: bool = True,
) -> None:
    """The curves of runs of one task in one chart, and what they say.

    Args:
        revision: as long as it stays the same, so does the reader's zoom.
        key: Streamlit's.
        training: the training curves too.
        legend: name the runs in the chart, as no table does.
        reads: whether to say what they say.
    """
    results = room(task, "results")
    figures, alts = results.laid_over(histories, training, legend)
    live_chart.charts(figures, alts, revision=revision, key=key)
    if reads:
        st.markdown(sentence(comparison.reading(histories, task.metrics[0])))


def show_differences(runs: Sequence[Run], kind: str = "") -> None:
    """The settings of several runs of one task side by side; those that differ are marked."""
    task, chosen = registry.of(runs[0].config), _colours([run.id for run in runs])
    readable = [run for run in runs if run.config]
    every = [{told.label: told for told in room(task, "results").settings(run)} for run in readable]
    names = list(dict.fromkeys(name for settings in every for name in settings))
    rows = {name: [settings.get(name, Told(name, "–", None)) for settings in every] for name in names}
    differing = {name for name, told in rows.items() if len({each.value for each in told}) > 1}
    heading = _("Where their settings differ")
    st.subheader(f"{kind} · {heading}" if kind else heading, anchor=False)
    everything = st.toggle(_("Show all settings"), key=f"compare_all_{task.name}")
    if not differing and not everything:
        st.markdown(_("They have the same settings; only chance and the computer can make them differ."))
        return
    named = listing.names(readable)
    headings = [_("Setting"), *(Cell(named[run.id], colour=chosen[run.id]) for run in readable)]
    table(
        headings,
        [
            [name, *(Cell(each.text, marked=name in differing) for each in told)]
            for name, told in rows.items()
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


def _results(task: Task, lines: Sequence[Listed], chosen: Mapping[str, str]) -> None:
    """A row for each run, with the figures of its task between what all have."""
    results, named = room(task, "results"), listing.names([line.run for line in lines])
    rows = [
        {
            _("Name"): Cell(named[line.run.id], colour=chosen[line.run.id]),
            _("Status"): status.name(line.status),
            **results.beside(line.results.values),
            _("Time"): duration(line.results.seconds) if line.results.seconds else "–",
            per_second(task.unit): figure(line.results.values["speed"], "{:,.0f}"),
        }
        for line in lines
    ]
    table(list(rows[0]), [list(row.values()) for row in rows], label=_("Results of the selected runs"))
