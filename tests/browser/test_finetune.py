"""Fine-tuning as a person does it: upload a text, watch the bundled model learn from it, compare before and after."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, until
from tl_core.text.data.files import MAX_BYTES

STEPS = 20  # half a minute on two slow cores
POINTS = (
    "(document.querySelector('.tl-live .js-plotly-plot')?.data?.[2]?.x?.length ?? 0)"  # validations, the base's too
)
READING = re.compile(r"Validation perplexity went from ([\d.]+) to ([\d.]+) in (\d+) steps")

pytestmark = pytest.mark.browser


@pytest.fixture
def shakespeare(shared: Path, tmp_path: Path) -> Path:
    """The first scenes: enough for what is asked of it."""
    path = shared / "text" / "tiny_shakespeare.txt"
    if not path.is_file():
        pytest.skip(f"REAL TEXT ABSENT: {path} is not there")
    short = tmp_path / path.name
    short.write_bytes(path.read_bytes()[:200_000])
    return short


def passages(page: Page) -> list[str]:
    """The last two passages of the page: what the base model and the tuned one wrote."""
    return page.locator(".tl-passage").all_inner_texts()[-2:]


def test_a_file_that_is_too_large_is_refused_with_the_reason_in_sight(app: App, page: Page, tmp_path: Path):
    """Streamlit refuses it in the browser and has the reason in a tooltip alone."""
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    reason = page.get_by_text(f"a file may have {MAX_BYTES >> 20} MB at most")
    page.goto(f"{app.url}/finetune")
    page.get_by_role("tab", name="Files or ZIP").click()
    chooser = page.locator("[data-testid=stFileUploader] input[type=file]")
    expect(chooser).to_have_count(1)
    expect(reason).to_be_hidden()
    chooser.set_input_files(large)
    expect(reason).to_be_visible()
    page.get_by_role("button", name="Remove large.txt").click()
    expect(reason).to_be_hidden()


def test_from_an_uploaded_text_to_a_before_and_after(app: App, page: Page, shakespeare: Path):
    main = page.get_by_test_id("stMain")
    page.goto(f"{app.url}/finetune")
    page.get_by_role("tab", name="Files or ZIP").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(str(shakespeare))
    expect(main).to_contain_text("Tokens to train on")

    expect(page.get_by_role("button", name="Start training")).to_be_enabled()
    until(page, "!document.querySelector('[data-testid=stStatusWidget]')")
    steps = page.get_by_role("spinbutton", name="Steps")
    steps.fill(str(STEPS))
    steps.press("Enter")
    expect(page.get_by_text(f"{STEPS} steps")).to_be_visible()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    expect(main).to_contain_text("tiny_shakespeare")

    # It learns before our eyes: curves in one and the same node, a sample before training and others beside it.
    until(page, f"{POINTS} > 0")
    page.evaluate("document.querySelector('.tl-live .js-plotly-plot').dataset.mine = 'same node'")
    expect(main).to_contain_text("Before training")
    expect(main).to_contain_text(f"After {STEPS} steps", timeout=300_000)
    assert page.evaluate("document.querySelector('.tl-live .js-plotly-plot').dataset.mine") == "same node"
    expect(main).to_contain_text("Finished", timeout=300_000)
    expect(main).to_contain_text(f"in {STEPS} steps")
    expect(main).to_contain_text(READING)
    before, after, made = map(float, READING.search(main.inner_text()).groups())
    assert made == STEPS
    assert after < before * 2 / 3, "at least a third less"
    expect(main).to_contain_text("Forgetting")

    # The same prompt and seed for both; another prompt is answered by both too.
    page.get_by_role("button", name="Let both write").click()
    expect(page.get_by_text(re.compile("^After: "))).to_be_visible()
    until(page, "[...document.querySelectorAll('.tl-passage')].slice(-2).every((one) => one.innerText.length > 60)")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    base, tuned = passages(page)
    assert base != tuned
    assert base.startswith("Once upon a time") and tuned.startswith("Once upon a time")
    assert re.search(r"[A-Z]{3,}", tuned), "Shakespeare's speakers stand in capitals"

    # The model goes home in the Hub's format.
    page.get_by_role("button", name="Take it home").click()
    page.get_by_role("button", name="Prepare: Model in the Hub's format (.zip)").click()
    link = page.get_by_role("link", name="Model in the Hub's format (.zip)")
    expect(link).to_have_count(1)
    with page.expect_download() as download:
        link.click()
    assert download.value.path().read_bytes().startswith(b"PK")
