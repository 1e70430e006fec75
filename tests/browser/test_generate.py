"""The bundled model writes in a real browser: token after token, stopped, taken elsewhere, looked into, reloaded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for all, on a computer without a network and without a model of the Hub: loading takes its time."""
    folder = tmp_path_factory.mktemp("app")
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(folder / "hub")}  # who would answer there?
    with served(folder, **nobody) as server:
        yield server


@pytest.fixture
def opened(writing: App, page: Page) -> Page:
    """The page with the bundled model loaded."""
    page.goto(f"{writing.url}/generate")
    expect(page.get_by_text("Ready to write.")).to_be_visible()
    return page


def write(page: Page, prompt: str = "") -> None:
    if prompt:
        page.get_by_role("textbox", name="Prompt", exact=True).fill(prompt)
        page.get_by_role("textbox", name="Prompt", exact=True).press("Control+Enter")
    page.get_by_role("button", name="Write", exact=True).click()


def texts(page: Page) -> list[str]:
    return page.locator(".tok").all_text_contents()


def count(page: Page) -> int:
    return page.locator(".tok").count()


def done(page: Page) -> None:
    expect(page.locator(".tl-writing-status")).to_have_text(re.compile(r"^(Paused\. )?\d+ tokens\. The"))


def test_the_text_streams_stops_and_goes_on_from_another_token(opened: Page):
    page = opened
    page.get_by_text("Length, temperature and more").click()
    page.get_by_role("slider", name="Length").press("End")
    expect(page.get_by_text("500", exact=True).first).to_be_visible()
    write(page)
    expect(page.locator(".tok").nth(2)).to_be_visible()
    page.evaluate("() => { window.first = [...document.querySelectorAll('*')].map((n) => n.shadowRoot)"
                  ".find((r) => r?.querySelector('.tok')).querySelector('.tok') }")  # fmt: skip
    counts = {count(page)}
    while len(counts) < 6:
        page.wait_for_timeout(40)
        counts.add(count(page))
    assert max(counts) < 100, "one after another, not all at once"

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused.")).to_be_visible()
    before = texts(page)
    page.wait_for_timeout(400)
    assert texts(page) == before and len(before) < 200
    assert page.evaluate("() => window.first.isConnected"), "tokens are added, the text is never drawn anew"
    assert page.evaluate("() => window.first.textContent") == before[0]

    page.locator(".tok").nth(4).click()
    expect(page.locator(".tl-inside-heading")).to_contain_text("Token 5")
    row = page.locator("button.tl-inside-row:not([data-written])").nth(1)
    name = row.locator(".tl-inside-name").inner_text()
    row.click()
    expect(page.locator(".tok.taken")).to_have_count(1)
    expect(page.locator(".tok").nth(12)).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused.")).to_be_visible()
    after = texts(page)
    assert after[:4] == before[:4]
    assert after[4] == name.replace("␣", " ").replace("⏎", "\n") != before[4]
    assert len(after) > 12

    page.get_by_role("button", name="Back to the text before").click()
    expect(page.locator(".tok.taken")).to_have_count(0)
    expect(page.locator(".tok")).to_have_count(len(before))
    assert texts(page) == before


def test_the_inside_of_a_token_is_shown_and_reached_with_the_keyboard(opened: Page):
    page = opened
    write(page)
    done(page)
    page.locator(".tok").nth(9).click()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".tl-inside-heading")).to_contain_text("Token 11")
    expect(page.get_by_text(re.compile(r"which left \d+ of 4,096 tokens"))).to_be_visible()
    page.get_by_role("tab", name="Block by block").click()
    expect(page.locator(".tl-inside-body tbody tr")).to_have_count(5)
    expect(page.get_by_text("What the network would say if it ended after that block.")).to_be_visible()
    page.get_by_role("tab", name="Block by block").press("ArrowRight")
    expect(page.get_by_role("tab", name="Attention")).to_have_attribute("aria-selected", "true")
    shown = page.locator(".tl-inside-map")
    expect(shown.locator("span")).to_have_count(14)  # four of the prompt, ten written before it
    first = shown.get_attribute("aria-label")
    head = page.get_by_role("combobox", name=re.compile("^Attention head"))
    head.select_option("3")  # was not recorded: it is looked up
    expect(page.locator(".tl-inside-map")).not_to_have_attribute("aria-label", first)
    page.get_by_role("tab", name="Switch off").click()
    expect(page.get_by_text("Nothing is off")).to_be_visible()
    figures = page.locator(".tl-compared .tl-inside-figures > span").all_text_contents()
    assert all(before == after for before, after in (figure.split(" → ") for figure in figures)) and len(figures) > 5
    page.get_by_role("button", name="Switch off: block h.1").click()
    page.get_by_role("button", name="Switch off: head 2 of h.3").click()
    expect(page.get_by_text(re.compile("without block h.1 \\+ head 2 of h.3"))).to_be_visible()
    assert page.locator(".tl-compared .tl-inside-figures > span").all_text_contents() != figures
    page.get_by_role("button", name="All on again").click()
    expect(page.get_by_text("Nothing is off")).to_be_visible()
    page.get_by_role("tab", name="Influence").click()
    expect(page.get_by_text(re.compile("Most for it speaks|No single token decides"))).to_be_visible()
    expect(page.locator(".tl-influence span[title]")).to_have_count(14)
    page.get_by_text("Rank", exact=True).click()
    expect(page.locator(".tl-writing-legend")).to_contain_text("21–100")


