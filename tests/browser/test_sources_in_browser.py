"""Which source helps, in a browser: gains, rankings and other pictures are drawn, each with its own height."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, until
from tests.pages.made import drawn
from tests.pages.test_sources import finished


@pytest.mark.usefixtures("no_spare")
def test_gains_rankings_and_other_pictures_are_drawn(app: App, page: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TL_HOME", str(app.home))
    finished(drawn(("ring", "bar")).id)
    run = finished(drawn().id, guess=2)
    page.goto(f"{app.url}/sources?run={run.id}")
    expect(page.get_by_text("gains most here: 91.0 %")).to_be_visible()
    panels = page.locator(".tl-live-panel")
    expect(panels).to_have_count(4)
    expect(panels.first).to_have_attribute("aria-label", re.compile(r"Patterns only .* -10.0 points"))
    until(page, "document.querySelectorAll('.tl-live-panel .barlayer .point path').length === 3")
    until(page, "document.querySelectorAll('.tl-live-panel .heatmaplayer .hm image').length === 1")
