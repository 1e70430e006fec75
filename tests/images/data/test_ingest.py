"""From folders, ZIPs and files to a dataset: classes, parts and names, and one clear reason for each refusal."""

import errno
import os
import resource
import struct
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.images.data.drawing import encoded, huge_png, jpeg, picture, tree
from tl_core.base import paths
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Progress
from tl_core.images.data import dataset as datasets
from tl_core.images.data import ingest as ingesting
from tl_core.images.data import layout, sources
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest

pytestmark = pytest.mark.usefixtures("tl_home")


def files(*names: str) -> list[tuple[str, bytes]]:
    """Different pictures under these names."""
    return [(name, jpeg(number)) for number, name in enumerate(names)]


def packed(path: Path, entries: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def counts(dataset: Dataset) -> dict[str, int]:
    return dict(zip(dataset.classes, dataset.counts, strict=True))


def refused(dataset: Dataset) -> dict[str, str]:
    return {key: str(reason) for key, reason in datasets.rejected(dataset.id)}


def notices(dataset: Dataset) -> list[str]:
    return [str(item) for item in datasets.read_manifest(dataset.id).notices]


def nothing_left() -> bool:
    return not list(paths.datasets().iterdir())


def test_what_a_camera_wrote_into_a_file_is_not_stored_anywhere():
    exif = Image.Exif()
    exif[0x010E] = "Secret place"
    dataset = ingest([(f"{c}/1.jpg", encoded(picture(n), exif=exif)) for n, c in enumerate("ab")], name="x")
    files = [path for path in dataset.folder.rglob("*") if path.is_file()]
    assert len(files) >= 4 and not any(b"Secret" in path.read_bytes() for path in files)


# Ways in


def test_a_folder_a_zip_parts_and_files_give_the_same_dataset(tmp_path: Path):
    folder = tree(tmp_path / "pets", cats=3, dogs=2)
    entries = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in sorted(folder.rglob("*.jpg"))]
    upload = tmp_path / "upload"
    upload.mkdir()
    packed(upload / "part-0.zip", entries[:2])
    packed(upload / "part-10.zip", entries[2:4])
    packed(upload / "part-2.zip", entries[4:])
    (upload / "owner").write_text("x")
    ways = [folder, packed(tmp_path / "pets.zip", entries), upload, entries, [(n, folder / n) for n, _ in entries]]
    found = [ingest(way, name="pets", owner="ada") for way in ways]
    assert {dataset.id for dataset in found} == {found[0].id}
    assert counts(found[0]) == {"cats": 3, "dogs": 2}
    assert not datasets.rejected(found[0].id)
    for image in found[0].images:
        assert found[0].path(image).read_bytes() == dict(entries)[image.key]


def test_a_zip_dropped_where_a_folder_was_expected_is_opened(tmp_path: Path):
    inner = packed(tmp_path / "pets.zip", files("pets/cats/a.jpg", "pets/dogs/b.jpg"))
    upload = tmp_path / "upload"
    upload.mkdir()
    packed(upload / "part-0.zip", [("pets.zip", inner.read_bytes())])
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "pets.zip").write_bytes(inner.read_bytes())
    for way in (upload, alone, [("pets.zip", inner.read_bytes())], [("pets.zip", inner)], inner):
        assert counts(ingest(way, name="pets")) == {"cats": 1, "dogs": 1}
    twice = packed(tmp_path / "twice.zip", [("outer.zip", (upload / "part-0.zip").read_bytes())])
    with pytest.raises(UserError, match="nested ZIP"):
        ingest(twice, name="pets")


def test_a_bomb_inside_a_zip_is_refused_before_a_byte_of_it_is_written(tmp_path: Path, monkeypatch):
    """Three gigabytes of zeros in three megabytes; here it is fewer, the ratio is the same."""
    outer = packed(tmp_path / "outer.zip", [("inner.zip", bytes(300_000_000))])
    assert outer.stat().st_size < 300_000_000 / sources.MAX_RATIO
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(UserError, match="ZIP bomb"):
        ingest(outer, name="x")
    assert nothing_left()


