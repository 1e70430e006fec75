"""Where should I cut, in a browser: the curve is drawn, and a click on a point leads to training with that boundary."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, until
from tests.pages.made import drawn, run_of
from tests.pages.test_cut import log, vgg
from tl_core.base import events

POINTS = ".js-plotly-plot .scatterlayer .points path"


@pytest.mark.usefixtures("no_spare")
def test_a_click_on_a_point_sets_the_freeze_boundary(app: App, page: Page, monkeypatch):
    monkeypatch.setenv("TL_HOME", str(app.home))
    config = vgg(drawn())
    run = run_of(config, *log(config, events.Finished()))
    page.goto(f"{app.url}/cut?run={run.id}")
    expect(page.get_by_text("best behind block4")).to_be_visible()
    expect(page.locator(POINTS)).to_have_count(7)
    until(page, "document.querySelector('.tl-live-panel').getAttribute('aria-label').includes('block4 91.0 %')")
    third = page.locator(POINTS).nth(2).bounding_box()
    page.mouse.click(third["x"] + third["width"] / 2, third["y"] + third["height"] / 2)
    page.wait_for_url(re.compile(r"/train\?.*frozen=3"))
    expect(page.get_by_text("Frozen blocks while fine-tuning").first).to_be_visible()
