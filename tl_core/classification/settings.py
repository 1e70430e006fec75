"""The settings that all classifiers have, declared once; what differs between what is classified is passed in."""

from typing import Any

from tl_core.base import settings
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.base.settings import in_range, setting
from tl_core.training import settings as training


def epochs(help: Message) -> Any:
    """How often a phase goes over the training examples."""
    return setting(
        key="epochs",
        label=message("Epochs"),
        term=message("epochs"),
        group="training",
        shown="number",
        low=1,
        high=1000,
        summed=True,
        help=help,
    )


def learning_rate() -> Any:
    """The learning rate of a phase."""
    return training.learning_rate(
        1e-3,
        high=10,
        help=message("How far each step moves the weights. A new head takes large steps, fine-tuning small ones."),
    )


def units(default: int) -> Any:
    """Width of the head's hidden relu layer; 0 leaves it out."""
    return setting(
        default,
        key="units",
        label=message("Hidden units"),
        term=message("hidden units"),
        group="head",
        shown="stops",
        low=0,
        high=8192,
        offered=(0, 32, 64, 128, 256, 512, 1024),
        help=message("Width of the layer before the classifier; 0 leaves it out."),
    )


def head_dropout(default: float, key: str, label: Message, help: Message) -> Any:
    """Rate of the dropout before the classifier, 0 to <1."""
    return setting(
        default,
        key=key,
        label=label,
        term=message("dropout"),
        group="head",
        shown="slider",
        low=0,
        high=0.95,
        offered=(0, 0.9),
        step=0.05,
        help=help,
    )


def batch_size(offered: tuple[int, ...], help: Message) -> Any:
    """Examples in each step."""
    return setting(
        32,
        key="batch",
        label=message("Batch size"),
        term=message("batch size"),
        group="advanced",
        shown="stops",
        low=1,
        high=1024,
        offered=offered,
        help=help,
    )


def early_stopping() -> Any:
    """Epochs without a better validation loss before a phase ends; 0 is off."""
    return training.early_stopping(
        message("A phase ends after so many epochs without a lower validation loss; 0 trains to the end.")
    )


def label_smoothing() -> Any:
    """Share of each label that is spread over all classes while training, 0 to 0.5."""
    return setting(
        0.0,
        key="smoothing",
        label=message("Label smoothing"),
        term=message("label smoothing"),
        group="data",
        shown="slider",
        low=0,
        high=0.5,
        step=0.05,
        off=message("no"),
        help=message(
            "So much of each label is spread over all classes in training: the network grows less sure of itself."
        ),
    )


def class_weights() -> Any:
    """Whether the loss is weighted by inverse class frequency."""
    return setting(
        False,
        key="class_weights",
        label=message("Balance the classes"),
        term=message("class weights"),
        group="data",
        shown="toggle",
        help=message("Errors on rare classes count for more (class weights)."),
    )


def seed() -> Any:
    """A number from which start and order are drawn."""
    return training.seed(
        "seed",
        message("Seed of the training"),
        message("seed"),
        message("The same number gives the same start and order, and on a CPU the same curve."),
    )


def validate(config: Any) -> None:
    """Check every value of a classifier's config that needs neither the examples nor the network.

    Args:
        config: has `phases`, and `data` with the fractions `validation` and `test`.

    Raises:
        UserError: names the setting, its value and the allowed range.
    """
    if not config.phases:
        raise UserError(
            message("The experiment has no training phase."), message("Add at least one phase with one epoch.")
        )
    settings.validate(config)
    held = config.data.validation + config.data.test
    in_range(message("validation and test fractions together"), held, 0, 0.9)
