"""The runs as the list shows them: what each was, how it went, and whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from pages.experiments.progress import pictures
from pages.material import text_view
from pages.tasks.text_generation import consequences
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.session import is_local, may, mine
from tl_core.base.errors import UserError
from tl_core.charts import comparison
from tl_core.images.pretrained.backbones import BACKBONES, boundary
from tl_core.runs import store
from tl_core.runs.history import History
from tl_core.runs.store import ACTIVE, Run, Status
from tl_core.tasks import registry
from tl_core.tasks.image_classification import report
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.config import boundary as text_boundary


@dataclass(frozen=True)
class Results:
    """What came out of a run so far; None where there is nothing yet."""

    epochs: int
    accuracy: float | None  # validation, of the epoch whose weights are kept; not of texts
    loss: float | None  # likewise, of texts too
    best_epoch: int | None
    rate: float | None  # units of its data per second of training
    seconds: float | None  # of work
    test: float | None  # accuracy, if somebody has looked
    perplexity: float | None = None  # of texts: validation, of the round whose weights are kept
    before: float | None = None  # of texts: the same before training
    best_step: int | None = None  # of texts: whose weights are kept; perplexity and the next two are theirs
    copied: int | None = None  # of texts: tokens that their sample has copied in one stretch
    forgotten: float | None = None  # of texts: their source perplexity divided by that before training


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    run: Run
    status: Status
    mine: bool
    results: Results


def everything() -> list[Listed]:
    """All runs: the reader's own first, each group newest first."""
    return sorted(map(listed, store.all()), key=lambda line: not line.mine)


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
            "perplexity": st.column_config.NumberColumn(
                _("Validation perplexity"), format="%.1f", help=_("Of texts: lower is better.")
            ),
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


def writes(run: Run) -> bool:
    """Whether the run trains a language model."""
    return run.config is not None and run.config.kind == "text"


def dataset(run: Run) -> str:
    """What the run's pictures, or its text, are called."""
    if run.config is None:
        return ""
    known = text_view.name(run.config.corpus) if writes(run) else pictures(run.config.data.dataset)[0]
    if known and not may("read", run):
        return _("a private text")
    return known or _("deleted")


def network(run: Run) -> str:
    """The title of the run's backbone or language model."""
    return registry.title(run.config) if run.config else ""


def frozen(run: Run) -> str:
    """The freeze boundary of each phase, "5 → 4 of 5"."""
    if writes(run):
        shape = consequences.shape_of(run.config.model)
        try:
            if shape is None:
                return ""
            text = _("{n} of {total}").format(n=text_boundary(run.config, shape), total=len(shape.blocks))
        except UserError:  # the model's folder holds another model by now
            return "?"
        return f"{text}, LoRA {run.config.lora_rank}" if run.config.lora_rank else text
    row = BACKBONES.get(run.config.backbone.name) if run.config else None
    if row is None:
        return ""
    counts = " → ".join(str(boundary(row, phase.frozen_blocks)) for phase in run.config.phases)
    return _("{n} of {total}").format(n=counts, total=len(row.blocks))


def epochs(run: Run) -> str:
    """The epochs of each phase, "10 + 10"; the steps of a text run."""
    if writes(run):
        return _("{n} steps").format(n=f"{run.config.steps:,}")
    return " + ".join(str(phase.epochs) for phase in run.config.phases) if run.config else ""


def _frame(lines: Sequence[Listed]) -> dict[str, list]:
    return {
        "name": [line.run.name for line in lines],
        "status": [status.name(line.status) for line in lines],
        **({} if is_local() else {"who": [_("Me") if line.mine else _("Others") for line in lines]}),
        **_figures(lines),
        "pictures": [dataset(line.run) for line in lines],
        "backbone": [network(line.run) for line in lines],
        "frozen": [frozen(line.run) for line in lines],
        "epochs": [epochs(line.run) for line in lines],
        "time": [duration(line.results.seconds) if line.results.seconds else "" for line in lines],
        "tags": [list(line.run.tags) for line in lines],
        "begun": [datetime.fromtimestamp(line.run.created) for line in lines],
    }


def _figures(lines: Sequence[Listed]) -> dict[str, list]:
    """The columns of results; those of a kind of run that is not in the list are left out."""
    columns = {}
    if not all(writes(line.run) for line in lines):
        columns["accuracy"] = [line.results.accuracy for line in lines]
        columns["test"] = [line.results.test for line in lines]
    if any(writes(line.run) for line in lines):
        columns["perplexity"] = [line.results.perplexity for line in lines]
    return columns


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
    best, tested, text = history.best, report.load(run.folder, "test"), writes(run)
    kept, forgetting = progress.kept_sample(history), progress.forgetting(history)
    return Results(
        epochs=len({epoch.epoch for epoch in history.epochs}),
        accuracy=best.metrics.get("val_accuracy") if best and not text else None,
        loss=best.metrics.get("val_loss") if best else None,
        best_epoch=best.epoch if best else None,
        rate=history.mean_rate if text else history.rate,
        seconds=history.elapsed,
        test=tested.accuracy if tested else None,
        perplexity=comparison.kept(history, "perplexity") if text else None,
        before=progress.base_perplexity(history),
        best_step=best.step if best and text else None,
        copied=kept.copied_tokens if kept else None,
        forgotten=forgetting[1] / forgetting[0] if forgetting else None,
    )
