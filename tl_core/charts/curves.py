"""Learning curves: loss and accuracy of one run while it trains, or of several runs laid over each other.

Histories in, Plotly figures (plain dictionaries) and sentences out; no I/O, no Streamlit. A figure's traces keep their
number, order and `uid` from the first point to the last, so that a chart can be updated in place.
"""

import html
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tl_core.base.events import Batch, Epoch, Phase
from tl_core.base.messages import N_, Message, message

Metric = Literal["loss", "accuracy"]
METRICS: tuple[Metric, ...] = ("loss", "accuracy")

# Okabe and Ito's colours, told apart with any colour vision (https://jfly.uni-koeln.de/color/).
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6BB1")
TRAINING, VALIDATION = PALETTE[0], PALETTE[1]

TRAINING_PHASES = {
    "head": N_("Head"),
    "fine-tuning": N_("Fine-tuning"),
    "from scratch": N_("From scratch"),
}
PHASE_BEGINS = {
    "head": N_("The head begins"),
    "fine-tuning": N_("Fine-tuning begins"),
    "from scratch": N_("From scratch begins"),
}
TITLES = {"loss": N_("Loss (lower is better)"), "accuracy": N_("Accuracy (higher is better)")}

MEMORISES = 0.05  # training accuracy this much above validation accuracy is called memorising
AHEAD = 20  # epochs that the axis of a run shows at least, if it asks for so many
PATIENCE = 2  # epochs without a better validation loss before the sentence says so
AN_EPOCH = 2  # measurements of batches in each epoch, on average, below which they are left out
ENOUGH = 100  # measurements that are always drawn: `batches` thins what long runs have


class Curves(Protocol):
    """What a chart needs to know of a run; `tl_core.runs.history.History` has it."""

    epochs: Sequence[Epoch]
    phases: Sequence[Phase]

    def batches(self, max_points: int = 500) -> Sequence[Batch]:
        """At most `max_points` batches, evenly thinned."""


@dataclass(frozen=True)
class NamedHistory:
    """A run in a chart of several: what the legend calls it, its curves, and its colour ("" takes the palette's)."""

    name: str
    history: Curves
    colour: str = ""


def live(history: Curves, translate: Callable[[str], str], total: int = 0) -> dict[Metric, dict[str, Any]]:
    """The two figures of one run: training and validation, thin per batch and bold per epoch, phases marked.

    Args:
        history: the run so far.
        translate: gettext of the reader's language.
        total: epochs that a run asks for while it trains, so that the curves grow into the free space; 0 fits the axis
            to what is there.

    Returns:
        metric -> {"data": traces, "layout": layout}; always three traces each, in the same order.
    """
    return {metric: _single(history, metric, translate, total) for metric in METRICS}


def curves(
    histories: Sequence[NamedHistory],
    metric: Metric,
    translate: Callable[[str], str],
    training: bool = True,
    legend: bool = True,
) -> dict[str, Any]:
    """One figure with several runs laid over each other, one colour each: validation solid, training dashed.

    Args:
        histories: the runs, in the order of the legend.
        metric: "loss" or "accuracy".
        translate: gettext of the reader's language.
        training: draw the training curves too.
        legend: name the runs in the chart; False where a table beside it does.
    """
    _ = translate
    traces = []
    for index, named in enumerate(histories):
        colour = named.colour or PALETTE[index % len(PALETTE)]
        epochs = last_of_each(named.history.epochs)
        if training:
            traces.append(
                {
                    **_line(epochs, metric, colour, dashed=True),
                    "name": _("{run}, training").format(run=literal(named.name)),
                    "uid": f"{index}-training",
                    "opacity": 0.75,
                }
            )
        traces.append(
            {
                **_line(epochs, f"val_{metric}", colour, best=True),
                "name": _("{run}, validation").format(run=literal(named.name)) if training else literal(named.name),
                "uid": f"{index}-validation",
            }
        )
    drawn = layout(_(TITLES[metric]), _("Epoch"), metric == "accuracy")
    drawn["yaxis"]["range"] = _range(metric, [y for trace in traces for y in trace["y"]], [])
    return {"data": traces, "layout": laid_over(drawn, len(traces), legend)}


