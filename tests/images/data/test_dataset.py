"""Edits never change what an id means; undo gives the old id back; what is damaged is a clear error."""

import io
import json
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.images.data.drawing import encoded, jpeg, picture
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data import edits
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest

pytestmark = pytest.mark.usefixtures("tl_home")


@pytest.fixture
def flowers(tl_home: Path) -> Dataset:
    """Three roses, two tulips, one lily."""
    names = ["roses/0.jpg", "roses/1.jpg", "roses/2.jpg", "tulips/3.jpg", "tulips/4.jpg", "lilies/5.jpg"]
    return ingest([(name, jpeg(n)) for n, name in enumerate(names)], name="flowers", owner="ada")


def keys(dataset: Dataset) -> dict[str, str]:
    return {image.key: dataset.classes[image.label] for image in dataset.images}


def test_remove_and_relabel_make_new_states_and_leave_the_old_ones(flowers: Dataset):
    fewer = datasets.remove(flowers, ["roses/0.jpg"])
    moved = datasets.relabel(fewer, ["roses/1.jpg"], "tulips")
    assert [dataset.id for dataset in (flowers, fewer, moved)] == [flowers.id, f"{flowers.id}@1", f"{flowers.id}@2"]
    for dataset, images, tulips in ((flowers, 6, 2), (fewer, 5, 2), (moved, 5, 3)):
        again = datasets.load(dataset.id)
        assert again == dataset and len(again.images) == images
        assert list(keys(again).values()).count("tulips") == tulips
    assert datasets.latest(flowers.id) == datasets.latest(moved.id) == moved.id


def test_undo_gives_the_id_of_the_state_before_back(flowers: Dataset):
    fewer = datasets.remove(flowers, ["roses/0.jpg"])
    moved = datasets.relabel(fewer, ["roses/1.jpg"], "tulips")
    assert datasets.undo(moved) == fewer and datasets.latest(flowers.id) == fewer.id
    assert datasets.undo(fewer) == flowers and datasets.latest(moved.id) == flowers.id
    assert not datasets.can_undo(flowers)
    with pytest.raises(UserError, match="nothing to undo"):
        datasets.undo(flowers)
    other = datasets.remove(flowers, ["lilies/5.jpg"])  # line 5: a new state has an id that never was another's
    assert other.id == f"{flowers.id}@5" and len(datasets.load(moved.id).images) == 5


def test_reset_takes_everything_back_and_can_be_undone(flowers: Dataset):
    fewer = datasets.remove(datasets.remove(flowers, ["roses/0.jpg"]), ["roses/1.jpg"])
    assert datasets.reset(fewer.id) == flowers.id == datasets.latest(fewer.id)
    assert datasets.reset(fewer.id) == flowers.id
    assert datasets.can_undo(flowers)
    assert datasets.undo(flowers) == fewer


def test_a_class_without_pictures_goes_and_comes_back(flowers: Dataset):
    assert flowers.classes == ("lilies", "roses", "tulips")
    without = datasets.remove(flowers, ["lilies/5.jpg"])
    assert without.classes == ("roses", "tulips") and without.counts == (3, 2)
    assert keys(without) == {key: name for key, name in keys(flowers).items() if name != "lilies"}
    assert datasets.undo(without).classes == flowers.classes
    merged = datasets.relabel(flowers, ["tulips/3.jpg", "tulips/4.jpg"], "roses")
    assert merged.classes == ("lilies", "roses") and merged.counts == (1, 5)
    back = datasets.relabel(datasets.remove(flowers, ["lilies/5.jpg"]), ["roses/0.jpg"], "lilies")
    assert back.classes == ("lilies", "roses")


def test_a_new_class_is_put_behind_the_others_under_a_tidy_name(flowers: Dataset):
    assert datasets.relabel(flowers, ["roses/0.jpg"], "  pink \n roses ").classes[-1] == "pink roses"
    assert datasets.relabel(flowers, ["roses/0.jpg"], "x" * 200).classes[-1] == "x" * 80
    with pytest.raises(UserError, match="no name"):
        datasets.relabel(flowers, ["roses/0.jpg"], " \t")


def test_removing_everything_is_survived(flowers: Dataset):
    nothing = datasets.remove(flowers, keys(flowers))
    assert nothing.images == () and nothing.classes == () and nothing.counts == ()
    assert datasets.undo(nothing) == flowers


def test_no_known_picture_is_an_error_and_no_edit(flowers: Dataset):
    for chosen in ([], ["nowhere.jpg"]):
        with pytest.raises(UserError, match="No picture is chosen"):
            datasets.remove(flowers, chosen)
    assert datasets.latest(flowers.id) == flowers.id


def test_lists_show_the_present_state(flowers: Dataset):
    fewer = datasets.remove(flowers, ["lilies/5.jpg"])
    (summary,) = datasets.available()
    assert summary == datasets.summary(flowers.id)
    assert (summary.id, summary.images, summary.classes) == (fewer.id, 5, ("roses", "tulips"))
    assert (summary.owner, summary.name) == ("ada", "flowers")
    datasets.undo(fewer)
    assert datasets.summary(fewer.id).images == 6


