"""The map of the features in a real browser: a point shows its picture, the legend and a loop choose some."""

import itertools
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.pages.made import drawn, recipe, reported, run_of, trained
from tests.pages.test_feature_map import Engine
from tl_core.base import events

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("no_spare")]


def test_points_show_their_pictures_and_are_chosen_by_the_legend_and_by_a_loop(
    app: App, page: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TL_HOME", str(app.home))
    dataset = drawn()
    run = run_of(recipe(dataset), events.Started(device="CPU"), *trained(), events.Finished(best_epoch=3))
    made = reported(run, dataset, wrong=1)
    Engine(run, dataset).lay_out(run.id, "pca", lambda said: None)
    page.goto(f"{app.url}/run?run={run.id}")
    maps = page.locator(".tl-map canvas[role=img]")
    expect(maps).to_have_count(2)  # before and after training
    chosen = page.locator(".tl-pictures").last.locator("img")

    legend = page.get_by_role("button", name="square", exact=True)
    legend.click()
    squares = sum(made.classes[item.true] == "square" for item in made.predictions)
    expect(chosen).to_have_count(squares)
    expect(legend).to_have_attribute("aria-pressed", "true")

    box = maps.last.bounding_box()
    left, top, right, bottom = box["x"] + 2, box["y"] + 2, box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.mouse.move(left, top)
    page.mouse.down()
    for place in ((right, top), (right, bottom), (left, bottom), (left, top + 1)):
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    expect(chosen).to_have_count(len(made.predictions))
    card = page.locator(".tl-map-card:visible")
    expect(card).to_have_count(0)
    for place in itertools.product(np.linspace(left, right, 40), np.linspace(top, bottom, 30)):
        page.mouse.move(*map(float, place))  # over the whole map, until a point is near
        if card.count():
            break
    expect(card.locator("img")).to_have_attribute("src", re.compile(r"tl/picture/"))