def literal(text: str) -> str:
    """Somebody's word in a chart's text, where Plotly would take `<b>` and `<a href>` for markup."""
    return html.escape(text, quote=False)


def laid_over(drawn: dict[str, Any], traces: int, legend: bool) -> dict[str, Any]:
    """The layout `drawn`, for so many lines of several runs."""
    drawn["hovermode"] = "closest" if traces > 6 else "x unified"
    if not legend:
        drawn["showlegend"] = False
        drawn["margin"]["b"] = 48
    return drawn


def _single(history: Curves, metric: Metric, translate: Callable[[str], str], total: int) -> dict[str, Any]:
    _ = translate
    epochs = last_of_each(history.epochs)
    batches = measured(forward(history.batches(500)), epochs)
    noisy = batch_line(
        _epoch_positions([batch.step for batch in batches], epochs, history.phases),
        [getattr(batch, metric) for batch in batches],
        _("Each batch"),
    )
    training = {**_line(epochs, metric, TRAINING, dashed=True), "name": _("Training"), "uid": "training"}
    validation = {**_line(epochs, f"val_{metric}", VALIDATION, best=True), "name": _("Validation"), "uid": "validation"}
    drawn = layout(_(TITLES[metric]), _("Epoch"), metric == "accuracy")
    drawn["yaxis"]["range"] = _range(metric, training["y"] + validation["y"], noisy["y"])
    end = max([1, *training["x"], *noisy["x"]])
    if total:
        # A long run's axis doubles when it is full, so that the first epochs do not huddle in a corner.
        end = max(end, min(total, max(AHEAD, 2 * len(epochs))))
    drawn["xaxis"]["range"] = [0, 1.02 * end]
    drawn["shapes"], drawn["annotations"] = _phase_marks(history.phases, translate)
    return {"data": [noisy, training, validation], "layout": drawn}


def _line(epochs: Sequence[Epoch], name: str, colour: str, dashed: bool = False, best: bool = False) -> dict[str, Any]:
    """The line of one value over the epochs; the epoch whose weights are kept gets a star if `best`."""
    kept = max((epoch.epoch for epoch in epochs if epoch.best), default=None) if best else None
    form = ".1%" if name.endswith("accuracy") else ".3f"
    return line(
        [epoch.epoch for epoch in epochs], [getattr(epoch, name) for epoch in epochs], colour, form, dashed, kept
    )


def line(
    across: Sequence[float],
    values: Sequence[float | None],
    colour: str,
    form: str,
    dashed: bool = False,
    kept: float | None = None,
) -> dict[str, Any]:
    """A bold line with a marker at each point.

    Args:
        across: where the points lie, ascending.
        values: how high; what is missing or no number leaves a gap.
        colour: of line and markers.
        form: of the values on hovering, as d3 writes it: ".1%".
        dashed: with open markers; training is drawn so.
        kept: the point that gets a star.
    """
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(across),
        "y": [number(value) for value in values],
        "line": {"color": colour, "width": 3, "dash": "dash" if dashed else "solid"},
        "marker": {
            "color": colour,
            "symbol": ["star" if x == kept else ("circle-open" if dashed else "circle") for x in across],
            "opacity": 1,
            "size": [16 if x == kept else 7 for x in across],
            "line": {"width": 2 if dashed else 0, "color": colour},
        },
        "hovertemplate": f"%{{y:{form}}}<extra>%{{fullData.name}}</extra>",
    }


