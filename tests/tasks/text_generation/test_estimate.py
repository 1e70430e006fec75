"""The time of a fine-tuning: counted from what it does, at the rate of earlier runs or of a measurement."""

from dataclasses import replace

import pytest

from tl_core.base.events import Epoch, Started
from tl_core.tasks.text_generation import estimate
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.pretrained.registry import CHECKPOINTS

TALES = CHECKPOINTS["tales"].shape
GPT2 = CHECKPOINTS["gpt2"].shape
CONFIG = TextConfig("x")
DISTIL = replace(CONFIG, batch_size=4, context=64).with_phase(frozen_blocks=5)
# Seconds that a step took on two cores of an AMD EPYC with AVX2: the middle of five whole runs for "all", of two for
# "frozen", of one for the others, of eight steps for "wider".
STEPS = {
    "all": (CONFIG, "tales", 0.574),
    "frozen": (CONFIG.with_phase(frozen_blocks=4), "tales", 0.290),
    "LoRA": (replace(CONFIG, lora_rank=8).with_phase(frozen_blocks=1), "tales", 0.437),
    "small batch": (replace(CONFIG, batch_size=2, context=64), "tales", 0.123),
    "wider": (DISTIL, "distilgpt2", 1.186),
}
RATES = {"tales": 4.3e10, "distilgpt2": 5.8e10}  # of `machine.measure` there, the middle one of twenty and of six


@pytest.mark.parametrize(("config", "model", "measured"), STEPS.values(), ids=STEPS)
def test_a_step_takes_what_was_measured(config: TextConfig, model: str, measured: float):
    def total(steps: int) -> float:
        asked = replace(config, evaluate_every=10**5, sample_every=10**6).with_phase(steps=steps)
        return estimate.seconds(asked, CHECKPOINTS[model].shape, RATES[model], 128, 0)

    assert (total(2001) - total(1)) / 2000 == pytest.approx(measured, rel=0.3)


def test_everything_that_takes_time_is_counted():
    rate, tokens = 1e11, (40_000, 4_000)
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
