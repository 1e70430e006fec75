"""The map of the features: where each picture lies, which are ringed, and what is said of it."""

import numpy as np

from tl_core.base.messages import message
from tl_core.charts import features
from tl_core.charts.features import Spread

CLASSES = ("daisy", "<b>rose</b>", "tulip")
TRUE, PREDICTED = np.array([0, 0, 1, 1, 0]), np.array([0, 1, 1, 1, 0])
BEFORE = Spread(message("Before"), np.arange(10.0).reshape(5, 2), np.array([1, 0, 0, 0, 0], bool), 0.4)
AFTER = Spread(message("After"), -np.arange(10.0).reshape(5, 2), np.array([1, 1, 1, 1, 1], bool), 0.6)


def drawn(*spreads: Spread):
    return features.figure(spreads, CLASSES, TRUE, PREDICTED, str)


def test_each_picture_is_a_point_on_each_map_and_belongs_to_its_class():
    figure = drawn(BEFORE, AFTER)
    assert [each["title"] for each in figure["maps"]] == ["Before", "After"]
    assert [each["points"] for each in figure["maps"]] == [BEFORE.points.tolist(), AFTER.points.tolist()]
    assert {group["name"]: group["pictures"] for group in figure["groups"]} == {
        "daisy": [0, 1, 4],
        "<b>rose</b>": [2, 3],
    }
    assert figure["mistaken"] == {"name": "mistaken", "pictures": [1]}


def test_more_classes_than_colours_differ_in_their_symbols():
    many = np.arange(20)
    spread = Spread(message("All"), np.zeros((20, 2)), np.ones(20, bool), None)
    groups = features.figure([spread], [f"class {n}" for n in many], many, many, str)["groups"]
    assert len({(group["colour"], group["symbol"]) for group in groups}) == 20


def test_what_is_said_has_the_figures_of_the_map():
    told = " ".join(map(str, features.found([BEFORE, AFTER], 0.4, 1280, 5)))
    assert "for 20.0 % of 5 validation pictures, afterwards for 100.0 % (40.0 % by chance)" in told
    assert "all 1,280 features" in told
    assert "Within the noise: the difference of 80.0 points" in told, "four pictures are no proof (McNemar: p = 0.125)"
    told = " ".join(map(str, features.found([AFTER], 0.4, 1280, 4000)))
    assert "For 100.0 % of 5" in told and "These are 5 of 4,000 pictures" in told
    assert "Before" not in told

    both = str(features.how_to_read([BEFORE, AFTER], True))
    assert "40.0 % on the first map, 60.0 % on the second" in both and "a ring marks" in both
    assert "none is mistaken" in str(features.how_to_read([AFTER], False))
    neighbours = str(features.how_to_read([Spread(message("All"), BEFORE.points, BEFORE.same, None)], True))
    assert "t-SNE" in neighbours and "variance" not in neighbours
    said = str(features.description([BEFORE, AFTER], CLASSES, TRUE))
    assert "5 pictures: daisy 3, <b>rose</b> 2" in said and "Before: " in said and "20.0 %" in said
