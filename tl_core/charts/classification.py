"""What the learning curves of a classification say: has it learned, does it memorise, does it carry over."""

from collections.abc import Sequence

from tl_core.base.events import Epoch
from tl_core.base.messages import Message, message
from tl_core.base.metrics import METRICS as ROWS
from tl_core.base.metrics import percent, value
from tl_core.charts import curves
from tl_core.charts.curves import Curves

METRICS = ("loss", "accuracy")  # a chart each

MEMORISES = 0.05  # training accuracy this much above validation accuracy is called memorising


def reading(history: Curves, classes: int | None = None, examples: Message | None = None) -> Message:
    """One sentence that says what the curves show.

    Args:
        history: the run so far.
        classes: number of classes, so that a result no better than guessing can be called that.
        examples: what is classified; by default "images".
    """
    examples = examples or message("images")
    epochs = [epoch for epoch in curves.last_of_each(history.epochs) if {"loss", "accuracy"} <= epoch.metrics.keys()]
    if not epochs:
        return _before_the_first_epoch(history, examples)
    last = epochs[-1]
    if curves.diverged(last):
        return message(
            "The loss is no longer a number after epoch {epoch}: the learning rate is too high for these settings.",
            epoch=last.epoch,
        )
    validation = value(last.metrics, "val_accuracy")
    if validation is None:
        return message(
            "Training accuracy is {training} after epoch {epoch}; there are no validation {examples} to compare with.",
            training=ROWS["accuracy"].shown(last.metrics["accuracy"]),
            epoch=last.epoch,
            examples=examples,
        )
    return message(
        "Validation accuracy is {validation} after epoch {epoch}; {meaning}",
        validation=percent(validation),
        epoch=last.epoch,
        meaning=_meaning(epochs, last.metrics["accuracy"], validation, classes, examples),
    )


def _before_the_first_epoch(history: Curves, examples: Message) -> Message:
    batches = [batch for batch in curves.forward(history.batches(500)) if "loss" in batch.metrics]
    if not batches:
        return message("The curves begin with the first batch of {examples}.", examples=examples)
    return message(
        "Training loss is {loss} after {steps} steps; the first validation result comes at the end of the epoch.",
        loss=f"{batches[-1].metrics['loss']:.2f}",
        steps=batches[-1].step,
    )


def _meaning(
    epochs: Sequence[Epoch], training: float, validation: float, classes: int | None, examples: Message
) -> Message:
    """How training and validation accuracy of the last of the epochs stand to each other."""
    best = curves.lowest(epochs)
    gap, late = training - validation, epochs[-1].epoch - best.epoch >= curves.PATIENCE
    points = f"{100 * abs(gap):.0f}"
    if classes and validation < 1.25 / classes and training < 1.5 / classes:
        return message("guessing would give {chance}: the network has not learned yet.", chance=percent(1 / classes))
    if gap > MEMORISES and late:
        return message(
            "training accuracy is {points} points higher and validation loss has risen since epoch {best}: "
            "the network memorises the training {examples}.",
            points=points,
            best=best.epoch,
            examples=examples,
        )
    if gap > MEMORISES:
        return message(
            "training accuracy is {points} points higher: the network begins to memorise the training {examples}.",
            points=points,
            examples=examples,
        )
    if gap < -MEMORISES:
        return message(
            "training accuracy is {points} points lower, as it is measured while the weights still change, "
            "and with dropout and augmentation if they are on.",
            points=points,
        )
    return message(
        "training accuracy is about the same: what the network learned carries over to new {examples}.",
        examples=examples,
    )
