"""One colour a run: derived from its id, so it is the same on every page, and not shared while it can be helped."""

import hashlib
from collections.abc import Mapping, Sequence

from tl_core.charts.style import PALETTE


def colours(runs: Sequence[str], kept: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give each run a colour of the palette.

    A run takes the colour it had before (`kept`), else the one its id points at, else the next that is free; earlier
    runs choose first. With more runs than colours, each colour is used equally often.

    Args:
        runs: ids, in any order; equal selections get equal colours whatever the order.
        kept: run id -> colour that the reader has seen it in.
    """
    kept = kept or {}
    taken = dict.fromkeys(PALETTE, 0)
    given: dict[str, str] = {}
    ordered = sorted(set(runs), key=lambda run: (run not in kept, run))
    for run in ordered:
        first = PALETTE.index(kept[run]) if kept.get(run) in PALETTE else _preferred(run)
        turn = [PALETTE[(first + step) % len(PALETTE)] for step in range(len(PALETTE))]
        given[run] = min(turn, key=lambda colour: taken[colour])
        taken[given[run]] += 1
    return {run: given[run] for run in runs}


def _preferred(run: str) -> int:
    return hashlib.sha256(run.encode()).digest()[0] % len(PALETTE)
