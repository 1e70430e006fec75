"""The settings that trainings of all tasks have, declared once; what differs between tasks is passed in."""

from typing import Any

from tl_core.base.messages import Message, message
from tl_core.base.settings import named, rate, setting

OPTIMIZERS = {
    "rmsprop": named("RMSprop"),
    "adam": named("Adam"),
    "adamw": named("AdamW"),
    "sgd": named("SGD"),
}
SCHEDULES = {"constant": message("Constant"), "cosine": message("Falling (cosine)")}
PRECISIONS = {
    "auto": message("Automatic"),
    "float32": named("float32"),
    "mixed_bfloat16": named("mixed bfloat16"),
    "mixed_float16": named("mixed float16"),
}
RATES = tuple(float(f"{digit}e-{power}") for power in range(6, 0, -1) for digit in (1, 2, 5))


def frozen_blocks(default: Any) -> Any:
    """The freeze boundary as one number; -1 is all. Its widget is a drawing of the network."""
    return setting(
        default,
        key="frozen",
        label=message("Frozen blocks"),
        term=message("frozen blocks"),
        group="freezing",
        low=-1,
        high=1000,
        told=lambda value: message("all") if value < 0 else str(value),
    )


def learning_rate(default: float, high: float, help: Message, offered: tuple[float, ...] = RATES) -> Any:
    """The learning rate of a phase."""
    return setting(
        default,
        key="rate",
        label=message("Learning rate"),
        term=message("learning rate"),
        group="training",
        shown="stops",
        low=1e-8,
        high=high,
        offered=offered,
        told=rate,
        help=help,
    )


def optimizer(default: str) -> Any:
    """The optimizer of a phase."""
    return setting(
        default,
        key="optimizer",
        label=message("Optimizer"),
        term=message("optimizer"),
        group="training",
        shown="select",
        choices=OPTIMIZERS,
        help=message("The rule that turns gradients into steps. Adam is a safe choice."),
    )


def schedule(default: str) -> Any:
    """How the learning rate changes within a phase."""
    return setting(
        default,
        key="schedule",
        label=message("Course of the rate"),
        term=message("learning rate schedule"),
        group="training",
        shown="select",
        choices=SCHEDULES,
        help=message(
            "Constant keeps the learning rate. Falling: it rises for a few steps, then falls along a cosine to a "
            "tenth, so that the last steps are the finest."
        ),
    )


def early_stopping(help: Message) -> Any:
    """Validations without progress before a phase ends; 0 is off."""
    return setting(
        0,
        key="early",
        label=message("Early stopping"),
        term=message("early stopping"),
        group="advanced",
        shown="number",
        low=0,
        high=1000,
        offered=(0, 100),
        off=message("no"),
        help=help,
    )


def precision() -> Any:
    """The number format of the computation; what is fast differs between computers, so no link carries it."""
    return setting(
        "auto",
        key="precision",
        label=message("Number format"),
        term=message("precision"),
        group="advanced",
        shown="select",
        choices=PRECISIONS,
        shared=False,
        help=message("Automatic uses half the bits where this computer is faster that way."),
    )


def cache() -> Any:
    """Whether activations at the freeze boundary are kept."""
    return setting(
        True,
        key="cache",
        label=message("Compute frozen blocks only once"),
        term=message("activation cache"),
        group="advanced",
        shown="toggle",
        shared=False,
        help=message("What does not change is computed once and kept (activation cache). Off is the plain, slow way."),
    )


def seed(key: str, label: Message, term: Message, help: Message, **changes: Any) -> Any:
    """A number from which everything random is drawn."""
    described = {"group": "advanced", "shown": "number", "low": 0, "high": 2**31 - 1, "offered": (0, 9999), "told": str}
    return setting(0, key=key, label=label, term=term, help=help, **{**described, **changes})
