"""What holds on every page: nothing is asked of the internet, nothing is too wide for a phone, both languages."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from pages import registry
from tests.browser.conftest import App, served, until

PAGES = ("", *(name for name in registry.PAGES if name != registry.WELCOME.name))

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all; nothing is trained."""
    with served(tmp_path_factory.mktemp("app"), TL_WARM="0") as server:
        yield server


def settled(page: Page) -> None:
    """Wait until the page has drawn its title and Streamlit is at rest."""
    expect(page.locator("h1").first).to_be_visible()
    until(page, "!document.querySelector('[data-testid=stStatusWidget]')")


@pytest.mark.parametrize(("locale", "scheme"), [("en-US", "light"), ("zh-CN", "dark")])
def test_every_page_asks_the_internet_for_nothing_fits_a_phone_and_speaks_the_browsers_language(
    app: App, browser: Browser, locale: str, scheme: str
):
    """Each opened by its address: nothing comes from elsewhere, nothing is missing, and the console stays empty."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme, locale=locale)
    page = context.new_page()
    outside, missing, errors = [], [], []
    page.on("request", lambda request: outside.append(request.url) if not _ours(request.url, app) else None)
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    for name in PAGES:
        page.goto(f"{app.url}/{name}")
        settled(page)
        chinese = re.compile(r"[\u4e00-\u9fff]")
        heading = expect(page.locator("h1").first)
        (heading.to_have_text if locale == "zh-CN" else heading.not_to_have_text)(chinese)
        overflow = page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]');"
            " return [main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - innerWidth] }"
        )
        assert max(overflow) <= 0, name
    assert not outside
    assert not missing
    assert not errors
    context.close()


def _ours(url: str, app: App) -> bool:
    return url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:"))


def test_the_language_can_be_switched_and_stays(app: App, browser: Browser):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{app.url}/finetune")
    settled(page)
    page.get_by_text("English", exact=True).click()
    expect(page.locator("h1").first).to_have_text("Fine-tune text")
    assert "language=en" in page.url
    page.reload()
    expect(page.locator("h1").first).to_have_text("Fine-tune text")
    context.close()
