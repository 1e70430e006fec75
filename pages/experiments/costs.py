"""What a run costs: told before it starts, and measured afterwards beside it; the same words for every task."""

import statistics

import streamlit as st

from pages.ui.format import duration
from pages.ui.i18n import _
from pages.ui.tables import table
from tl_core.base.processes import WATTS
from tl_core.runs import watch
from tl_core.runs.history import History
from tl_core.runs.queue import Forecast
from tl_core.runs.store import Run


def told(seconds: float, epoch: float, cached: int | None, source: str) -> tuple[Forecast, str]:
    """What is told before a run, and a sentence that says it.

    Args:
        seconds: from Start to the end.
        epoch: seconds of an epoch.
        cached: bytes of activations on disk; None: not known.
        source: whence we know.
    """
    what = _("About {time} in all, {epoch} an epoch").format(time=duration(seconds), epoch=_short(epoch))
    if cached:
        what += _(", {size} of activations on disk").format(size=_size(cached))
    return Forecast(seconds, epoch, cached), _("{cost}: {source}.").format(cost=what, source=source)


def show(run: Run) -> None:
    """Told before beside measured, of a run that has ended, and an estimate of its energy."""
    history = watch.history(run)
    if not history.epochs:
        return
    st.header(_("Cost"), anchor=False)
    said, ended = history.told, history.outcome
    pairs = (
        (_("An epoch"), said and said.epoch_seconds, epoch_seconds(history), _short),
        (_("The whole run"), said and said.seconds, history.elapsed, duration),
        (_("Activations on disk"), said and said.cached, ended and ended.cached, _size),
        (_("Memory of the process, at most"), None, ended and ended.memory, _size),
    )
    rows = [
        [name, *("–" if value is None else form(value) for value in (before, after)), _ratio(before, after)]
        for name, before, after, form in pairs
        if before is not None or after is not None
    ]
    table(
        [_("What"), _("Told before"), _("Measured"), _("Measured / told")],
        rows,
        label=_("What the run was said to cost, and what it cost"),
    )
    st.caption(
        _(
            "An epoch is one of the last phase with its validation, the median of those behind the first, which "
            "compiles. Read off the last column: 1.0 is a perfect forecast; other work on the computer makes it larger."
        )
    )
    if ended and ended.processor_seconds:
        st.markdown(energy(ended.processor_seconds))


def energy(processor_seconds: float) -> str:
    """About how much energy so many seconds of one core took, how that is known, and how far off it may be."""
    joules = processor_seconds * WATTS
    amount = f"{joules / 3600:.2f} Wh" if joules >= 360 else f"{joules:,.0f} J" if joules >= 10 else f"{joules:.1f} J"
    return _(
        "Energy: about {amount}, estimated from {seconds} of processor time (all cores together) at {watts} W for each "
        "busy core. It may be half or twice as much; memory, screen and graphics processor are not counted."
    ).format(amount=amount, seconds=_short(processor_seconds), watts=WATTS)


def epoch_seconds(history: History) -> float | None:
    """Seconds of a usual epoch of the last phase with its validation; None before the first."""
    last = [epoch for epoch in history.epochs if epoch.phase == history.epochs[-1].phase]
    behind = last[1:] or last
    return statistics.median(epoch.seconds + epoch.validation_seconds for epoch in behind) if behind else None


def _ratio(before: float | None, after: float | None) -> str:
    return "–" if not before or after is None else f"{after / before:.1f}"


def _short(seconds: float) -> str:
    return (
        duration(seconds)
        if seconds >= 10
        else _("{s} s").format(s=f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2f}")
    )


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"
