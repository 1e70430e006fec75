"""What holds on every page: nothing is asked of the internet, nothing is too wide for a phone, both languages."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from pages import registry
from tests.browser.conftest import App, until

PAGES = ("", *(name for name in registry.PAGES if name != registry.WELCOME.name))

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("no_spare")]


def settled(page: Page) -> None:
    """Wait until the page has drawn its title and Streamlit is at rest."""
    expect(page.locator("h1").first).to_be_visible()
    until(page, "!document.querySelector('[data-testid=stStatusWidget]')")


def test_no_page_asks_the_internet_for_anything_or_in_vain(app: App, page: Page):
    """Each opened by its address: nothing comes from elsewhere, nothing is missing, and the console stays empty."""
    outside, missing, errors = [], [], []
    page.on("request", lambda request: outside.append(request.url) if not _ours(request.url, app) else None)
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for name in PAGES:
        page.goto(f"{app.url}/{name}")
        settled(page)
    assert not outside
    assert not missing
    assert not errors


def _ours(url: str, app: App) -> bool:
    return url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:"))


def test_the_language_is_the_browsers_and_can_be_switched_on_every_page(app: App, browser: Browser):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    for name in PAGES:
        page.goto(f"{app.url}/{name}")
        settled(page)
        expect(page.locator("h1").first).to_have_text(re.compile(r"[\u4e00-\u9fff]"))
    page.goto(f"{app.url}/finetune")
    settled(page)
    page.get_by_text("English", exact=True).click()
    expect(page.locator("h1").first).to_have_text("Fine-tune text")
    assert "language=en" in page.url
    page.reload()
    expect(page.locator("h1").first).to_have_text("Fine-tune text")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(app: App, browser: Browser, scheme: str):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, locale="en-US")
    page = context.new_page()
    for name in PAGES:
        page.goto(f"{app.url}/{name}")
        settled(page)
        overflow = page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]');"
            " return [main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - innerWidth] }"
        )
        assert max(overflow) <= 0, name
    context.close()
