"""Experiments of several runs in a real browser: begun at one click, drawn while they wait, stopped and kept."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, served, until
from tl_core.images.data.drawn import Drawing, ingest_drawn

pytestmark = pytest.mark.browser
GROWS = "(document.querySelector('.tl-live .js-plotly-plot')?.data ?? []).some(line => line.y.length > 1)"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all, with a few drawn flowers; no training process is kept ready."""
    with served(tmp_path_factory.mktemp("app"), TL_WARM="0") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(server.home))
        ingest_drawn(Drawing("flowers", per_class=8))
        yield server


def test_a_race_begins_at_one_click_shows_its_curves_and_is_kept_when_it_is_stopped(app: App, page: Page):
    page.goto(f"{app.url}/race")
    page.get_by_role("radio", name="Frozen", exact=True).click()
    page.get_by_role("button", name="Start with this guess").click()
    expect(page.get_by_text("0 of 12 runs have ended")).to_be_visible()
    until(page, GROWS)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Only runs that have finished are compared.")).to_be_visible()
    address = page.url
    page.goto(address)
    expect(page.get_by_text("Your guess: Frozen, +10 points.")).to_be_visible()
    until(page, GROWS)


@pytest.mark.parametrize(
    ("lab", "runs", "recorded"), [("budget", 12, True), ("shift", 9, True), ("mistakes", 2, False)]
)
def test_the_others_show_a_recorded_one_first_and_take_its_place(
    app: App, page: Page, lab: str, runs: int, recorded: bool
):
    page.goto(f"{app.url}/{lab}")
    start = page.get_by_role("button", name="Start without a guess")
    expect(start).to_be_enabled()
    again = page.get_by_role("button", name="Play again")
    expect(again).to_have_count(int(recorded))
    if recorded:
        until(page, GROWS)
    start.click()
    expect(page.get_by_text(f"0 of {runs} runs have ended")).to_be_visible()
    expect(again).to_have_count(0)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Only runs that have finished are compared.")).to_be_visible()
    page.get_by_role("button", name="Another experiment").click()
    expect(page.get_by_role("heading", name="Earlier experiments")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text("Stopped")
