"""Changed pictures: grey keeps the brightness and no colour, blur keeps the colours and no detail."""

import numpy as np
import pytest

from tl_core.base.metrics import METRICS
from tl_core.images import shifts
from tl_core.tasks.image_classification import ways


def noisy(height: int = 60, width: int = 90) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("change", shifts.SHIFTS.values(), ids=shifts.SHIFTS)
def test_shape_and_type_stay_and_the_picture_is_not_touched(change):
    pixels = noisy()
    before = pixels.copy()
    changed = change(pixels)
    assert (changed.shape, changed.dtype) == (pixels.shape, np.uint8)
    assert not np.array_equal(changed, pixels) and np.array_equal(pixels, before)


def test_grey_is_the_luminance_in_all_channels():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    np.testing.assert_array_equal(shifts.grey(colours)[0], [[level] * 3 for level in (76, 150, 29, 90)])


def test_a_blur_keeps_the_colours_and_is_as_wide_as_the_picture_asks():
    pixels = noisy()
    assert np.abs(shifts.blurred(pixels).mean((0, 1)) - pixels.mean((0, 1))).max() < 2
    spreads = []
    for side in (100, 400):
        edge = np.zeros((side, side, 3), np.uint8)
        edge[:, side // 2 :] = 255
        row = shifts.blurred(edge)[side // 2, :, 0]
        spreads.append(int(((row > 40) & (row < 215)).sum()))
    assert spreads[0] > 0 and 3 * spreads[0] <= spreads[1], "four times the side, about four times the blur"


def test_each_has_its_metric_and_its_name():
    assert list(shifts.SHIFTS) == list(ways.SHIFTED)
    assert all(METRICS[key].better == "higher" and METRICS[key].scale == "share" for key in shifts.SHIFTS)
