"""Lines of the scripts that are handed out: the optimizer of a phase, in the words of Keras.

What `optimizers` builds, this writes; nothing here imports TensorFlow.
"""

from typing import Protocol

from tl_core.training.options import AT_LAST, Optimizer, Schedule, warm_up

OPTIMIZERS: dict[Optimizer, str] = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}


class Phase(Protocol):
    """What a phase's settings say, in every task."""

    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def schedule(self) -> Schedule: ...


def optimizer(phase: Phase, steps: int, **options: float) -> list[str]:
    """Lines that make `optimizer`, as `optimizers.built` makes it.

    Args:
        phase: its settings.
        steps: that the phase takes at most.
        options: of the Keras class: `weight_decay`, `global_clipnorm`, ...
    """
    lines, rate = [], repr(float(phase.learning_rate))
    if phase.schedule == "cosine":
        rising = warm_up(steps)
        lines += [
            "rate = keras.optimizers.schedules.CosineDecay(  # a short rise, then a cosine down to a tenth",
            f"    {AT_LAST * phase.learning_rate:g}, {max(1, steps - rising)}, alpha={AT_LAST:g}, "
            f"warmup_target={phase.learning_rate:g}, warmup_steps={rising})",
        ]
        rate = "rate"
    named = "".join(f", {name}={value}" for name, value in options.items())
    lines.append(f"optimizer = keras.optimizers.{OPTIMIZERS[phase.optimizer]}({rate}{named})")
    if options.get("weight_decay"):
        lines.append('optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])')
    return lines