def test_rename(flowers: Dataset):
    datasets.remove(flowers, ["lilies/5.jpg"])
    datasets.rename(flowers.id, "  Blumen 花 ")
    assert datasets.load(flowers.id).name == datasets.summary(flowers.id).name == "Blumen 花"
    assert datasets.summary(flowers.id).images == 5
    with pytest.raises(UserError, match="no name"):
        datasets.rename(flowers.id, "  ")


def test_two_tabs_that_edit_at_once_lose_nothing(flowers: Dataset):
    found: list[Dataset] = []
    chosen = ["roses/0.jpg", "roses/1.jpg", "tulips/3.jpg", "lilies/5.jpg"]
    threads = [threading.Thread(target=lambda key=key: found.append(datasets.remove(flowers, [key]))) for key in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = datasets.load(datasets.latest(flowers.id))
    assert set(keys(last)) == {"roses/2.jpg", "tulips/4.jpg"}
    assert len({dataset.id for dataset in found}) == 4
    assert datasets.summary(flowers.id).images == 2


def test_an_edit_of_a_stale_tab_is_added_to_the_newest_state(flowers: Dataset):
    datasets.remove(flowers, ["roses/0.jpg"])
    moved = datasets.relabel(flowers, ["roses/0.jpg", "roses/1.jpg"], "tulips")  # still sees roses/0.jpg
    assert keys(moved) == {
        **{key: name for key, name in keys(flowers).items() if key != "roses/0.jpg"}, "roses/1.jpg": "tulips"
    }  # fmt: skip


def test_a_torn_line_of_edits_changes_nothing_but_keeps_its_number(flowers: Dataset):
    fewer = datasets.remove(flowers, ["roses/0.jpg"])
    with open(flowers.folder / edits.LOG, "ab") as file:
        file.write(b'{"op":"remove","keys":["tul')
    assert datasets.load(datasets.latest(flowers.id)) == fewer
    other = datasets.remove(fewer, ["lilies/5.jpg"])
    assert other.id == f"{flowers.id}@3" and len(other.images) == 4
    assert datasets.load(f"{flowers.id}@2").images == fewer.images


def test_a_dataset_that_was_deleted_and_brought_in_again_has_no_memory(flowers: Dataset):
    fewer = datasets.remove(flowers, ["roses/0.jpg"])
    datasets.delete(fewer.id)
    with pytest.raises(UserError, match="not here"):
        datasets.load(flowers.id)
    with pytest.raises(UserError, match="not here"):
        datasets.remove(fewer, ["roses/1.jpg"])
    names = ["roses/0.jpg", "roses/1.jpg", "roses/2.jpg", "tulips/3.jpg", "tulips/4.jpg", "lilies/5.jpg"]
    again = ingest([(name, jpeg(n)) for n, name in enumerate(names)], name="flowers", owner="ada")
    assert again.id == flowers.id and len(again.images) == 6
    with pytest.raises(UserError, match="not here"):
        datasets.load(fewer.id)
    assert set(keys(datasets.remove(again, ["tulips/3.jpg"]))) == set(names) - {"tulips/3.jpg"}


@pytest.mark.parametrize("id", ["", "x", "../../etc", "0" * 16, "0123456789ABCDEF", None, "0" * 16 + "@1"])
def test_ids_that_name_nothing(id: str):
    for look in (datasets.load, datasets.latest, datasets.delete, datasets.summary, datasets.folder_of):
        with pytest.raises(UserError, match="is not here"):
            look(id)


def test_a_state_that_never_was(flowers: Dataset):
    for _ in range(2):
        with pytest.raises(UserError, match="is not here"):
            datasets.load(f"{flowers.id}@7")


@pytest.mark.parametrize("name", ["manifest.json", "summary.json"])
def test_damaged_files_are_an_error_and_left_out_of_lists(flowers: Dataset, name: str):
    for content in ("", "{", "[]"):
        (flowers.folder / name).write_text(content)
        with pytest.raises(UserError, match="damaged"):
            datasets.load(flowers.id)
        if name == "summary.json":
            assert datasets.available() == []


def test_a_thumbnail_is_the_central_square(flowers: Dataset):
    for image in flowers.images:
        data = datasets.thumbnail_of(flowers.path(image), side=32)
        assert Image.open(io.BytesIO(data)).size == (32, 32)
    with pytest.raises(OSError):
        datasets.thumbnail_of(flowers.folder / "nothing.jpg")


def test_manifest_holds_what_it_promises(flowers: Dataset):
    manifest = json.loads((flowers.folder / "manifest.json").read_text())
    assert manifest["classes"] == ["lilies", "roses", "tulips"] and len(manifest["images"]) == 6
    assert manifest["rejected"] == [] and manifest["notices"] == []


def test_what_earlier_versions_stored_with_a_picture_does_not_leave_with_its_thumbnail(flowers: Dataset):
    """They kept small JPEGs byte for byte; those stay as they are, since their names are their hashes."""
    exif = Image.Exif()
    exif[0x010E] = "Secret place"
    path = flowers.path(flowers.images[0])
    path.write_bytes(encoded(picture(), exif=exif, comment="Secret place"))
    assert b"Secret" in path.read_bytes()
    assert b"Secret" not in datasets.thumbnail_of(path)
