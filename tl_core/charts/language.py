"""Learning curves of language models: loss and perplexity over the steps, of one run or of several, in the same look.

Perplexity is the exponential of the loss: as if the model chose among so many equally likely tokens each time.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from tl_core.charts import curves
from tl_core.charts.curves import PALETTE, TRAINING, VALIDATION, NamedHistory
from tl_core.events import Batch, Epoch, Sample
from tl_core.messages import N_, Message, message

Metric = Literal["loss", "perplexity"]
METRICS: tuple[Metric, ...] = ("loss", "perplexity")
TITLES = {"loss": curves.TITLES["loss"], "perplexity": N_("Perplexity, logarithmic (lower is better)")}
FORMS = {"loss": ".3f", "perplexity": ".1f"}
LEADING = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))  # digits of ticks, the fewest first

BY_HEART = 0.7  # training perplexity below this part of the validation perplexity is called learning by heart
CLOSE = 0.03  # perplexities that differ by less than this part are called about equal


class Told(Protocol):
    """What a chart needs to know of a run; `tl_core.runs.history.History` has it."""

    epochs: Sequence[Epoch]
    samples: Sequence[Sample]

    def batches(self, max_points: int = 500) -> Sequence[Batch]:
        """At most `max_points` batches, evenly thinned."""


def perplexity(loss: float | None) -> float | None:
    """e to the loss; None where there is none."""
    return math.exp(min(loss, 50.0)) if loss is not None and math.isfinite(loss) else None


def base(history: Told) -> float | None:
    """Validation perplexity before the first step; None if it was not measured."""
    return next((sample.perplexity for sample in history.samples if sample.step == 0), None)


def kept(history: Told) -> float | None:
    """Validation perplexity of the round whose weights are kept; None before the first one, or without validation."""
    best = [epoch for epoch in history.epochs if epoch.best]
    return perplexity(best[-1].val_loss) if best else None


def live(history: Told, translate: Callable[[str], str], total: int = 0) -> dict[Metric, dict[str, Any]]:
    """The two figures of one run: training and validation, thin per batch and bold per round.

    Args:
        history: the run so far.
        translate: gettext of the reader's language.
        total: steps that a run asks for while it trains, so that the curves grow into the free space; 0 fits the axis
            to what is there.

    Returns:
        metric -> {"data": traces, "layout": layout}; always three traces each, in the same order.
    """
    _, figures = translate, {}
    batches = curves.measured(curves.forward(history.batches(500)), curves.last_of_each(history.epochs))
    for metric in METRICS:
        noisy = curves.batch_line(
            [batch.step for batch in batches], [_value(batch.loss, metric) for batch in batches], _("Each batch")
        )
        training, validation = _training(history, metric, TRAINING), _validation(history, metric, VALIDATION)
        training |= {"name": _("Training"), "uid": "training"}
        validation |= {"name": _("Validation"), "uid": "validation"}
        drawn = curves.layout(_(TITLES[metric]), _("Step"))
        drawn["yaxis"] |= _axis(metric, training["y"] + validation["y"], noisy["y"])
        drawn["xaxis"]["range"] = [0, 1.02 * max([1, total, *training["x"], *noisy["x"]])]
        figures[metric] = {"data": [noisy, training, validation], "layout": drawn}
    return figures


def several(
    runs: Sequence[NamedHistory], metric: Metric, translate: Callable[[str], str], training: bool = True
) -> dict[str, Any]:
    """One figure with several runs laid over each other, without a legend: validation solid, training dashed."""
    _, traces = translate, []
    for index, named in enumerate(runs):
        colour = named.colour or PALETTE[index % len(PALETTE)]
        if training:
            line = _training(named.history, metric, colour)
            name = _("{run}, training").format(run=curves.literal(named.name))
            traces.append({**line, "name": name, "uid": f"{index}-training", "opacity": 0.75})
        line = _validation(named.history, metric, colour)
        name = curves.literal(named.name)
        name = _("{run}, validation").format(run=name) if training else name
        traces.append({**line, "name": name, "uid": f"{index}-validation"})
    drawn = curves.layout(_(TITLES[metric]), _("Step"))
    drawn["yaxis"] |= _axis(metric, [y for trace in traces for y in trace["y"]], [])
    return {"data": traces, "layout": curves.laid_over(drawn, len(traces), legend=False)}


def reading(history: Told) -> Message:
    """One sentence that says what the curves show."""
    epochs = curves.last_of_each(history.epochs)
    if not epochs:
        batches = curves.forward(history.batches(500))
        if not batches:
            return message("The curves begin with the first step.")
        return message(
            "Training perplexity is {perplexity} after {step} steps; validation follows at the end of the round.",
            perplexity=_shown(perplexity(batches[-1].loss)),
            step=batches[-1].step,
        )
    last, before = epochs[-1], base(history)
    if not math.isfinite(last.loss) or (last.val_loss is not None and not math.isfinite(last.val_loss)):
        return message(
            "The loss is no longer a number after {step} steps: the learning rate is too high for these settings.",
            step=last.step,
        )
    if last.val_loss is None:
        return message(
            "Training perplexity is {perplexity} after {step} steps; there is no validation text to compare with.",
            perplexity=_shown(perplexity(last.loss)),
            step=last.step,
        )
    if before is None:
        return message(
            "Validation perplexity is {now} after {step} steps; {meaning}",
            now=_shown(perplexity(last.val_loss)),
            step=last.step,
            meaning=_meaning(epochs),
        )
    best = next((epoch for epoch in reversed(epochs) if epoch.best and epoch.val_loss is not None), last)
    if best.step != last.step:
        return message(
            "Validation perplexity went from {before} to {low} in {best} steps, whose weights are kept, and to {now} "
            "in {step}; {meaning}",
            before=_shown(before),
            low=_shown(perplexity(best.val_loss)),
            best=best.step,
            now=_shown(perplexity(last.val_loss)),
            step=last.step,
            meaning=_meaning(epochs),
        )
    return message(
        "Validation perplexity went from {before} to {now} in {step} steps; {meaning}",
        before=_shown(before),
        now=_shown(perplexity(last.val_loss)),
        step=last.step,
        meaning=_meaning(epochs),
    )


def description(history: Told, metric: Metric) -> Message:
    """What a reader who cannot see the chart of one run needs to know of it."""
    epochs = curves.last_of_each(history.epochs)
    name = _named(metric)
    if not epochs:
        return message("Line chart of {metric} over the steps; no round has ended yet.", metric=name)
    losses = [epochs[0].loss, epochs[-1].loss, epochs[0].val_loss, epochs[-1].val_loss]
    first, last, vfirst, vlast = (_shown(_value(loss, metric), metric) for loss in losses)
    return message(
        "Line chart of {metric} over {n} steps: training from {first} to {last}, validation from {vfirst} to {vlast}.",
        metric=name,
        n=epochs[-1].step,
        first=first,
        last=last,
        vfirst=vfirst,
        vlast=vlast,
    )


def several_reading(runs: Sequence[NamedHistory]) -> Message:
    """One sentence under the curves of several runs."""
    known = sorted((reached, run.name) for run in runs if (reached := kept(run.history)) is not None)
    if not known:
        return message("None of these runs has a validation result yet.")
    (low, best), (high, worst) = known[0], known[-1]
    if len(known) == 1:
        return message("{best} reaches a validation perplexity of {low}.", best=best, low=_shown(low))
    if high - low < CLOSE * high:
        return message(
            "All of these runs reach about the same validation perplexity, {low} to {high}.",
            low=_shown(low),
            high=_shown(high),
        )
    return message(
        "{best} reaches the lowest validation perplexity, {low}; {worst} stays at {high}.",
        best=best,
        low=_shown(low),
        worst=worst,
        high=_shown(high),
    )


def several_description(runs: Sequence[NamedHistory], metric: Metric) -> Message:
    """What a reader who cannot see the chart of several runs needs to know of it."""
    return message(
        "Line chart of {metric} over the steps, one colour a run: {runs}. {reading}",
        metric=_named(metric),
        runs=[run.name for run in runs],
        reading=several_reading(runs),
    )


def _meaning(epochs: Sequence[Epoch]) -> Message:
    """How training and validation stand to each other."""
    last = epochs[-1]
    best = min((epoch for epoch in epochs if epoch.val_loss is not None), key=lambda epoch: epoch.val_loss)
    training, validation = perplexity(last.loss), perplexity(last.val_loss)
    if last.epoch - best.epoch >= curves.PATIENCE and validation > (1 + CLOSE) * perplexity(best.val_loss):
        return message(
            "it has risen since step {step}, training perplexity is {training}: the model learns the text by heart.",
            step=best.step,
            training=_shown(training),
        )
    if training < BY_HEART * validation:
        return message(
            "training perplexity is {training}, much lower: the model begins to learn the text by heart.",
            training=_shown(training),
        )
    return message(
        "training perplexity is {training}: what it learns carries over to text it has not seen.",
        training=_shown(training),
    )


def _training(history: Told, metric: Metric, colour: str) -> dict[str, Any]:
    epochs = curves.last_of_each(history.epochs)
    values = [_value(epoch.loss, metric) for epoch in epochs]
    return curves.line([epoch.step for epoch in epochs], values, colour, FORMS[metric], dashed=True)


def _validation(history: Told, metric: Metric, colour: str) -> dict[str, Any]:
    """The base model's value at step 0, then one at the end of each round."""
    epochs, before = curves.last_of_each(history.epochs), base(history)
    steps, losses = [epoch.step for epoch in epochs], [epoch.val_loss for epoch in epochs]
    if before is not None:
        steps, losses = [0, *steps], [math.log(before), *losses]
    star = max((epoch.step for epoch in epochs if epoch.best), default=None)
    return curves.line(steps, [_value(loss, metric) for loss in losses], colour, FORMS[metric], kept=star)


