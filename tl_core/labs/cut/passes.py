"""Probes behind all blocks, pass by pass: one for each set of weights, then a linear classifier behind each block."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from tl_core.base import events
from tl_core.base.split import Split
from tl_core.labs import probes


class Blocks(Protocol):
    """A frozen network whose blocks are all read at once."""

    def load(self, weights: str, seed: int = 0) -> None:
        """Take these weights; "random" ones are drawn from the seed."""

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where each block's averages stand in a row."""

    def rows(self) -> np.ndarray:
        """A row for each example, float32 [n, width]."""


class Repeated(Protocol):
    """What is asked of an experiment."""

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the blocks, in their order."""

    @property
    def seeds(self) -> int:
        """How often everything is repeated."""


def measured(
    config: Repeated,
    pretrained: str,
    blocks: Blocks,
    labels: np.ndarray,
    parts: Sequence[Split],
    classes: int,
    emit: Callable[[events.Event], None],
    should_stop: Callable[[], bool],
) -> Iterator[events.Trial]:
    """A trial for the pretrained network and each seed, for the random one of each seed, and for both every block.

    Args:
        pretrained: the weights beside which random ones stand.
        labels: int [n], of the examples whose rows `blocks` gives.
        parts: of each seed.
        emit: takes Phase and Progress events.
        should_stop: asked several times a second.

    Raises:
        UserError: weights cannot be had.
        Stopped: `should_stop` answered True.
    """
    total, done, began = 2 * config.seeds * len(config.places), 0, time.monotonic()
    for arm, weights, seeds in (
        ("pretrained", pretrained, range(config.seeds)),
        *(("random", "random", range(seed, seed + 1)) for seed in range(config.seeds)),
    ):
        blocks.load(weights, seeds[0])
        rows = blocks.rows()
        emit(events.Phase(phase="probes", total=total, unit="probes"))
        for seed in seeds:
            for place, columns in zip(config.places, blocks.slices, strict=True):
                metrics = probes.accuracies(rows[:, columns], labels, parts[seed], classes, should_stop)
                yield events.Trial(arm=arm, place=place, seed=seed, metrics=metrics)
                done += 1
                rate = round(done / max(time.monotonic() - began, 1e-3), 3)  # the passes included
                emit(events.Progress(phase="probes", done=done, total=total, rate=rate))
