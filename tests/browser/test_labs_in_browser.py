"""A race in a real browser: started at one click, its chart is drawn while it waits, stopped, and still there."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, until
from tl_core.images.data.drawn import Drawing, ingest_drawn

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("no_spare")]


def test_a_race_begins_at_one_click_shows_its_curves_and_is_kept_when_it_is_stopped(
    app: App, page: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TL_HOME", str(app.home))
    ingest_drawn(Drawing("flowers", per_class=8))
    page.goto(f"{app.url}/race")
    page.get_by_role("radio", name="Frozen", exact=True).click()
    page.get_by_role("button", name="Start with this guess").click()
    expect(page.get_by_text("0 of 12 runs have ended")).to_be_visible()
    until(page, "(document.querySelector('.tl-live .js-plotly-plot')?.data ?? []).some(line => line.y.length > 1)")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Only runs that have finished are compared.")).to_be_visible()
    address = page.url
    page.goto(address)
    expect(page.get_by_text("Your guess: Frozen, +10 points.")).to_be_visible()
    until(page, "(document.querySelector('.tl-live .js-plotly-plot')?.data ?? []).some(line => line.y.length > 1)")
