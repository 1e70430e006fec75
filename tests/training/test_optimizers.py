"""The optimizer of a phase: every algorithm, both schedules, and what mixed precision needs."""

import keras
import numpy as np
import pytest

from tl_core.tasks.text_generation.config import PhaseConfig
from tl_core.training import optimizers, precision
from tl_core.training.optimizers import OPTIMIZERS
from tl_core.training.options import warm_up


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_every_choice_takes_a_step_downhill(name, schedule):
    weight = keras.Variable(np.ones(3, "float32"), name="kernel")
    phase = PhaseConfig(learning_rate=0.1, optimizer=name, schedule=schedule)
    optimizer = optimizers.built(phase, [weight], 100)
    optimizer.apply([2 * weight.value], [weight])
    assert (weight.numpy() < 1).all()


@pytest.mark.parametrize("steps", [1, 30, 400])
def test_a_cosine_rises_shortly_and_falls_to_a_tenth(steps):
    rate = optimizers.rate("cosine", 0.5, steps)
    values = [float(rate(step)) for step in range(steps + 1)]
    top = warm_up(steps)
    assert values[0] == pytest.approx(0.05)
    assert values[top] == max(values) == pytest.approx(0.5)
    if steps > top:
        assert values[-1] == pytest.approx(0.05)
    assert optimizers.rate("constant", 0.5, steps) == 0.5


def test_weight_decay_leaves_biases_and_gains_alone():
    kernel, bias = (keras.Variable(np.ones(3, "float32"), name=name) for name in ("kernel", "bias"))
    phase = PhaseConfig(learning_rate=0.1, optimizer="adamw", schedule="constant")
    optimizer = optimizers.built(phase, [kernel, bias], 100, weight_decay=0.5)
    optimizer.apply([np.zeros(3, "float32"), np.zeros(3, "float32")], [kernel, bias])
    assert kernel.numpy() == pytest.approx(0.95) and bias.numpy() == pytest.approx(1.0)


def test_float16_alone_gets_a_scaled_loss():
    weight = keras.Variable(np.ones(3, "float32"))
    for policy, scaled in (("float32", False), ("mixed_bfloat16", False), ("mixed_float16", True)):
        with precision.policy(policy):
            optimizer = optimizers.built(PhaseConfig(), [weight], 10)
        assert (float(optimizer.scale_loss(1.0)) > 1) == scaled
