"""Feature maps of a block as one picture, and what they say in a sentence. Plain data in, pictures out."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tl_core.base.messages import Message, message
from tl_core.charts.style import PALETTE

ACROSS = 4  # tiles
TILE, GAP = 120, 8  # pixels
LOW, HIGH = (16, 18, 27), tuple(int(PALETTE[5][start : start + 2], 16) for start in (1, 3, 5))
Rows = Sequence[Sequence[float]]


def sheet(maps: Sequence[Rows]) -> bytes:
    """Each map as a tile, dark at its lowest value and bright at its highest, row by row from the top left.

    Returns:
        A PNG with transparent gaps.
    """
    down = -(-len(maps) // ACROSS)
    side = TILE + GAP
    whole = np.zeros((down * side - GAP, min(len(maps), ACROSS) * side - GAP, 4), np.uint8)
    low, high = np.array(LOW, np.float32), np.array(HIGH, np.float32)
    for number, rows in enumerate(maps):
        values = np.asarray(rows, np.float32)
        values = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
        large = np.asarray(Image.fromarray(values).resize((TILE, TILE), Image.Resampling.NEAREST))[..., None]
        top, left = number // ACROSS * side, number % ACROSS * side
        whole[top : top + TILE, left : left + TILE, :3] = (low + (high - low) * large).round()
        whole[top : top + TILE, left : left + TILE, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(whole).save(buffer, "PNG")
    return buffer.getvalue()


def found(block: str, maps: Sequence[Rows], total: int, flat: int) -> Message:
    """How many channels there are, how fine they are, and how many have nothing to say of this picture."""
    values = {"block": block, "n": total, "side": len(maps[0]), "shown": len(maps)}
    if flat:
        return message(
            "{block} has {n} channels of {side} × {side} places; {flat} of them say the same everywhere in this "
            "picture. Here are the {shown} that vary most.",
            **values,
            flat=flat,
        )
    return message(
        "{block} has {n} channels of {side} × {side} places. Here are the {shown} that vary most over this picture.",
        **values,
    )