def batch_line(across: Sequence[float], values: Sequence[float | None], name: str) -> dict[str, Any]:
    """The thin line of single batches behind the bold ones."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [round(x, 4) for x in across],
        "y": [number(value) for value in values],
        "line": {"color": TRAINING, "width": 1},
        "opacity": 0.45,
        "name": name,
        "uid": "batches",
        "hoverinfo": "skip",
        "showlegend": bool(len(across)),
    }


def layout(title: str, across: str, share: bool = False) -> dict[str, Any]:
    """What all learning curves look like; `share`: the values are 0 to 1 and read as per cent."""
    return {
        "title": {"text": title, "x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "xaxis": {
            "title": {"text": across, "standoff": 6},
            "rangemode": "tozero",
            "zeroline": False,
            "hoverformat": ".2~f",
        },
        "yaxis": {"tickformat": ".0%" if share else None, "zeroline": False},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0, "yanchor": "bottom"},
        "margin": {"l": 48, "r": 12, "t": 48, "b": 76},
    }


def _range(metric: Metric, epochs: Sequence[float | None], batches: Sequence[float | None]) -> list[float]:
    """The value axis: accuracy always 0 to 1, loss as high as it needs."""
    return [0, 1.03] if metric == "accuracy" else height(epochs, batches)


def height(points: Sequence[float | None], batches: Sequence[float | None]) -> list[float]:
    """A value axis from 0 to what holds all points and 95 % of the batches.

    One early batch with a huge loss would otherwise press everything that follows onto the axis.
    """
    spread = sorted(y for y in batches if y is not None)
    highest = [y for y in points if y is not None] + spread[int(0.95 * (len(spread) - 1)) :][:1]
    return [0, 1.1 * max(highest)] if highest and max(highest) > 0 else [0, 2]


def _phase_marks(phases: Sequence[Phase], translate: Callable[[str], str]) -> tuple[list[dict], list[dict]]:
    """A dotted line with a label where each training phase after the first begins; the first is named at its left."""
    starts: list[Phase] = []
    for phase in phases:
        if phase.phase in TRAINING_PHASES and (not starts or starts[-1].phase != phase.phase):
            starts.append(phase)
    if len(starts) < 2:
        return [], []
    shapes, labels = [], []
    for number, phase in enumerate(starts):
        text = translate(PHASE_BEGINS[phase.phase] if number else TRAINING_PHASES[phase.phase])
        labels.append(
            {
                "x": phase.first_epoch,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "xanchor": "left",
                "showarrow": False,
                "text": text,
                "font": {"size": 12},
            }
        )
        if number:
            shapes.append(
                {
                    "type": "line",
                    "x0": phase.first_epoch,
                    "x1": phase.first_epoch,
                    "y0": 0,
                    "y1": 1,
                    "yref": "paper",
                    "line": {"width": 2, "dash": "dot"},
                }
            )
    return shapes, labels


def _epoch_positions(steps: Sequence[int], epochs: Sequence[Epoch], phases: Sequence[Phase]) -> list[float]:
    """Optimizer steps on the epoch axis: epoch e spans e - 1 to e, whatever its number of steps."""
    knots = [(0, 0.0)] + [(epoch.step, float(epoch.epoch)) for epoch in epochs if epoch.step]
    width = next((phase.steps_per_epoch for phase in reversed(phases) if phase.steps_per_epoch), None)
    if not width:
        width = knots[-1][0] - knots[-2][0] if len(knots) > 1 else max(steps, default=1)
    ends = [step for step, _ in knots]
    positions = []
    for step in steps:
        index = bisect_left(ends, step)
        if index == len(knots):
            positions.append(knots[-1][1] + (step - knots[-1][0]) / max(width, 1))
        elif index == 0:
            positions.append(0.0)
        else:
            (low, before), (high, after) = knots[index - 1], knots[index]
            positions.append(before + (after - before) * (step - low) / max(high - low, 1))
    return positions


def position(history: Curves) -> float:
    """How many epochs the run has trained, the current one counted by its batches."""
    epochs = last_of_each(history.epochs)
    steps = [batch.step for batch in forward(history.batches(500))[-1:]]
    trained = float(epochs[-1].epoch) if epochs else 0.0
    return max([trained, *_epoch_positions(steps, epochs, history.phases)])


def last_of_each(epochs: Sequence[Epoch]) -> list[Epoch]:
    """One entry an epoch number, ascending; a resumed run may have trained the same epoch twice: the later counts."""
    return [epoch for _, epoch in sorted({epoch.epoch: epoch for epoch in epochs}.items())]


def forward(batches: Sequence[Batch]) -> list[Batch]:
    """Batches with ascending steps; what a resumed run trained again replaces the first attempt."""
    kept: list[Batch] = []
    for batch in reversed(batches):
        if not kept or batch.step < kept[-1].step:
            kept.append(batch)
    return kept[::-1]


def measured(batches: Sequence[Batch], epochs: Sequence[Epoch]) -> list[Batch]:
    """The batches of those phases that took long enough to be followed batch by batch.

    A run tells of its batches a few times a second at most. A phase whose epochs take less has a few points in all,
    and a line through them would show nothing that happened.
    """
    told, trained = (Counter(event.phase for event in events) for events in (batches, epochs))
    followed = {phase for phase in told if told[phase] >= min(AN_EPOCH * trained[phase], ENOUGH)}
    return [batch for batch in batches if batch.phase in followed]


def number(value: float | None) -> float | None:
    """A finite number with five digits, or None: JSON has no NaN, and Plotly leaves a gap for None."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.5g}")


