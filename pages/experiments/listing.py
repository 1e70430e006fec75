"""The runs as the list shows them: what each was, how it went, and whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import streamlit as st

from pages.experiments import learned_from
from pages.tasks.registry import room
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.session import is_local, mine
from tl_core.runs import store
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.tasks import registry
from tl_core.tasks.registry import TASKS


@dataclass(frozen=True)
class Results:
    """What came out of a run so far; None where there is nothing yet."""

    seconds: float | None  # of work
    values: Mapping[str, float | None]  # by the names of its task's room `results`


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    run: Run
    status: Status
    mine: bool
    results: Results


def everything() -> list[Listed]:
    """All runs of tasks: the reader's own first, each group newest first."""
    return sorted(map(listed, store.trainings()), key=lambda line: not line.mine)


def listed(run: Run) -> Listed:
    """One run with its present status and results."""
    now = store.status(run)
    return Listed(run, now, mine(run), _results(run.id, _stamp(run), now in ACTIVE))


def matching(lines: Sequence[Listed], text: str, mine: bool) -> list[Listed]:
    """The runs whose name, tags, pictures, text or network hold every word of `text`."""
    words = text.casefold().split()
    return [
        line
        for line in lines
        if (line.mine or not mine)
        and all(
            word
            in " ".join([line.run.name, *line.run.tags, learned_from.short(line.run), network(line.run)]).casefold()
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
            **_result_columns(lines),
            "pictures": st.column_config.TextColumn(_("Pictures or text")),
            "backbone": st.column_config.TextColumn(_("Network")),
            "frozen": st.column_config.TextColumn(_("Frozen blocks")),
            "epochs": st.column_config.TextColumn(_("Epochs"), help=_("Of each phase; of texts, steps.")),
            "time": st.column_config.TextColumn(_("Time")),
            "tags": st.column_config.ListColumn(_("Tags")),
            "begun": st.column_config.DatetimeColumn(_("Begun"), format="YYYY-MM-DD HH:mm"),
        },
        placeholder="",
        alt=_("List of runs with their settings and results"),
    )
    rows = [ids[row] for row in chosen.selection.rows if row < len(ids)]
    return [run for run in selected if run not in ids] + rows


def network(run: Run) -> str:
    """The title of the run's backbone or language model."""
    return registry.title(run.config) if run.config else ""


def _frame(lines: Sequence[Listed]) -> dict[str, list]:
    return {
        "name": [line.run.name for line in lines],
        "status": [status.name(line.status) for line in lines],
        **({} if is_local() else {"who": [_("Me") if line.mine else _("Others") for line in lines]}),
        **{name: [line.results.values.get(name) for line in lines] for name in _result_columns(lines)},
        "pictures": [learned_from.short(line.run) for line in lines],
        "backbone": [network(line.run) for line in lines],
        "frozen": [_set_up(line.run, "frozen") for line in lines],
        "epochs": [_set_up(line.run, "length") for line in lines],
        "time": [duration(line.results.seconds) if line.results.seconds else "" for line in lines],
        "tags": [list(line.run.tags) for line in lines],
        "begun": [datetime.fromtimestamp(line.run.created) for line in lines],
    }


def _result_columns(lines: Sequence[Listed]) -> dict[str, Any]:
    """The columns of results of the tasks that are in the list."""
    present = {registry.of(line.run.config).kind for line in lines}
    columns: dict[str, Any] = {}
    for kind, task in TASKS.items():
        if kind in present:
            columns |= room(task, "results").columns()
    return columns


def _set_up(run: Run, what: str) -> str:
    """What the room `results` says of the run's settings; nothing where they cannot be read."""
    return getattr(room(run.config, "results"), what)(run.config) if run.config else ""


def _stamp(run: Run) -> tuple[int, ...]:
    """Changes whenever there may be new results."""
    stamp = []
    for path in (run.log, *room(run.config, "results").watched(run.folder)):
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
    return Results(history.elapsed, room(run.config, "results").found(run, history))


def names(runs: Sequence[Run]) -> dict[str, str]:
    """What runs beside each other are called, by id: those that share a name (begun in one minute) are numbered."""
    called = [run.name for run in runs]
    seen = {run.id: called[: place + 1].count(run.name) for place, run in enumerate(runs)}
    return {run.id: f"{run.name} ({seen[run.id]})" if called.count(run.name) > 1 else run.name for run in runs}