def _axis(metric: Metric, points: Sequence[float | None], batches: Sequence[float | None]) -> dict[str, Any]:
    """The value axis. Perplexity is e to the loss, so its axis is logarithmic: equal distances are equal losses, and a
    rise of a few points at the end is seen beside the hundreds of the beginning.
    """
    if metric == "loss":
        return {"range": curves.height(points, batches)}
    spread = sorted(y for y in batches if y is not None)
    lowest = [y for y in points if y is not None] + spread[int(0.05 * len(spread)) :][:1]
    most = curves.height(points, batches)[1] if lowest else 100.0
    least = min(lowest) if len(lowest) > 1 else 1.0  # the base model's value alone does not say how far it will fall
    margin = 0.05 * math.log10(most / least)
    low, high = math.log10(least) - margin, math.log10(most) + margin
    return {"type": "log", "range": [low, high], "tickvals": ticks(10**low, 10**high)}


def ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis from `low` to `high`, both above 0: four to eight, as evenly as may be."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    for leading in LEADING:
        found = [number for ten in decades for lead in leading if low <= (number := _round(lead * 10.0**ten)) <= high]
        if len(found) >= 4:
            return found[:: math.ceil(len(found) / 8)]
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= max(lead for lead in (1, 2, 5) if lead * step <= (high - low) / 4)
    return [_round(step * n) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def _value(loss: float | None, metric: Metric) -> float | None:
    return perplexity(loss) if metric == "perplexity" else loss


def _named(metric: Metric) -> Message:
    return message("perplexity") if metric == "perplexity" else message("loss")


def _shown(value: float | None, metric: Metric = "perplexity") -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if metric == "perplexity" else f"{value:.3f}"
