"""The runs as the list shows them: what each was, how it went, and whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from pages.components import status
from pages.components.i18n import _
from pages.components.live import duration
from pages.components.progress import pictures
from pages.components.session import owner
from tl_core.runs import store
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.vision import report
from tl_core.vision.backbones import BACKBONES, boundary


@dataclass(frozen=True)
class Results:
    """What came out of a run so far; None where there is nothing yet."""

    epochs: int
    accuracy: float | None  # validation, of the epoch whose weights are kept
    loss: float | None  # likewise
    best_epoch: int | None
    images_per_second: float | None
    seconds: float | None  # of work
    test: float | None  # accuracy, if somebody has looked


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    run: Run
    status: Status
    mine: bool
    results: Results


def everything() -> list[Listed]:
    """All runs, newest first."""
    return [listed(run) for run in store.all()]


def listed(run: Run) -> Listed:
    """One run with its present status and results."""
    now = store.status(run)
    return Listed(run, now, run.owner == owner(), _results(run.id, _stamp(run), now in ACTIVE))


def matching(lines: Sequence[Listed], text: str, mine: bool) -> list[Listed]:
    """The runs whose name, tags, pictures or backbone hold every word of `text`."""
    words = text.casefold().split()
    return [
        line
        for line in lines
        if (line.mine or not mine)
        and all(
            word in " ".join([line.run.name, *line.run.tags, dataset(line.run), network(line.run)]).casefold()
            for word in words
        )
    ]


def choose(lines: Sequence[Listed], selected: Sequence[str], version: int) -> list[str]:
    """The table of runs, several of which can be selected; runs that the filter hides stay selected.

    Args:
        lines: the runs that are shown.
        selected: ids of the runs that were selected before.
        version: a new number makes the table take `selected` over from outside.

    Returns:
        The ids of the runs that are selected now.
    """
    ids = [line.run.id for line in lines]
    chosen = st.dataframe(
        _frame(lines),
        key=f"runs_table_{version}_{hash(tuple(ids))}",
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [ids.index(run) for run in selected if run in ids]}},
        column_config={
            "name": st.column_config.TextColumn(_("Name"), width="medium"),
            "status": st.column_config.TextColumn(_("Status")),
            "who": st.column_config.TextColumn(_("Who")),
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
            "pictures": st.column_config.TextColumn(_("Pictures")),
            "backbone": st.column_config.TextColumn(_("Backbone")),
            "frozen": st.column_config.TextColumn(_("Frozen blocks")),
            "epochs": st.column_config.TextColumn(_("Epochs"), help=_("Of each phase.")),
            "time": st.column_config.TextColumn(_("Time")),
            "tags": st.column_config.ListColumn(_("Tags")),
            "begun": st.column_config.DatetimeColumn(_("Begun"), format="YYYY-MM-DD HH:mm"),
        },
        placeholder="",
        alt=_("List of runs with their settings and results"),
    )
    rows = [ids[row] for row in chosen.selection.rows if row < len(ids)]
    return [run for run in selected if run not in ids] + rows


def dataset(run: Run) -> str:
    """What the run's pictures are called."""
    return (pictures(run.config.data.dataset)[0] or _("deleted")) if run.config else ""


def network(run: Run) -> str:
    """The title of the run's backbone."""
    row = BACKBONES.get(run.config.backbone.name) if run.config else None
    return row.title if row else ""


def frozen(run: Run) -> str:
    """The freeze boundary of each phase, "5 → 4 of 5"."""
    row = BACKBONES.get(run.config.backbone.name) if run.config else None
    if row is None:
        return ""
    counts = " → ".join(str(boundary(row, phase.frozen_blocks)) for phase in run.config.phases)
    return _("{n} of {total}").format(n=counts, total=len(row.blocks))


def epochs(run: Run) -> str:
    """The epochs of each phase, "10 + 10"."""
    return " + ".join(str(phase.epochs) for phase in run.config.phases) if run.config else ""


def _frame(lines: Sequence[Listed]) -> dict[str, list]:
    return {
        "name": [line.run.name for line in lines],
        "status": [status.name(line.status) for line in lines],
        "who": [_("Me") if line.mine else _("Others") for line in lines],
        "accuracy": [line.results.accuracy for line in lines],
        "test": [line.results.test for line in lines],
        "pictures": [dataset(line.run) for line in lines],
        "backbone": [network(line.run) for line in lines],
        "frozen": [frozen(line.run) for line in lines],
        "epochs": [epochs(line.run) for line in lines],
        "time": [duration(line.results.seconds) if line.results.seconds else "" for line in lines],
        "tags": [list(line.run.tags) for line in lines],
        "begun": [datetime.fromtimestamp(line.run.created) for line in lines],
    }


def _stamp(run: Run) -> tuple[int, ...]:
    """Changes whenever there may be new results."""
    stamp = []
    for path in (run.log, report.path(run.folder, "test")):
        try:
            stat = path.stat()
            stamp += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            stamp += [0, 0]
    return tuple(stamp)


@st.cache_data(max_entries=2000, show_spinner=False)
def _results(run_id: str, stamp: tuple[int, ...], active: bool) -> Results:
    run = store.get(run_id)
    history = History(run.log).update()
    best, tested = history.best, report.load(run.folder, "test")
    return Results(
        len({epoch.epoch for epoch in history.epochs}),
        best.val_accuracy if best else None,
        best.val_loss if best else None,
        best.epoch if best else None,
        history.images_per_second,
        history.elapsed,
        tested.accuracy if tested else None,
    )
