"""Maps over pictures, and what their checks say."""

import io

import numpy as np
import pytest
from PIL import Image

from tl_core.charts import evidence

SHARES, RANDOM = (0.0, 0.5, 1.0), (0.9, 0.6, 0.2)


def coloured(values: list[list[float]]) -> np.ndarray:
    picture = Image.new("RGB", (300, 200), (120, 60, 60))
    return np.asarray(Image.open(io.BytesIO(evidence.overlay(picture, values))).convert("RGB")).astype(int)


def test_what_speaks_for_is_orange_what_speaks_against_blue_and_the_rest_grey():
    shown = coloured([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    assert shown.shape == (evidence.SIDE, evidence.SIDE, 3)
    red, _, blue = shown[10, 10]
    assert red > blue + 60
    red, _, blue = shown[-10, -10]
    assert blue > red + 60
    assert np.ptp(shown[evidence.SIDE // 2, evidence.SIDE // 2]) <= 2


def test_an_empty_map_leaves_the_picture_grey():
    assert np.ptp(coloured([[0.0, 0.0], [0.0, 0.0]]), -1).max() == 0


@pytest.mark.parametrize(("marked", "said"), [((0.9, 0.1, 0.0), "hangs on"), (RANDOM, "Do not trust")])
def test_a_map_that_is_no_better_than_chance_is_not_to_be_trusted(marked: tuple[float, ...], said: str):
    assert said in str(evidence.verdict(SHARES, marked, RANDOM, 4))
    figure = evidence.figure(SHARES, marked, RANDOM, str)
    assert [tuple(line["y"]) for line in figure["data"]] == [marked, RANDOM]


def test_sentences_name_what_was_found():
    assert "by 30 percentage points" in str(evidence.occluded([[0.3, 0.0]], "rose"))
    assert "No single covered place" in str(evidence.occluded([[-0.3, 0.0]], "rose"))
    assert str(evidence.where([[0, 0, 0], [0, 0, 0], [0, 0, 1]])) == "bottom right"
    assert str(evidence.where([[0, 1, 0], [0, 0, 0], [0, 0, 0]])) == "top"
    assert "another map" in str(evidence.learned(-0.2)) and "−0.20" in str(evidence.learned(-0.2))
    assert "nearly the same map" in str(evidence.learned(0.9))
