"""The Pictures page: ways in, the report, the split, putting in order, and what it says when something is wrong."""

import json
import time

import pytest

from pages.material import intake, tidy, ways_in
from tests.images.data.drawing import huge_png, jpeg, tree
from tests.pages.made import ME, drawn, opened, recipe, run_of, words
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data import jobs
from tl_core.images.data.ingest import ingest

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])


def components(test) -> dict:
    """Name -> the data of the page's own components."""
    return {
        element.proto.component_name: json.loads(element.proto.json or "{}") for element in test.get("bidi_component")
    }


def settled(test):
    """The page once its job has ended; tests have no browser, so nobody ticks."""
    deadline = time.monotonic() + 20
    while any(job.active for job in jobs.of(ME)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return test.run()


@pytest.fixture
def choose(monkeypatch):
    """Choose pictures in the grid of a page, as the browser would tell it, and draw the page anew."""
    chosen = []
    monkeypatch.setattr(tidy, "image_grid", lambda dataset, shown, **_rest: [*chosen])

    def chooser(test, *keys: str):
        chosen[:] = keys
        return test.run()

    return chooser


@LANGUAGES
def test_without_pictures_all_ways_in_are_open(language):
    test = opened("data", language)
    assert set(components(test)) == {"tl_drop"}
    assert len(test.tabs) == 4
    assert not test.get("expander")
    assert not [button for button in test.button if button.key == "data_train"]


@LANGUAGES
def test_a_dataset_is_shown_with_its_classes_split_and_pictures(language):
    dataset = drawn()
    test = opened("data", language)
    shown = components(test)
    assert {"tl_drop", "tl_classes", "tl_grid"} == set(shown)
    assert len(shown["tl_grid"]["items"]) == len(dataset.images)
    assert shown["tl_grid"]["items"][0]["src"] == f"tl/picture/{dataset.id}/{dataset.images[0].id}?side=128"
    assert [metric.value for metric in test.metric] == ["30", "3", "64 × 64 px", "0", "0"]
    assert shown["tl_classes"]["total"][1:] == ["18", "6", "6"]
    assert not test.button(key="data_train").disabled


def test_the_split_follows_the_sliders():
    drawn()
    test = opened("data")
    test.slider(key="train_validation").set_value(40).run()
    test.slider(key="train_test").set_value(0).run()
    assert components(test)["tl_classes"]["total"][1:] == ["18", "12", "0"]


def test_ready_made_parts_are_respected_and_said():
    files = [(f"{part}/{name}/{n}.jpg", jpeg(100 * p + 10 * c + n))
             for p, part in enumerate(("train", "val")) for c, name in enumerate("ab") for n in range(8)]  # fmt: skip
    ingest(files, name="parted", owner=ME)
    test = opened("data")
    assert "bring their own split" in words(test)
    assert test.slider(key="train_validation").disabled
    assert not test.slider(key="train_test").disabled
    assert components(test)["tl_classes"]["total"][1:] == ["12", "16", "4"]


def test_refused_files_are_counted_by_reason_and_listed(tmp_path):
    folder = tree(tmp_path / "mixed", a=12, b=4)
    for name in ("zero.jpg", "none.jpg"):
        (folder / "a" / name).write_bytes(b"")
    (folder / "a" / "page.jpg").write_text("<html>")
    (folder / "b" / "huge.png").write_bytes(huge_png(30_000, 30_000))
    ingest(folder, name="mixed", owner=ME)
    test = opened("data")
    said = words(test)
    assert "**2** × The file is empty." in said
    assert "30000 x 30000 px" in said
    assert len(test.dataframe[0].value) == 4
    assert "The classes are uneven" in said
    assert "Fewer than 10 pictures: b" in said


def test_names_are_not_read_as_markdown():
    files = [
        (f"{name}/{n}.jpg", jpeg(50 * c + n)) for c, name in enumerate(("*bold*", "b")) for n in range(40 - 30 * c)
    ]
    ingest(files, name="[x](y)", owner=ME)
    said = words(opened("data"))
    assert "\\*bold\\*" in said
    assert "*bold*" not in said.replace("\\*bold\\*", "")


def test_pictures_are_removed_relabelled_and_brought_back(choose):
    dataset = drawn()
    test = choose(opened("data"), "circle/0.png", "circle/1.png")
    assert "2 pictures are chosen." in words(test)
    test.button(key="tidy_remove").click().run()
    assert datasets.load(datasets.latest(dataset.id)).counts == (8, 10, 10)
    assert next(metric.value for metric in test.metric) == "28"
    test.button(key="tidy_undo").click().run()
    assert datasets.latest(dataset.id) == dataset.id
    assert test.button(key="tidy_undo").disabled
    test = choose(test, "square/3.png")
    test.selectbox(key="tidy_target").set_value("circle").run()
    test.button(key="tidy_relabel").click().run()
    assert datasets.load(datasets.latest(dataset.id)).counts == (11, 9, 10)


def test_spare_copies_go_at_one_click_and_doubtful_ones_stay():
    files = [(f"a/{n}.jpg", jpeg(n)) for n in range(12)] + [(f"b/{n}.jpg", jpeg(50 + n)) for n in range(12)]
    files += [("a/again.jpg", jpeg(0)), ("b/stranger.jpg", jpeg(1))]
    dataset = ingest(files, name="copies", owner=ME)
    test = opened("data")
    assert "lie in more than one class" in words(test)
    test.segmented_control(key="tidy_class").set_value("=").run()
    assert len(components(test)["tl_grid"]["items"]) == 4
    test.button(key="tidy_spare").click().run()
    left = {image.key for image in datasets.load(datasets.latest(dataset.id)).images}
    assert len(left) == 25
    assert {"a/1.jpg", "b/stranger.jpg"} <= left


@pytest.mark.usefixtures("elsewhere")
def test_what_somebody_else_brought_in_may_be_trained_on_but_not_changed():
    ingest([(f"{c}/{n}.jpg", jpeg(ord(c) + 3 * n)) for c in "az" for n in range(10)], name="theirs", owner="somebody")
    test = opened("data")
    assert test.selectbox(key="shelf_chosen").value is None, "what others brought in is never the default"
    assert not [button for button in test.button if button.key == "data_train"]
    test.selectbox(key="shelf_chosen").select_index(0).run()
    assert not test.exception
    keys = {button.key for button in test.button}
    assert not {key for key in keys if key.startswith(("tidy_", "shelf_"))}
    assert not test.button(key="data_train").disabled
    assert "from somebody else" in test.selectbox(key="shelf_chosen").options[0]


def test_a_dataset_is_renamed_and_deleted_but_not_under_a_run():
    dataset = drawn()
    test = opened("data")
    test.text_input(key=f"shelf_name {dataset.id} shapes").set_value("my shapes").run()
    test.button(key="shelf_save").click().run()
    assert datasets.summary(dataset.id).name == "my shapes"
    run = run_of(recipe(dataset), name="busy")
    test.button(key="shelf_delete_now").click().run()
    assert "The run busy is working with these pictures" in words(test)
    assert len(datasets.available()) == 1
    events.append(run.log, events.Stopped())
    test.button(key="shelf_delete_now").click().run()
    assert not datasets.available()
    assert not test.exception


def test_train_on_these_pictures_takes_them_along():
    drawn()
    second = drawn(("a", "b"))
    test = opened("data", dataset=second.id)
    test.button(key="data_train").click().run()
    assert test.title[0].value == "Train"
    assert test.selectbox(key="train_dataset").value == second.id


def test_a_folder_on_the_server_is_read_in_the_background(tmp_path):
    tree(tmp_path / "garden", daisy=6, rose=6)
    test = opened("data")
    test.text_input(key="data_path").set_value(str(tmp_path / "garden")).run()
    test.button(key="data_read").click().run()
    assert intake.ADDRESS in test.query_params or datasets.available()
    test = settled(test)
    assert not test.exception
    [summary] = datasets.available()
    assert (summary.name, summary.classes, summary.owner) == ("garden", ("daisy", "rose"), ME)
    assert test.session_state["session_dataset"] == summary.id
    assert intake.ADDRESS not in test.query_params


def test_a_refreshed_page_finds_its_job_again(tmp_path):
    tree(tmp_path / "garden", daisy=6, rose=6)
    job = jobs.start(tmp_path / "garden", name="garden", owner=ME)
    while jobs.get(job).active:
        time.sleep(0.01)
    newer = drawn()
    test = opened("data", ingest=job)  # a new session knows nothing but the address
    assert test.session_state["session_dataset"] == jobs.get(job).dataset != newer.id
    assert intake.ADDRESS not in test.query_params


def test_a_job_of_somebody_else_is_not_shown(tmp_path):
    tree(tmp_path / "garden", daisy=6, rose=6)
    job = jobs.start(tmp_path / "garden", name="secret garden", owner="somebody")
    test = opened("data", ingest=job)
    assert "session_dataset" not in test.session_state


@LANGUAGES
def test_pictures_that_cannot_be_taken_are_explained(tmp_path, language):
    (tmp_path / "nothing").mkdir()
    test = opened("data", language)
    test.text_input(key="data_path").set_value(str(tmp_path / "nothing")).run()
    test.button(key="data_read").click().run()
    said = [error.value for error in (*test.error, *settled(test).error)]  # a fast machine says it at once
    assert len(said) == 1
    assert "nothing" in said[0]
    assert not test.run().error


def test_class_by_class():
    test = opened("data")
    assert test.button(key="data_classes").disabled
    for row, name in enumerate(("cat", "dog")):
        test.text_input(key=f"data_name_0_{row}").set_value(name)
        files = [(f"{n}.jpg", jpeg(100 * row + n), "image/jpeg") for n in range(3)]
        test.file_uploader(key=f"data_files_0_{row}").set_value(files)
    test.run()
    test.button(key="data_classes").click().run()
    test = settled(test)
    [summary] = datasets.available()
    assert (summary.name, summary.classes, summary.images) == ("cat, dog", ("cat", "dog"), 6)
    assert test.text_input(key="data_name_1_0").value == ""


def test_two_classes_of_one_name_are_not_taken():
    test = opened("data")
    for row in range(2):
        test.text_input(key=f"data_name_0_{row}").set_value("cat")
        test.file_uploader(key=f"data_files_0_{row}").set_value([("a.jpg", jpeg(row), "image/jpeg")])
    test.run()
    assert test.button(key="data_classes").disabled
    assert "the same name" in words(test)


@pytest.mark.usefixtures("elsewhere")
def test_a_server_that_strangers_reach_shows_only_the_allowed_root(tmp_path, monkeypatch):
    assert len(opened("data").tabs) == 3
    tree(tmp_path / "root" / "garden", daisy=2, rose=2)
    monkeypatch.setenv("TL_DATA_ROOT", str(tmp_path / "root"))
    test = opened("data")
    assert test.selectbox(key="data_path").options == ["garden"]


@pytest.mark.parametrize("wanted", ["..", "../secret", "/etc", "link", "missing", "garden/notes.txt"])
def test_paths_outside_the_root_or_unfit_are_refused(tmp_path, wanted):
    root = tree(tmp_path / "root" / "garden", daisy=1).parent
    (root / "garden" / "notes.txt").write_text("x")
    (tmp_path / "secret").mkdir()
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError):
        ways_in.below(root, wanted)
    assert ways_in.below(root, " garden ") == root / "garden"


def test_the_whole_disk_is_refused(tmp_path):
    with pytest.raises(UserError, match="whole disk"):
        ways_in.below(tmp_path.__class__("/"), "/")
