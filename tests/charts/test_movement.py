"""How far blocks moved: bars, zero where a block was frozen, and the sentences beside them."""

import numpy as np

from tl_core.charts import movement
from tl_core.charts.movement import Block

PRETRAINED = [Block("stem", 0.0, 0.0), Block("block1", 0.012, 0.0), Block("head_conv", 0.2, None)]
SCRATCH = [Block("stem", 1.4, 2.5), Block("block1", 0.9, None)]


def test_a_frozen_block_has_a_bar_of_nothing():
    figure = movement.figure(PRETRAINED, str)
    [bars] = figure["data"]
    assert bars["x"] == ["stem", "block1", "head_conv"] and bars["y"] == [0, 0.012, 0.2]
    assert bars["text"] == ["0", "1.2 %", "20.0 %"]
    assert figure["layout"]["yaxis"]["range"][1] > 0.2
    assert [trace["y"] for trace in movement.figure(SCRATCH, str)["data"]] == [[1.4, 0.9], [2.5, 0.0]], "apart"
    still = movement.figure([Block("stem", 0.0, None)], str)
    assert still["layout"]["yaxis"]["range"] == [0, 1]


def test_what_is_said_has_the_figures_of_the_bars():
    said = str(movement.moved(PRETRAINED))
    assert "head_conv has moved most: by 20.0 %" in said and "1 of 3 blocks have not moved" in said
    assert "have not moved: they stay" in str(movement.statistics(PRETRAINED))
    assert "250.0 % at most" in str(movement.statistics(SCRATCH))
    assert "no BatchNorm" in str(movement.statistics([Block("stem", 0.1, None)]))
    assert "stem 0.0 %, block1 1.2 %" in str(movement.description(PRETRAINED))


def test_forgetting_is_the_share_of_answers_that_changed_with_its_interval():
    said = str(movement.forgotten(np.arange(200) < 150))
    assert "75.0 % of 200 validation pictures" in said
    low, high = (float(part.split(" %")[0]) for part in said.split("interval ")[1].split(" to ")[:2])
    assert 67 < low < 71 and 79 < high < 83
    assert "100.0 % to 100.0 %" in str(movement.forgotten(np.ones(5, bool)))
