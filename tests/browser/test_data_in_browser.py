"""The ways in for pictures as a person uses them, and putting a dataset in order, in a real Chromium."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, App, emptied, until
from tests.browser.test_image_lab import CLASSES, drop
from tests.images.data.drawing import tree

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("no_spare")]
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def flowers(shared: Path, tmp_path: Path) -> Path:
    """A folder of real flowers, class/file.jpg."""
    with zipfile.ZipFile(shared / "data" / "flowers.zip") as archive:
        archive.extractall(tmp_path / "my flowers")
    return tmp_path / "my flowers"


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A folder of pictures that take a while to decode: a few seconds all together."""
    picture = tmp_path / "large.png"
    Image.new("RGB", (6000, 6000), (10, 50, 90)).save(picture, compress_level=1)
    for name in ("left", "right"):
        (tmp_path / "slow" / name).mkdir(parents=True)
        for number in range(20):
            shutil.copy(picture, tmp_path / "slow" / name / f"{number}.png")
    return tmp_path / "slow"


def dataset(page: Page, name: str) -> None:
    """Wait until the page shows this dataset."""
    expect(page.get_by_label("Dataset", exact=True)).to_have_value(re.compile(f"^{re.escape(name)} · "))


def open_ways_in(page: Page) -> None:
    """Open the ways in of a page that shows a dataset."""
    page.get_by_text("Bring other pictures in").click()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()


def classes(page: Page, *names: str) -> None:
    """Wait until the table of classes has exactly these rows; it follows after the name of the dataset."""
    expect(page.locator(".tl-classes").first.locator("tbody .tl-classes-name")).to_have_text(names)


def test_dropped_browsed_and_zipped_folders_keep_their_classes(app: App, page: Page, flowers: Path, shared: Path):
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    drop(page, flowers)
    dataset(page, "my flowers")
    classes(page, *CLASSES)
    expect(page.get_by_test_id("stMain")).to_contain_text("600 pictures to train on, 200 to validate, 200 kept")
    seen = page.locator(".tl-grid img").first
    assert seen.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128

    open_ways_in(page)
    page.locator(".tl-drop-folder").set_input_files(flowers / "roses")
    dataset(page, "roses")
    classes(page, "roses")
    expect(page.get_by_role("button", name="Train on these pictures")).to_be_disabled()

    open_ways_in(page)
    drop(page, shared / "data" / "cats_dogs.zip")
    dataset(page, "cats_dogs")
    classes(page, "cats", "dogs")
    expect(page.get_by_test_id("stMain")).to_contain_text("bring their own split")
    emptied(app.home / "uploads")

    page.reload()
    dataset(page, "cats_dogs")
    assert len(list((app.home / "datasets").glob("[0-9a-f]*"))) == 3


def test_names_in_any_script_and_an_empty_class(app: App, page: Page, tmp_path: Path):
    folder = tree(tmp_path / "Blumen 花", **{"Rosé 玫瑰": 12, "*tulip*": 12})
    (folder / "nobody").mkdir()
    (folder / ".DS_Store").write_bytes(b"x")
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    drop(page, folder)
    dataset(page, "Blumen 花")
    classes(page, "*tulip*", "Rosé 玫瑰")
    expect(page.get_by_test_id("stMain")).to_contain_text("nobody")
    expect(page.get_by_test_id("stMain")).not_to_contain_text("DS_Store")


def test_a_refresh_finds_the_ingest_again_and_stop_leaves_nothing(app: App, page: Page, slow: Path):
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    drop(page, slow)
    at_work = page.get_by_text(re.compile("Checking the pictures of slow: [1-9]"))
    expect(at_work).to_be_visible()
    page.reload()
    expect(at_work).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped: nothing of slow was kept.")).to_be_visible()
    expect(page.locator(".tl-drop")).to_be_visible()
    emptied(app.home / "datasets")
    emptied(app.home / "uploads")


def test_an_upload_survives_a_bad_network_and_a_cancel_leaves_nothing(app: App, page: Page, tmp_path: Path):
    folder = tree(tmp_path / "garden", daisy=12, rose=12)
    parts = "**/tl/upload/*/*"
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    page.route(parts, lambda route: None)  # nothing ever answers
    drop(page, folder)
    expect(page.get_by_text("Sending: 0 of 24 files")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Drop a folder of pictures here")).to_be_visible()
    until(page, "!document.querySelector('.tl-drop [role=status]')")
    page.unroute_all(behavior="ignoreErrors")

    answers = []
    page.route(parts, lambda route: answers.append(1) or (route.abort() if len(answers) < 5 else route.continue_()))
    drop(page, folder)  # four refusals use up the patience; the part is sent again on demand
    page.get_by_role("button", name="Go on").click()
    dataset(page, "garden")
    classes(page, "daisy", "rose")
    assert len(answers) == 5
    emptied(app.home / "uploads")


def test_pictures_are_chosen_with_mouse_and_keys_and_removed(app: App, page: Page, tmp_path: Path):
    folder = tree(tmp_path / "garden", daisy=12, rose=12)
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    drop(page, folder)
    dataset(page, "garden")
    cells = page.locator(".tl-grid-cell")
    cells.nth(1).click()
    cells.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".tl-grid-cell[aria-selected=true]")).to_have_count(4)
    cells.nth(2).click()
    page.get_by_role("button", name="Remove 3 pictures").click()
    expect(page.get_by_text("daisy (9)")).to_be_visible()
    expect(cells).to_have_count(21)

    cells.nth(0).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("button", name="Remove 2 pictures")).to_be_enabled()
    page.get_by_label("Another class").fill("marguerite")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Relabel").click()
    expect(page.get_by_text("marguerite (2)")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("daisy (9)")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("daisy (12)")).to_be_visible()


def test_the_split_is_the_same_here_and_on_the_train_page(app: App, page: Page, tmp_path: Path):
    page.goto(f"{app.url}/data")
    expect(page.locator(".tl-drop")).to_be_visible()
    drop(page, tree(tmp_path / "garden", daisy=20, rose=20))
    dataset(page, "garden")
    validation = page.get_by_role("slider", name="For validation")
    validation.focus()
    for _step in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("stMain")).to_contain_text("16 to validate")
    page.get_by_role("button", name="Train on these pictures").click()
    expect(page.get_by_test_id("stMain")).to_contain_text("16 to validate")
    page.get_by_text("Advanced", exact=True).click()
    expect(page.get_by_role("slider", name="For validation")).to_have_value("40")
