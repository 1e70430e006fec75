"""The optimizer of a phase: its algorithm, how its learning rate goes, and what mixed precision needs."""

from typing import Any, Protocol

import keras

from tl_core.training import precision
from tl_core.training.options import AT_LAST, Optimizer, Schedule, warm_up

OPTIMIZERS = {
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
}


class Phase(Protocol):
    """What a phase's settings say, in every task."""

    @property
    def optimizer(self) -> Optimizer:
        """Its algorithm."""

    @property
    def learning_rate(self) -> float:
        """The largest one on its way."""

    @property
    def schedule(self) -> Schedule:
        """How the rate goes."""


def built(phase: Phase, variables: list[keras.Variable], steps: int, **options: Any) -> keras.optimizers.Optimizer:
    """The optimizer that a phase asks for, built for the variables that it trains.

    Args:
        phase: its settings.
        variables: in their order.
        steps: that the phase takes at most.
        options: of the Keras class: `weight_decay`, `global_clipnorm`, ...

    Returns:
        With a loss scale where the dtype policy in force needs one; `scale_loss` is to be called in any case.
    """
    optimizer = OPTIMIZERS[phase.optimizer](rate(phase.schedule, phase.learning_rate, steps), **options)
    if options.get("weight_decay"):
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if precision.scales_loss():
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def rate(
    schedule: Schedule, learning_rate: float, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate over a phase: constant, or a short rise and then a cosine down to a tenth (Loshchilov & Hutter
    2017, https://arxiv.org/abs/1608.03983)."""
    if schedule == "constant":
        return learning_rate
    rising = warm_up(steps)
    return keras.optimizers.schedules.CosineDecay(
        AT_LAST * learning_rate,
        max(1, steps - rising),
        alpha=AT_LAST,
        warmup_target=learning_rate,
        warmup_steps=rising,
    )