def reading(history: Curves, classes: int | None = None) -> Message:
    """One sentence that says what the curves show.

    Args:
        history: the run so far.
        classes: number of classes, so that a result no better than guessing can be called that.
    """
    epochs = last_of_each(history.epochs)
    if not epochs:
        return _reading_before_the_first_epoch(history)
    last = epochs[-1]
    if not math.isfinite(last.loss) or (last.val_loss is not None and not math.isfinite(last.val_loss)):
        return message(
            "The loss is no longer a number after epoch {epoch}: the learning rate is too high for these settings.",
            epoch=last.epoch,
        )
    if last.val_accuracy is None:
        return message(
            "Training accuracy is {training} after epoch {epoch}; there are no validation images to compare with.",
            training=percent(last.accuracy),
            epoch=last.epoch,
        )
    return message(
        "Validation accuracy is {validation} after epoch {epoch}; {meaning}",
        validation=percent(last.val_accuracy),
        epoch=last.epoch,
        meaning=_meaning(epochs, classes),
    )


def _reading_before_the_first_epoch(history: Curves) -> Message:
    batches = forward(history.batches(500))
    if not batches:
        return message("The curves begin with the first batch of images.")
    return message(
        "Training loss is {loss} after {steps} steps; the first validation result comes at the end of the epoch.",
        loss=f"{batches[-1].loss:.2f}",
        steps=batches[-1].step,
    )


def _meaning(epochs: Sequence[Epoch], classes: int | None) -> Message:
    last = epochs[-1]
    gap = last.accuracy - last.val_accuracy
    best = min(epochs, key=lambda epoch: math.inf if epoch.val_loss is None else epoch.val_loss)
    points = f"{100 * abs(gap):.0f}"
    if classes and last.val_accuracy < 1.25 / classes and last.accuracy < 1.5 / classes:
        return message("guessing would give {chance}: the network has not learned yet.", chance=percent(1 / classes))
    if gap > MEMORISES and last.epoch - best.epoch >= PATIENCE:
        return message(
            "training accuracy is {points} points higher and validation loss has risen since epoch {best}: "
            "the network memorises the training images.",
            points=points,
            best=best.epoch,
        )
    if gap > MEMORISES:
        return message(
            "training accuracy is {points} points higher: the network begins to memorise the training images.",
            points=points,
        )
    if gap < -MEMORISES:
        return message(
            "training accuracy is {points} points lower, as it is measured while the weights still change, "
            "and with dropout and augmentation if they are on.",
            points=points,
        )
    return message("training accuracy is about the same: what the network learned carries over to new images.")


def description(history: Curves, metric: Metric) -> Message:
    """What a reader who cannot see the chart of one run needs to know of it."""
    epochs = last_of_each(history.epochs)
    name = message("loss") if metric == "loss" else message("accuracy")
    if not epochs:
        return message("Line chart of {metric} over the epochs; no epoch has ended yet.", metric=name)
    shown = percent if metric == "accuracy" else "{:.3f}".format
    first, last = epochs[0], epochs[-1]
    validation = [getattr(epoch, f"val_{metric}") for epoch in (first, last)]
    if None in validation:
        return message(
            "Line chart of {metric} over {n} epochs: training from {first} to {last}.",
            metric=name,
            n=len(epochs),
            first=shown(getattr(first, metric)),
            last=shown(getattr(last, metric)),
        )
    return message(
        "Line chart of {metric} over {n} epochs: training from {first} to {last}, validation from {vfirst} to {vlast}.",
        metric=name,
        n=len(epochs),
        first=shown(getattr(first, metric)),
        last=shown(getattr(last, metric)),
        vfirst=shown(validation[0]),
        vlast=shown(validation[1]),
    )


def percent(share: float) -> str:
    """0.8642 -> "86.4 %"."""
    return f"{100 * share:.1f} %"
