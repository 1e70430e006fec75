"""Learning curves: any metrics of one run while it trains, or of several runs laid over each other.

Histories in, Plotly figures (plain dictionaries) and sentences out; no I/O, no Streamlit. A figure's traces keep their
number, order and `uid` from the first point to the last, so that a chart can be updated in place. Beside each metric of
training its twin of validation is drawn. The x-axis counts epochs or, where these have no meaning of their own, steps.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tl_core.base.events import Artifact, Batch, Epoch, Phase
from tl_core.base.messages import N_, Message, message
from tl_core.base.metrics import VALIDATION as VAL
from tl_core.base.metrics import Metric, metric, value
from tl_core.charts import style
from tl_core.charts.style import PALETTE, TRAINING, VALIDATION

Across = Literal["epoch", "step"]  # what the x-axis counts, by the name of an event's field
Figure = dict[str, Any]

AXES: dict[Across, str] = {"epoch": N_("Epoch"), "step": N_("Step")}
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

AHEAD = 20  # epochs that the axis of a run shows at least, if it asks for so many
PATIENCE = 2  # epochs without a better validation loss before a sentence says so
AN_EPOCH = 2  # measurements of batches in each epoch, on average, below which they are left out
ENOUGH = 100  # measurements that are always drawn: `batches` thins what long runs have


class Curves(Protocol):
    """What a chart needs to know of a run; `tl_core.runs.history.History` has it."""

    @property
    def epochs(self) -> Sequence[Epoch]:
        """In order."""

    @property
    def phases(self) -> Sequence[Phase]:
        """In order."""

    @property
    def artifacts(self) -> Sequence[Artifact]:
        """What the run made on its way, in order."""

    def batches(self, max_points: int = 500) -> Sequence[Batch]:
        """At most `max_points` batches, evenly thinned."""


@dataclass(frozen=True)
class NamedHistory:
    """A run in a chart of several: what the legend calls it, its curves, and its colour ("" takes the palette's).

    `before` holds what was measured before training ("val_loss"): the curves begin there.
    """

    name: str
    history: Curves
    colour: str = ""
    before: Mapping[str, float] = field(default_factory=dict)


def live(
    history: Curves,
    metrics: Sequence[str],
    translate: Callable[[str], str],
    total: int = 0,
    across: Across = "epoch",
    before: Mapping[str, float] | None = None,
) -> dict[str, Figure]:
    """The figures of one run: training and validation, thin per batch and bold per epoch, phases marked.

    Args:
        history: the run so far.
        metrics: keys of `tl_core.base.metrics.METRICS`, a figure each.
        translate: gettext of the reader's language.
        total: epochs (or steps) that a run asks for while it trains, so that the curves grow into the free space; 0
            fits the axis to what is there.
        across: what the x-axis counts.
        before: metrics before training by their names ("val_loss"); the curves begin with them.

    Returns:
        metric -> {"data": traces, "layout": layout}; always three traces each, in the same order.
    """
    return {key: _single(history, metric(key), translate, total, across, before or {}) for key in metrics}


def several(
    histories: Sequence[NamedHistory],
    key: str,
    translate: Callable[[str], str],
    training: bool = True,
    legend: bool = True,
    across: Across = "epoch",
) -> Figure:
    """One figure with several runs laid over each other, one colour each: validation solid, training dashed.

    Args:
        histories: the runs, in the order of the legend.
        key: the metric that is drawn.
        translate: gettext of the reader's language.
        training: draw the training curves too.
        legend: name the runs in the chart; False where a table beside it does.
        across: what the x-axis counts.
    """
    _, row, traces = translate, metric(key), []
    for index, named in enumerate(histories):
        colour, name = named.colour or PALETTE[index % len(PALETTE)], style.literal(named.name)
        epochs = last_of_each(named.history.epochs)
        if training:
            line = _line(epochs, row, "", colour, across, named.before)
            name_of_it = _("{run}, training").format(run=name)
            traces.append({**line, "name": name_of_it, "uid": f"{index}-training", "opacity": 0.75})
            name = _("{run}, validation").format(run=name)
        line = _line(epochs, row, VAL, colour, across, named.before)
        traces.append({**line, "name": name, "uid": f"{index}-validation"})
    drawn = style.layout(style.title(row).translated(translate), _(AXES[across]))
    drawn["yaxis"] |= style.axis(row, [y for trace in traces for y in trace["y"]], [])
    return {"data": traces, "layout": style.laid_over(drawn, len(traces), legend)}


def description(history: Curves, key: str, across: Across = "epoch") -> Message:
    """What a reader who cannot see the chart of one run needs to know of it."""
    epochs, row = last_of_each(history.epochs), metric(key)
    if not epochs:
        if across == "step":
            return message("Line chart of {metric} over the steps; no round has ended yet.", metric=row.noun)
        return message("Line chart of {metric} over the epochs; no epoch has ended yet.", metric=row.noun)
    ends = [value(epoch.metrics, name) for name in (key, VAL + key) for epoch in (epochs[0], epochs[-1])]
    first, last, vfirst, vlast = map(row.shown, ends)
    length = _length(epochs, across)
    if None in ends[2:]:
        return message(
            "Line chart of {metric} over {length}: training from {first} to {last}.",
            metric=row.noun, length=length, first=first, last=last,
        )  # fmt: skip
    return message(
        "Line chart of {metric} over {length}: training from {first} to {last}, validation from {vfirst} to {vlast}.",
        metric=row.noun, length=length, first=first, last=last, vfirst=vfirst, vlast=vlast,
    )  # fmt: skip


def diverged(epoch: Epoch) -> bool:
    """Whether a loss of it is no number any more."""
    losses = (epoch.metrics.get(name, 0.0) for name in ("loss", "val_loss"))
    return not all(map(math.isfinite, losses))


def lowest(epochs: Sequence[Epoch]) -> Epoch:
    """The epoch with the lowest validation loss; the first where there is none."""
    return min(epochs, key=lambda epoch: _or_infinite(epoch.metrics.get("val_loss", math.inf)))


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


def _single(
    history: Curves,
    row: Metric,
    translate: Callable[[str], str],
    total: int,
    across: Across,
    before: Mapping[str, float],
) -> Figure:
    _, epochs = translate, last_of_each(history.epochs)
    batches = measured(forward(history.batches(500)), epochs)
    steps = [batch.step for batch in batches]
    noisy = style.batch_line(
        _epoch_positions(steps, epochs, history.phases) if across == "epoch" else steps,
        [value(batch.metrics, row.key) for batch in batches],
        _("Each batch"),
    )
    training = _line(epochs, row, "", TRAINING, across, before) | {"name": _("Training"), "uid": "training"}
    validation = _line(epochs, row, VAL, VALIDATION, across, before) | {"name": _("Validation"), "uid": "validation"}
    drawn = style.layout(style.title(row).translated(translate), _(AXES[across]))
    drawn["yaxis"] |= style.axis(row, training["y"] + validation["y"], noisy["y"])
    end = max([1, *training["x"], *noisy["x"]])
    if total and across == "epoch":
        # A long run's axis doubles when it is full, so that the first epochs do not huddle in a corner.
        total = min(total, max(AHEAD, 2 * len(epochs)))
    drawn["xaxis"]["range"] = [0, 1.02 * max(end, total)]
    drawn["shapes"], drawn["annotations"] = _phase_marks(history.phases, epochs, translate, across)
    return {"data": [noisy, training, validation], "layout": drawn}


def _line(
    epochs: Sequence[Epoch], row: Metric, of: Literal["", "val_"], colour: str, across: Across, before: Mapping
) -> dict[str, Any]:
    """One metric over the epochs, of training dashed; of validation the epoch whose weights are kept gets a star."""
    points = [(getattr(epoch, across), value(epoch.metrics, of + row.key)) for epoch in epochs]
    if (first := value(before, of + row.key)) is not None:
        points.insert(0, (0, first))
    kept = max((getattr(epoch, across) for epoch in epochs if epoch.best), default=None) if of else None
    return style.line([x for x, _ in points], [y for _, y in points], colour, row.form, dashed=not of, kept=kept)


def _or_infinite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _length(epochs: Sequence[Epoch], across: Across) -> Message:
    if across == "step":
        return message("{n} steps", n=epochs[-1].step)
    return message("{n} epochs", n=len(epochs))


def _phase_marks(
    phases: Sequence[Phase], epochs: Sequence[Epoch], translate: Callable[[str], str], across: Across
) -> tuple[list[dict], list[dict]]:
    """A dotted line with a label where each training phase after the first begins; the first is named at its left."""
    starts: list[Phase] = []
    for phase in phases:
        if phase.phase in TRAINING_PHASES and (not starts or starts[-1].phase != phase.phase):
            starts.append(phase)
    if len(starts) < 2:
        return [], []
    shapes, labels = [], []
    for number, phase in enumerate(starts):
        at = phase.first_epoch
        if across == "step":
            at = max((epoch.step for epoch in epochs if epoch.epoch <= phase.first_epoch), default=0)
        text = translate(PHASE_BEGINS[phase.phase] if number else TRAINING_PHASES[phase.phase])
        labels.append(style.mark_label(at, text))
        if number:
            shapes.append(style.mark(at))
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