def test_many_small_zips_of_nothing_are_a_bomb_too(tmp_path: Path, monkeypatch):
    """Each is too small to be looked at alone; together they unpack to what the whole file cannot hold."""
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a/1.jpg", bytes(1_000_000))
    data = (tmp_path / "inner.zip").read_bytes()
    outer = packed(tmp_path / "outer.zip", [(f"{number}.zip", data) for number in range(10)])
    monkeypatch.setattr(sources, "MAX_RATIO", 9)
    with pytest.raises(UserError, match="ZIP bomb"):
        ingest(outer, name="x")
    assert nothing_left()


def test_an_upload_of_more_parts_than_a_process_may_have_open_files_is_ingested(tmp_path: Path):
    for number in range(60):
        packed(tmp_path / f"part-{number}.zip", [(f"{'ab'[number % 2]}/{number}.jpg", jpeg(number))])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 40, hard))
    try:
        assert counts(ingest(tmp_path, name="x")) == {"a": 30, "b": 30}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_only_so_many_zips_inside_a_zip_are_opened(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_INNER_FILES", 3)
    pets = packed(tmp_path / "pets.zip", files("a/1.jpg", "b/2.jpg")).read_bytes()
    inner = [(f"{number}.zip", pets) for number in range(4)]
    with pytest.raises(UserError, match="at most 3"):
        ingest(packed(tmp_path / "outer.zip", inner), name="x")
    assert len(ingest(packed(tmp_path / "outer.zip", inner[:3]), name="x").images) == 6


def test_zips_inside_a_zip_take_no_more_of_the_disk_than_is_theirs(tmp_path: Path, monkeypatch):
    inner = packed(tmp_path / "pets.zip", files("pets/cats/a.jpg", "pets/dogs/b.jpg")).read_bytes()
    outer = packed(tmp_path / "outer.zip", [("a.zip", inner), ("b.zip", inner)])
    monkeypatch.setattr(sources, "MAX_INNER", 2 * len(inner) - 1)
    with pytest.raises(UserError, match="take more than"):
        ingest(outer, name="x")
    monkeypatch.setattr(sources, "MAX_INNER", 2 * len(inner))
    assert len(ingest(outer, name="x").images) == 4


def test_a_zip_inside_a_zip_is_not_unpacked_for_whoever_has_stopped(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, 6 << 20, np.uint8).tobytes()
    outer = packed(tmp_path / "outer.zip", [("inner.zip", noise)])
    looks = []

    def should_stop() -> bool:
        looks.append(sum(path.stat().st_size for path in paths.datasets().rglob("inner-*.zip")))
        return len(looks) > 2

    with pytest.raises(Stopped):
        ingest(outer, name="x", should_stop=should_stop)
    assert looks[-1] < len(noise), "it stopped on the way"
    assert nothing_left()


def test_a_zip_among_pictures_is_refused_and_the_pictures_kept(tmp_path: Path):
    inner = packed(tmp_path / "inner.zip", files("x.jpg"))
    dataset = ingest([*files("a/1.jpg", "b/2.jpg"), ("b/inner.jpg", inner.read_bytes())], name="x")
    assert counts(dataset) == {"a": 1, "b": 1} and "nested ZIP" in refused(dataset)["b/inner.jpg"]


# Classes and parts


@pytest.mark.parametrize(
    ("names", "classes", "parts"),
    [
        (["roses/1.jpg", "tulips/2.jpg"], {"roses": 1, "tulips": 1}, {None}),
        (["flowers/roses/1.jpg", "flowers/tulips/2.jpg"], {"roses": 1, "tulips": 1}, {None}),
        (["a/b/c/roses/1.jpg", "a/b/c/tulips/2.jpg"], {"roses": 1, "tulips": 1}, {None}),
        (["roses/red/1.jpg", "roses/2.jpg", "tulips/x/y/3.jpg"], {"roses": 2, "tulips": 1}, {None}),
        (["train/a/1.jpg", "validation/a/2.jpg", "train/b/3.jpg"], {"a": 2, "b": 1}, {"train", "validation"}),
        (["d/Train/a/1.jpg", "d/VAL/b/2.jpg", "d/test/a/3.jpg"], {"a": 2, "b": 1}, {"train", "validation", "test"}),
        (["训练集/猫/1.jpg", "测试集/狗/2.jpg"], {"猫": 1, "狗": 1}, {"train", "test"}),
        (["train/1.jpg", "car/2.jpg", "plane/3.jpg"], {"train": 1, "car": 1, "plane": 1}, {None}),
        (["cat.1.jpg", "cat.2.jpg", "dog.1.jpg"], {"cat": 2, "dog": 1}, {None}),
        (["pets/cat_1.jpg", "pets/dog (2).jpg"], {"cat": 1, "dog": 1}, {None}),
        (["train/cat.1.jpg", "test/cat.2.jpg", "train/dog.3.jpg"], {"cat": 2, "dog": 1}, {"train", "test"}),
        (["1.jpg", "2.jpg"], {"pictures": 2}, {None}),
        (["IMG_1.jpg", "DSC_2.jpg"], {"pictures": 2}, {None}),
        (["roses/1.jpg", "roses/2.jpg"], {"roses": 2}, {None}),
        (["class 10/1.jpg", "class 9/2.jpg"], {"class 9": 1, "class 10": 1}, {None}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_folders_become_classes_and_parts(names: list[str], classes: dict[str, int], parts: set):
    dataset = ingest(files(*names), name="x")
    assert counts(dataset) == classes
    assert list(dataset.classes) == sorted(dataset.classes, key=layout.natural)
    assert {image.part for image in dataset.images} == parts
    assert not refused(dataset)


def test_loose_pictures_beside_a_wrapping_folder_do_not_make_it_a_class():
    names = [f"flowers/{kind}/{n}.jpg" for kind in ("roses", "tulips") for n in range(10)]
    dataset = ingest(files(*names, "flowers/cover.jpg", "cover.jpg"), name="x")
    assert counts(dataset) == {"roses": 10, "tulips": 10}
    assert set(refused(dataset).values()) == {"The picture lies outside the class folders."}
    assert set(refused(dataset)) == {"flowers/cover.jpg", "cover.jpg"}


def test_a_picture_beside_the_classes_of_a_part_is_loose():
    dataset = ingest(files("train/a/1.jpg", "train/b/2.jpg", "train/3.jpg", "test/4.jpg"), name="x")
    assert counts(dataset) == {"a": 1, "b": 1} and set(refused(dataset)) == {"train/3.jpg", "test/4.jpg"}


def test_pictures_in_no_folder_are_one_class_and_that_is_said():
    assert "one class" in notices(ingest(files("1.jpg", "2.jpg"), name="x"))[0]
    assert "file names" in notices(ingest(files("cat.1.jpg", "dog.1.jpg"), name="x"))[0]


def test_class_folders_without_a_good_picture_are_named(tmp_path: Path):
    folder = tree(tmp_path / "flowers", roses=2, tulips=2)
    (folder / "lilies").mkdir()
    (folder / "daisies").mkdir()
    (folder / "daisies" / "a.jpg").write_bytes(b"")
    (folder / "daisies" / "b.jpg").write_bytes(b"<html>")
    (folder / ".cache").mkdir()
    dataset = ingest(folder, name="x")
    assert counts(dataset) == {"roses": 2, "tulips": 2}
    assert notices(dataset) == ["No picture could be taken from these class folders: daisies, lilies."]
    entries = [*files("f/roses/1.jpg", "f/tulips/2.jpg"), ("f/lilies/", b""), ("f/daisies/a.jpg", b"")]
    dataset = ingest(packed(tmp_path / "f.zip", entries), name="x")
    assert notices(dataset) == ["No picture could be taken from these class folders: daisies, lilies."]
    parted = [*files("train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg"), ("val/c/4.jpg", b"")]
    assert notices(ingest(parted, name="x")) == ["No picture could be taken from these class folders: c."]


def test_too_many_classes_are_a_mistake(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layout, "MAX_CLASSES", 3)
    with pytest.raises(UserError, match="4 class folders"):
        ingest(files("a/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.jpg"), name="x")
    assert nothing_left()


# Names


def test_unicode_names_in_both_forms_are_one_class():
    nfc, nfd = (unicodedata.normalize(form, "Rösé/bläck.jpg") for form in ("NFC", "NFD"))
    dataset = ingest([(nfc, jpeg(1)), (nfd, jpeg(2)), ("花/玫瑰 🌹.jpg", jpeg(3))], name="x")
    assert counts(dataset) == {"Rösé": 2, "花": 1}
    assert [image.key for image in dataset.images] == ["Rösé/bläck (2).jpg", "Rösé/bläck.jpg", "花/玫瑰 🌹.jpg"]


def test_names_in_a_zip_from_a_chinese_windows(tmp_path: Path):
    for encoding, flag in (("gbk", 0), ("utf-8", 0), ("utf-8", 0x800)):
        names = ["玫瑰/照片一.jpg", "郁金香/照片二.jpg"]
        path = packed(tmp_path / "x.zip", files(*(f"{n:04}/{n:04}.jpg" for n in range(2))))
        data = path.read_bytes()
        for number, name in enumerate(names):  # replace the names in both headers by bytes of the same length
            old = f"{number:04}/{number:04}.jpg".encode()
            data = _renamed(data, old, name.encode(encoding), flag)
        path.write_bytes(data)
        dataset = ingest(path, name="x")
        assert counts(dataset) == {"玫瑰": 1, "郁金香": 1}, (encoding, flag)
        assert sorted(image.key for image in dataset.images) == sorted(names)


def _renamed(data: bytes, old: bytes, new: bytes, flag: int) -> bytes:
    """A ZIP whose entry `old` is called `new`, with these general purpose flags; offsets are put right."""
    out, offsets = b"", {}
    position = 0
    while data[position : position + 4] == b"PK\x03\x04":
        size, length, extra = (
            struct.unpack_from("<I", data, position + 18)[0],
            *struct.unpack_from("<HH", data, position + 26),
        )
        name = data[position + 30 : position + 30 + length]
        end = position + 30 + length + extra + size
        header = bytearray(data[position : position + 30])
        offsets[position] = len(out)
        if name == old:
            struct.pack_into("<H", header, 6, flag)
            struct.pack_into("<H", header, 26, len(new))
            name = new
        out += bytes(header) + name + data[position + 30 + length : end]
        position = end
    start = len(out)
    while data[position : position + 4] == b"PK\x01\x02":
        length, extra, comment = struct.unpack_from("<HHH", data, position + 28)
        name = data[position + 46 : position + 46 + length]
        header = bytearray(data[position : position + 46])
        struct.pack_into("<I", header, 42, offsets[struct.unpack_from("<I", header, 42)[0]])
        rest = data[position + 46 + length : position + 46 + length + extra + comment]
        if name == old:
            struct.pack_into("<H", header, 8, flag)
            struct.pack_into("<H", header, 28, len(new))
            name = new
        out += bytes(header) + name + rest
        position += 46 + length + extra + comment
    end = bytearray(data[position:])
    struct.pack_into("<II", end, 12, len(out) - start, start)
    return out + bytes(end)


def test_equal_names_are_all_kept_under_names_of_their_own():
    names = ["a/x.jpg", "a/x.jpg", "a/X.JPG", "a/x (2).jpg", "b/x.jpg", "a/x.jpg"]
    dataset = ingest(files(*names), name="x")
    assert counts(dataset) == {"a": 5, "b": 1}
    assert len({image.key.casefold() for image in dataset.images}) == 6


def test_folders_that_differ_by_case_are_different_classes():
    assert counts(ingest(files("Rose/1.jpg", "rose/2.jpg"), name="x")) == {"Rose": 1, "rose": 1}


def test_litter_is_left_out_without_a_word_and_lists_with_one():
    litter = ["__MACOSX/a/._1.jpg", "a/.DS_Store", "a/Thumbs.db", ".git/x.jpg", "a/.ipynb_checkpoints/1.jpg"]
    dataset = ingest(
        [*files("a/1.jpg", "b/2.jpg"), *((name, jpeg(9)) for name in litter), ("labels.csv", b"1")], name="x"
    )
    assert counts(dataset) == {"a": 1, "b": 1}
    assert refused(dataset) == {"labels.csv": "This is not a picture."}


@pytest.mark.parametrize(
    "name",
    ["../../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "\\\\host\\evil.jpg", "C:\\evil.jpg", "..\\evil.jpg"],
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str, tmp_path: Path):
    entries = [*files("a/1.jpg", "b/2.jpg"), (name, jpeg(9))]
    path = packed(tmp_path / "x.zip", entries)
    for source in (entries, path):
        dataset = ingest(source, name="x")
        assert counts(dataset) == {"a": 1, "b": 1}
        assert list(refused(dataset).values()) == ["The name leads out of the folder."]
    assert not list(tmp_path.rglob("evil*")) and not Path("/etc/evil.jpg").exists()


def test_control_characters_and_direction_marks_are_taken_out_of_names():
    dataset = ingest(files("a\u202e\x00b/1\n.jpg", "c/2.jpg"), name="x")
    assert counts(dataset) == {"ab": 1, "c": 1}


# Hostile archives and folders


def test_links_in_a_zip_and_in_a_folder(tmp_path: Path):
    secret = tmp_path / "secret"
    tree(secret, hidden=2)
    folder = tree(tmp_path / "x", a=2, b=2)
    (folder / "a" / "out.jpg").symlink_to(secret / "hidden" / "0.jpg")
    (folder / "a" / "broken.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "b" / "inside.jpg").symlink_to(folder / "a" / "0.jpg")
    (folder / "c").symlink_to(secret / "hidden")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "b" / "pipe.jpg")
    dataset = ingest(folder, name="x")
    assert counts(dataset) == {"a": 2, "b": 3}
    assert refused(dataset) == {
        "a/out.jpg": "The link leads out of the folder.",
        "a/broken.jpg": "This is not a regular file.",
        "b/pipe.jpg": "This is not a regular file.",
        "c": "Links to folders are not followed.",
        "loop": "Links to folders are not followed.",
    }
    path = packed(tmp_path / "x.zip", files("a/1.jpg", "b/2.jpg"))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("a/link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(ingest(path, name="x")) == {"a/link.jpg": "Links inside a ZIP file are not followed."}


def test_a_bomb_is_told_from_its_header_and_never_unpacked(tmp_path: Path):
    path = packed(tmp_path / "x.zip", [*files("a/1.jpg", "b/2.jpg"), ("a/bomb.jpg", bytes(30_000_000))])
    assert path.stat().st_size < 100_000
    assert "ZIP bomb" in refused(ingest(path, name="x"))["a/bomb.jpg"]


def test_headers_that_lie_about_sizes_cost_only_their_entry(tmp_path: Path):
    path = packed(tmp_path / "x.zip", [*files("a/1.jpg", "b/2.jpg"), ("a/bomb.jpg", bytes(30_000_000))])
    data = path.read_bytes()
    honest = struct.pack("<I", 30_000_000)
    for claim in (1000, 0):
        path.write_bytes(data.replace(honest, struct.pack("<I", claim)))
        dataset = ingest(path, name="x")
        assert counts(dataset) == {"a": 1, "b": 1} and set(refused(dataset)) == {"a/bomb.jpg"}


def test_what_unpacks_to_more_than_the_limit_in_all_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "MAX_UNPACKED", 1000)
    path = packed(tmp_path / "x.zip", files("a/1.jpg", "b/2.jpg"))
    with pytest.raises(UserError, match="unpacks to more"):
        ingest(path, name="x")
    assert nothing_left()


def test_a_list_of_millions_of_entries_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "MAX_DIRECTORY", 1000)
    path = packed(tmp_path / "x.zip", [(f"a/{n}.jpg", b"") for n in range(50)])
    with pytest.raises(UserError, match="too many files"):
        ingest(path, name="x")


def test_encrypted_damaged_and_oddly_packed_entries(tmp_path: Path):
    path = packed(tmp_path / "x.zip", [*files("a/1.jpg", "b/2.jpg"), ("a/3.jpg", jpeg(77, (200, 200)))])
    data = bytearray(path.read_bytes())
    local, central = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")

    def with_byte(offset_local: int | None, offset_central: int | None, value: int) -> Path:
        changed = bytearray(data)
        if offset_local is not None:
            changed[local + offset_local] = value
        if offset_central is not None:
            changed[central + offset_central] = value
        path.write_bytes(changed)
        return path

    assert "without a password" in refused(ingest(with_byte(6, 8, 1), name="x"))["a/3.jpg"]
    assert "damaged" in refused(ingest(with_byte(8, 10, 9), name="x"))["a/3.jpg"]  # Deflate64
    assert "damaged" in refused(ingest(with_byte(60, None, data[local + 60] ^ 255), name="x"))["a/3.jpg"]
    assert "damaged" in refused(ingest(with_byte(30, None, ord("z")), name="x"))["a/3.jpg"]  # names disagree


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04" + bytes(200), b"PK\x05\x06" + b"\xff" * 18])
def test_a_damaged_zip_is_one_clear_error(tmp_path: Path, data: bytes):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(UserError, match=r"ZIP file is damaged|too many files"):
        ingest(tmp_path / "x.zip", name="x")
    assert nothing_left()


def test_a_zip_cut_off_in_the_middle(tmp_path: Path):
    path = packed(tmp_path / "x.zip", files("a/1.jpg", "b/2.jpg"))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="damaged"):
        ingest(path, name="x")


def test_every_bad_file_has_its_reason_and_every_good_one_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources.pictures, "MAX_BYTES", 5000)
    bad = {
        "a/empty.jpg": b"",
        "a/page.jpg": b"<html></html>",
        "a/cut.jpg": jpeg(1)[:-200],
        "b/huge.png": huge_png(30_000, 30_000),
        "b/phone.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00",
        "b/paper.pdf": b"%PDF-1.7",
    }
    dataset = ingest([*files("a/1.jpg", "b/2.jpg"), *bad.items()], name="x")
    assert counts(dataset) == {"a": 1, "b": 1}
    assert set(refused(dataset)) == set(bad)
    assert len(set(refused(dataset).values())) == len(bad)


def test_a_file_that_is_too_large_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources.pictures, "MAX_BYTES", 5000)
    folder = tree(tmp_path / "x", a=1, b=1)
    (folder / "a" / "large.bmp").write_bytes(encoded(picture(1, (100, 100)), "BMP"))
    assert "too large" in refused(ingest(folder, name="x"))["a/large.bmp"]


def test_a_file_that_goes_away_while_it_is_read_costs_only_itself(tmp_path: Path):
    folder = tree(tmp_path / "x", a=2, b=1)
    with sources.Source(folder, tmp_path, lambda: False) as opened:
        (folder / "b" / "0.jpg").unlink()
        found = dict(ingesting._cleaned(opened.candidates, tmp_path / "out", lambda: False))
    assert "damaged" in str(found["b/0.jpg"]) and isinstance(found["a/0.jpg"], tuple)


def test_no_picture_at_all_says_what_the_first_file_was(tmp_path: Path):
    for source, wanted in (([], "no files"), ([("a/1.jpg", b"")], "empty"), ([("a.txt", b"x")], "not a picture")):
        with pytest.raises(UserError, match=wanted):
            ingest(source, name="x")
    with pytest.raises(UserError, match="does not exist"):
        ingest(tmp_path / "nowhere", name="x")
    assert nothing_left()


def test_too_many_files_are_refused_while_they_are_listed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "MAX_FILES", 3)
    with pytest.raises(UserError, match="at most 3"):
        ingest(files("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"), name="x")
    assert nothing_left()


