"""Which predictions have turned round since another run on the same material, beside what another seed turns."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from pages.experiments import listing
from pages.ui.i18n import _
from pages.ui.markdown import sentence
from tl_core.classification import report as reports
from tl_core.classification.report import Prediction, Report
from tl_core.labs import flips
from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks import registry

PAIRS = 6  # of runs that differ in their seed alone, at most


def show(run: Run, made: Report, draw: Callable[[Run, Report, Sequence[Prediction], str], None]) -> None:
    """Choose another run, and see what has turned round since; nothing where there is none.

    Args:
        made: the run's validation report.
        draw: shows some of a report's predictions; the last argument is the key of its widgets.
    """
    others = _others(run)
    if not others:
        return
    with st.expander(_("What has turned round since another run?"), icon=":material/flip:"):
        names = listing.names(others)
        chosen = st.selectbox(
            _("Another run on the same data"),
            [other.id for other in others],
            format_func=names.__getitem__,
            index=None,
            key=f"flips_{run.id}",
            placeholder=_("Choose a run"),
        )
        before = next((other for other in others if other.id == chosen), None)
        first = reports.load(before.folder, "validation") if before else None
        if before is None or first is None:
            return
        found = flips.turned(first, made)
        if found is None:
            st.markdown(_("No example validated both runs: their splits have nothing in common."))
            return
        for each in flips.sentences(found, _noise([run, before], others)):
            st.markdown(sentence(each))
        for title, shown, key in (
            (_("Wrong before, right now"), found.mended, "mended"),
            (_("Right before, wrong now"), found.broken, "broken"),
        ):
            if shown:
                st.markdown(f"**{title}**")
                draw(run, made, shown, f"flips_{run.id} {before.id} {key}")


def _others(run: Run) -> list[Run]:
    """The runs of the same task on the same material that have a validation report."""
    material = registry.of(run.config).room("material")
    return [
        other
        for other in store.trainings()
        if other.id != run.id
        and other.config
        and registry.of(other.config) is registry.of(run.config)
        and material.id(other.config) == material.id(run.config)
        and reports.path(other.folder, "validation").is_file()
    ]


def _noise(compared: Sequence[Run], others: Sequence[Run]) -> list[flips.Turned]:
    """One of the two runs beside each further run that differs from it in the seed alone."""
    further = [other for other in others if other.id not in {run.id for run in compared}]
    twins = [
        (run, other)
        for run in compared
        for other in further
        if run.config != other.config and _without_seed(run) == _without_seed(other)
    ]
    loaded = [[reports.load(each.folder, "validation") for each in pair] for pair in twins[:PAIRS]]
    return [pair for first, second in loaded if first and second and (pair := flips.turned(first, second))]


def _without_seed(run: Run) -> registry.Config:
    return replace(run.config, seed=0)