def test_the_article_in_one_click_and_a_reloaded_page(opened: Page):
    page = opened
    page.get_by_role("button", name="As in the article").click()
    done(page)
    assert count(page) == 50
    expect(page.get_by_text("is not on this computer, so the bundled model writes")).to_be_visible()
    reading = page.locator(".tl-writing-reading")
    expect(reading).to_have_text(re.compile("circle"))
    if page.locator(".tok.loop").count():
        expect(reading).to_contain_text("Greedy writing always takes the likeliest token")
    before = texts(page)
    page.reload()
    done(page)
    expect(page.locator(".tok")).to_have_count(50)
    assert texts(page) == before
    expect(page.get_by_text("Greedy always takes the likeliest token.")).to_be_visible()


def test_a_text_is_paused_stepped_and_let_go_on_and_its_speed_is_told_at_every_pace(opened: Page):
    page = opened
    page.get_by_text("Length, temperature and more").click()
    page.get_by_role("slider", name="Pace").press("Home")  # by hand
    expect(page.get_by_text("by hand", exact=True).first).to_be_visible()
    write(page)
    for number in (1, 2, 3):
        expect(page.locator(".tl-writing-status")).to_contain_text(f"Paused. {number} token")
        expect(page.locator(".tok")).to_have_count(number)
        if number < 3:
            page.get_by_role("button", name="One token").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".tl-writing-status")).to_have_text(
        re.compile(r"^50 tokens\. The model needed .* tokens a second\.$")
    )
    expect(page.locator(".tl-writing-energy")).to_have_text(re.compile(r"^Energy: about \d+ J, estimated"))
    before = texts(page)
    page.get_by_role("button", name="Another one").click()
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("1")
    expect(page.locator(".tok")).not_to_have_text(before)
    done(page)


def test_every_circle_of_the_article_is_marked(opened: Page):
    page = opened
    page.get_by_role("button", name="As in the article").click()
    expect(page.locator(".tl-writing-reading")).to_contain_text("It has not fallen into a circle so far")
    page.locator(".tl-writing-reading").get_by_role("button", name="Let it go on").click()
    expect(page.locator(".tl-writing-status")).to_contain_text("100 tokens.")
    expect(page.locator(".tl-writing-reading")).to_contain_text("From token 84 on")
    for count in (200, 400):
        page.get_by_role("button", name="Let it go on").click()
        expect(page.locator(".tl-writing-status")).to_contain_text(f"{count} tokens.")
    for number in (83, 399):
        expect(page.locator(".tok").nth(number)).to_have_class(re.compile(r"\bloop\b"))


def test_the_prompt_is_looked_into_and_other_settings_move_the_bars(opened: Page):
    page = opened
    write(page)
    done(page)
    expect(page.locator(".piece")).to_have_text(["Once", " upon", " a", " time"])
    page.locator(".piece").nth(1).click()
    expect(page.locator(".tl-inside-heading")).to_contain_text(re.compile(r"Prompt token 2: “␣upon”.*number \d+.*rank"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".tl-inside-reading")).to_contain_text("Nothing stands before the first token")
    page.locator(".tok").nth(5).click()
    expect(page.locator(".tl-inside-reading")).to_contain_text("Upper bar")
    figures = page.locator(".tl-inside-figures").first
    before = figures.inner_text()
    page.get_by_text("Length, temperature and more").click()
    page.get_by_role("slider", name="Temperature").press("End")
    expect(page.locator(".tl-inside-reading")).to_contain_text("As the settings above would have it now")
    expect(figures).not_to_have_text(before, use_inner_text=True)
    page.get_by_role("tab", name="Attention").click()
    heads = page.locator(".tl-heads button")
    expect(heads).to_have_count(16)
    expect(page.locator(".tl-grid-name").first).to_be_visible()
    heads.nth(6).click()
    expect(page.get_by_role("combobox", name=re.compile("^Attention head"))).to_have_value("2")
    expect(page.get_by_role("img", name=re.compile("Attention of head 2 of block h.1"))).to_be_visible()


def test_a_text_is_copied_and_saved(opened: Page):
    page = opened
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    write(page)
    done(page)
    whole = "Once upon a time" + "".join(texts(page))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("✓ Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == whole
    with page.expect_download() as download:
        page.get_by_role("button", name="Save").click()
    assert Path(download.value.path()).read_text(encoding="utf-8") == whole


def test_on_a_telephone_the_text_stands_above_its_inside_and_on_the_screen(opened: Page):
    page = opened
    page.set_viewport_size({"width": 390, "height": 844})
    write(page)
    done(page)
    text, inside = page.locator(".tl-writing-text").bounding_box(), page.locator(".tl-inside").bounding_box()
    assert text["y"] + text["height"] <= inside["y"] and inside["width"] <= 390
    assert text["y"] >= 0 and text["y"] + text["height"] <= 844


def test_markup_stays_text_and_odd_prompts_are_written_on(opened: Page):
    page = opened
    marks = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> 🐉 龙'
    write(page, marks)
    done(page)
    expect(page.locator(".tl-writing-prompt")).to_have_text(marks)
    assert page.evaluate("() => window.hacked") is None
    write(page, "word " * 20_000)
    expect(page.get_by_text("and the model sees 256 at once: it reads the last 256, and")).to_be_visible()
    done(page)
    write(page, "   ")
    expect(page.get_by_text("The prompt is empty: the model begins a text of its own.")).to_be_visible()
    done(page)


def test_a_model_that_cannot_be_downloaded_says_what_to_do(opened: Page):
    page = opened
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=re.compile("DistilGPT-2")).click()
    page.get_by_role("button", name="Download the model (353 MB, once)").click()
    problem = page.get_by_test_id("stAlert").filter(has_text="could not be downloaded")
    expect(problem).to_be_visible()
    expect(problem).to_contain_text("The bundled model needs no network.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
