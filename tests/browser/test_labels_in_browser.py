"""Wrong labels, in a browser: those that a search finds and those that a report shows are put right in place."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, served
from tests.pages.made import drawn, recipe, reported, run_of, trained
from tests.pages.test_labels import searched
from tl_core.base import events
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[App]:
    """The app for both tests; nothing is trained."""
    with served(tmp_path_factory.mktemp("labels"), TL_WARM="0") as app:
        yield app


@pytest.fixture
def app(server: App, monkeypatch) -> App:
    """Its data folder is this test's too."""
    monkeypatch.setenv("TL_HOME", str(server.home))
    return server


def labels(dataset: Dataset) -> dict[str, str]:
    """The class of each picture as it is now."""
    present = datasets.load(datasets.latest(dataset.id))
    return {image.key: present.classes[image.label] for image in present.images}


def test_the_curve_is_drawn_and_a_real_suspect_is_put_right(app: App, page: Page):
    planted, _dataset = searched(True, events.Finished(), guess=30)
    page.goto(f"{app.url}/labels?run={planted.id}")
    expect(page.get_by_text("most doubtful labels lie 80.0 %")).to_be_visible()
    expect(page.locator(".tl-live-panel")).to_have_attribute("aria-label", re.compile("80 % after 10 %"))
    expect(page.locator(".tl-pictures img")).to_have_count(5)  # four suspects, and a prediction that flipped
    real, dataset = searched(False, events.Finished())
    page.goto(f"{app.url}/labels?run={real.id}")
    cells = page.locator(".tl-grid-cell")
    expect(cells).to_have_count(4)
    cells.first.click()
    page.get_by_role("button", name="Relabel as suggested").click()
    expect(page.get_by_text("1 of 4 have been put right")).to_be_visible()
    expect(cells).to_have_count(3)
    assert labels(dataset)[dataset.images[0].key] == "triangle"
    expect(page.get_by_role("button", name="Search the corrected labels")).to_be_enabled()


def test_a_click_on_the_matrix_shows_pictures_that_are_put_right_and_trained_on_again(app: App, page: Page):
    dataset = drawn(each=12)
    started = events.Started(device="CPU")
    run = run_of(recipe(dataset, seed=7), started, *trained(), events.Finished(best_epoch=3))
    [mistake] = reported(run, dataset, wrong=1).cell(0, 1)
    page.goto(f"{app.url}/run?run={run.id}")
    matrix = page.locator(".js-plotly-plot:has(.heatmaplayer .hm) .nsewdrag").first
    matrix.scroll_into_view_if_needed()
    place = matrix.bounding_box()
    matrix.click(position={"x": place["width"] / 2, "y": place["height"] / 6})
    cells = page.locator(".tl-grid-cell")
    expect(cells).to_have_count(1)
    expect(cells.first).to_have_attribute("title", re.compile(re.escape(mistake.key)))
    cells.first.click()
    page.get_by_role("button", name="Relabel as suggested").click()
    expect(page.get_by_text("1 of 1 have been put right")).to_be_visible()
    assert labels(dataset)[mistake.key] == "square"
    page.get_by_role("button", name="Train again on the corrected pictures").click()
    page.wait_for_url(re.compile("/train"))
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
