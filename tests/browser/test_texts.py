"""Classifying texts as a person does it: paste lines with labels, train, read the report, type a sentence."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tl_core.base import packages
from tl_core.base.errors import UserError
from tl_core.text.data import reviews
from tl_core.text.pretrained.encoders import ENCODERS

pytestmark = pytest.mark.browser


def test_from_pasted_lines_to_the_influence_of_a_word(app: App, page: Page):
    try:
        packages.located(ENCODERS["minilm"].package)
    except UserError as error:
        pytest.skip(f"ENCODER ABSENT: {error.what} {error.remedy}")
    main = page.get_by_test_id("stMain")
    lines = reviews.write("en", 120, difficulty=reviews.Difficulty(0, 0, 0))
    page.goto(f"{app.url}/texts")
    page.get_by_role("tab", name="Paste").click()
    page.get_by_role("textbox", name="One example a line").fill("\n".join(f"{text}\t{label}" for text, label in lines))
    page.get_by_role("button", name="Take these lines").click()
    expect(main).to_contain_text("Texts to train on")
    expect(main).to_contain_text("MiniLM-L6 from the installed package")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/run\?.*run="))
    expect(main).to_contain_text("Finished")
    expect(main).to_contain_text("On the validation texts")
    expect(main).to_contain_text("What is taken for what")
    assert float(re.search(r"Accuracy\s+([\d.]+)\s*%", main.inner_text())[1]) > 70

    page.get_by_role("link", name="Classify texts with this model").click()
    expect(main).to_contain_text("Ready to answer")
    page.get_by_role("textbox", name="Text").fill("What a wonderful film!")
    page.get_by_role("button", name="Classify").click()
    expect(main).to_contain_text("Influence of each word")
    expect(main.locator(".tl-words span")).to_have_text(["What", "a", "wonderful", "film!"])
    expect(main).to_contain_text("positive")
