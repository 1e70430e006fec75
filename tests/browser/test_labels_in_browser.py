"""Whose label is wrong, in a browser: a suspect that nobody planted is chosen and relabelled in place."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.pages.test_labels import searched
from tl_core.base import events
from tl_core.images.data import dataset as datasets


@pytest.mark.usefixtures("no_spare")
def test_the_curve_is_drawn_and_a_real_suspect_is_put_right(app: App, page: Page, monkeypatch):
    monkeypatch.setenv("TL_HOME", str(app.home))
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
    present = datasets.load(datasets.latest(dataset.id))
    labels = {image.key: present.classes[image.label] for image in present.images}
    assert labels[dataset.images[0].key] == "triangle"
    expect(page.get_by_role("button", name="Search the corrected labels")).to_be_enabled()
