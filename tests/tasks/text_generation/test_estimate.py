"""The time of a fine-tuning: counted from what it does, at the rate of earlier runs or of a short measurement."""

from dataclasses import replace

import numpy as np
import pytest

from tl_core.base.events import Epoch, Started
from tl_core.tasks.text_generation import estimate
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.pretrained.registry import CHECKPOINTS

TALES = CHECKPOINTS["tales"].shape
GPT2 = CHECKPOINTS["gpt2"].shape
CONFIG = TextConfig("x")
DISTIL = replace(CONFIG, batch_size=4, context=64).with_phase(frozen_blocks=5)
# Seconds of processor time that a step took beside many other programs, on an Intel Xeon that multiplies 85e9 numbers a
# second in one core (NumPy, 1,024 by 256 by 1,024).
STEPS = {
    "all": (CONFIG, "tales", 0.556),
    "frozen": (CONFIG.with_phase(frozen_blocks=3), "tales", 0.287),
    "LoRA": (replace(CONFIG, lora_rank=8).with_phase(frozen_blocks=1), "tales", 0.380),
    "small batch": (replace(CONFIG, batch_size=2, context=64), "tales", 0.163),
    "wider": (DISTIL, "distilgpt2", 0.900),
}


@pytest.mark.parametrize(("config", "model", "measured"), STEPS.values(), ids=STEPS)
def test_a_step_takes_what_was_measured(config: TextConfig, model: str, measured: float):
    def total(steps: int) -> float:
        asked = replace(config, evaluate_every=10**5, sample_every=10**6).with_phase(steps=steps)
        return estimate.seconds(asked, CHECKPOINTS[model].shape, 85e9 / estimate.PARALLEL, 128, 0)

    assert (total(2001) - total(1)) / 2000 == pytest.approx(measured, rel=0.3)


def test_everything_that_takes_time_is_counted():
    rate, tokens = 1.7e11, (40_000, 4_000)
    usual = estimate.seconds(CONFIG, TALES, rate, *tokens)
    assert estimate.seconds(replace(CONFIG, evaluate_every=5), TALES, rate, *tokens) > 1.2 * usual
    assert estimate.seconds(CONFIG, TALES, rate, 40_000, 0) < estimate.seconds(CONFIG, TALES, rate) > usual
    often = replace(CONFIG, sample_every=1, sample_length=512)
    assert estimate.seconds(often, TALES, rate, *tokens) > 2 * usual
    assert estimate.seconds(replace(CONFIG, cache=False).with_phase(frozen_blocks=4), TALES, rate, *tokens) > 1.2 * (
        estimate.seconds(CONFIG.with_phase(frozen_blocks=4), TALES, rate, *tokens)
    )
    assert estimate.seconds(CONFIG, GPT2, rate, *tokens) > 10 * usual
    halves = [estimate.seconds(CONFIG.with_phase(steps=10**5), TALES, r, *tokens) for r in (rate, rate / 2)]
    assert halves[1] == pytest.approx(2 * halves[0], rel=0.02)


def test_what_a_run_did_on_this_machine_is_what_the_next_one_takes():
    log = [
        Started(host="here"),
        *(Epoch(seconds=25 * 1.3, rate=1024 / each) for each in (9.0, 1.3, 1.3)),  # the first compiles
    ]
    done = estimate.sample(CONFIG, TALES, log, "here")
    asked = replace(CONFIG, evaluate_every=3000, sample_every=10**6).with_phase(steps=3000)
    assert estimate.seconds(asked, TALES, done.rate, 10**6, 0) == pytest.approx(3000 * 1.3, rel=0.05)
    assert estimate.sample(CONFIG, TALES, log, "elsewhere") is None
    assert estimate.sample(CONFIG, TALES, log[:1], "here") is None
    other = estimate.Sample("gpt2", 1e9)
    assert estimate.rate_of([other, done], "tales") == done.rate
    assert estimate.rate_of([other], "tales") == 1e9
    assert estimate.rate_of([], "tales") is None


def test_the_short_measurement_is_of_a_real_product(tl_home, monkeypatch: pytest.MonkeyPatch):
    asked = []
    original = np.matmul
    monkeypatch.setattr(np, "matmul", lambda a, b, out: asked.append((a.shape, b.shape)) or original(a, b, out=out))
    clock = iter(range(1000))
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: float(next(clock)))  # a second between looks
    rate = estimate.multiplied(replace(CONFIG, batch_size=2, context=9999), TALES)
    assert set(asked) == {((512, 256), (256, 1024))}, "as many tokens as the model sees at once"
    assert len(asked) == 3, "three tries, however slow"
    assert rate == 2 * 512 * 256 * 1024