# Stopping, failing, coming again


def test_stop_in_the_middle_leaves_nothing(tmp_path: Path):
    folder = tree(tmp_path / "x", a=60, b=60)
    seen: list[Progress] = []
    with pytest.raises(Stopped):
        ingest(folder, name="x", progress=seen.append, should_stop=lambda: bool(seen))
    assert seen and seen[0].done < 120 and nothing_left()


def test_progress_ends_at_the_total_and_counts_refusals():
    seen, told = [], []
    ingest([*files("a/1.jpg", "b/2.jpg"), ("b/3.jpg", b"")], name="x", progress=seen.append, refused=told.append)
    assert (seen[-1].done, seen[-1].total) == (3, 3) and seen[-1].rate > 0 and told[-1] == 1


@pytest.mark.parametrize("moment", ["picture", "manifest"])
def test_a_full_disk_is_explained_and_leaves_nothing(moment: str, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if moment == "picture":
        monkeypatch.setattr(Path, "write_bytes", full)
    else:
        monkeypatch.setattr(datasets, "write_json", full)
    with pytest.raises(UserError, match="disk of the server is full"):
        ingest(files("a/1.jpg", "b/2.jpg"), name="x")
    monkeypatch.undo()
    assert nothing_left()


def test_the_same_pictures_again_are_the_same_dataset_as_ingested_under_the_new_name():
    first = ingest(files("a/1.jpg", "b/2.jpg", "b/3.jpg"), name="old", owner="ada")
    datasets.remove(first, ["b/3.jpg"])
    again = ingest(files("a/1.jpg", "b/2.jpg", "b/3.jpg"), name="new", owner="ada")
    assert (again.id, again.images, again.name) == (first.id, first.images, "new")
    assert len(datasets.available()) == 1 and datasets.available()[0].name == "new"
    assert len(datasets.undo(again).images) == 2  # the edits come back if they are wanted


def test_another_owner_gets_a_dataset_of_their_own():
    mine = ingest(files("a/1.jpg", "b/2.jpg"), name="mine", owner="ada")
    theirs = ingest(files("a/1.jpg", "b/2.jpg"), name="theirs", owner="bob")
    assert mine.id != theirs.id and mine.images == theirs.images
    assert {(item.name, item.owner) for item in datasets.available()} == {("mine", "ada"), ("theirs", "bob")}
    assert ingest(files("a/1.jpg", "b/2.jpg"), name="theirs", owner="bob").id == theirs.id
    datasets.remove(mine, ["a/1.jpg"])
    assert len(datasets.load(datasets.latest(theirs.id)).images) == 2
    datasets.delete(mine.id)
    assert datasets.load(theirs.id).path(theirs.images[0]).is_file()
    assert ingest(files("a/1.jpg", "b/2.jpg"), name="theirs", owner="bob").id == theirs.id


def test_remains_of_a_crash_are_cleared_after_a_day(tl_home: Path):
    for age, name in ((2 * 24 * 3600, ".ingest-1-1"), (60, ".ingest-1-2")):
        (paths.datasets() / name / "images").mkdir(parents=True)
        old = ingesting.time.time() - age
        os.utime(paths.datasets() / name, (old, old))
    ingest(files("a/1.jpg", "b/2.jpg"), name="x")
    assert sorted(path.name for path in paths.datasets().glob(".*")) == [".ingest-1-2"]


def test_duplicates_are_stored_once_and_all_listed():
    dataset = ingest([("a/1.jpg", jpeg(1)), ("a/2.jpg", jpeg(1)), ("b/3.jpg", jpeg(1)), ("b/4.jpg", jpeg(2))], name="x")
    assert len(dataset.images) == 4 and max(Counter(image.id for image in dataset.images).values()) == 3
    assert len(list((dataset.folder / "images").rglob("*.jpg"))) == 2
    assert datasets.available()[0].bytes == len(jpeg(1)) + len(jpeg(2))
