"""The charts of the sources: what harms has a colour of its own, and names stay names."""

from tl_core.charts import sources

NAMES = ["ImageNet", "<b>Patterns</b>"]


def test_what_harms_has_another_colour_and_every_seed_its_dot():
    figure = sources.gains(NAMES, [[0.4, 0.5], [-0.1, -0.2]], "ImageNet", str)
    helps, harms, dots = figure["data"]
    assert (helps["marker"]["color"], helps["x"]) == (sources.HELPS, [45])
    assert (harms["marker"]["color"], harms["x"]) == (sources.HARMS, [-15])
    assert (helps["y"], harms["y"]) == ([0], [1])
    assert dots["x"] == [40, 50, -10, -20]
    called = [note["text"] for note in figure["layout"]["annotations"]]
    assert called == ["ImageNet ◆", "&lt;b&gt;Patterns&lt;/b&gt;"]
    assert "ImageNet +45.0 points" in str(sources.gains_description(NAMES, [[0.4, 0.5], [-0.1, -0.2]]))


def test_a_ranking_has_a_point_a_network():
    figure = sources.ranking(NAMES, [0.2, -0.1], [0.9, 0.5], "LogME", str)
    assert [(*trace["x"], *trace["y"]) for trace in figure["data"]] == [(0.2, 0.9), (-0.1, 0.5)]
    assert [trace["name"] for trace in figure["data"]] == ["ImageNet", "&lt;b&gt;Patterns&lt;/b&gt;"]
    assert "ImageNet: score 0.200, accuracy 90.0 %" in str(sources.ranking_description(NAMES, [0.2, -0.1], [0.9, 0.5]))


def test_targets_stand_on_one_scale_around_zero_and_what_is_missing_leaves_a_gap():
    values = [{NAMES[0]: 0.4}, {NAMES[0]: 0.1, NAMES[1]: -0.2}]
    [cells] = sources.targets(["flowers", "cats"], NAMES, values)["data"]
    assert cells["z"] == [[40, None], [10, -20]]
    assert (cells["zmin"], cells["zmax"]) == (-40, 40)
    assert cells["text"] == [["+40.0", ""], ["+10.0", "−20.0"]]
    said = str(sources.targets_description(["flowers", "cats"], values))
    assert "flowers: ImageNet +40.0." in said and "cats: ImageNet +10.0, <b>Patterns</b> -20.0." in said
