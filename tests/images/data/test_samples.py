"""Sample data from a loopback server that stands in for the official homes, and misbehaves like them."""

import dataclasses
import hashlib
import io
import tarfile
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests import loopback
from tl_core import __main__ as command_line
from tl_core.base import archives, download, paths
from tl_core.base.errors import Stopped, UserError
from tl_core.images.data import samples, unpacking
from tl_core.images.data.samples import SAMPLES, Archive


def jpeg(number: int, side: int = 128) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 255, (side, side, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def zipped(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(names: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return buffer.getvalue()


CATS_DOGS = zipped(
    {
        f"cats_and_dogs_filtered/{part}/{kind}/{kind[:-1]}.{number}.jpg": jpeg(
            100 * len(part) + 10 * len(kind) + number
        )
        for part, count in (("train", 20), ("validation", 8))
        for kind in ("cats", "dogs")
        for number in range(count)
    }
    | {"cats_and_dogs_filtered/vectorize.py": b"import os", "__MACOSX/cats/._cat.jpg": b"litter"}
)
FLOWERS = tarred(
    {
        f"flower_photos/{kind}/{number}.jpg": jpeg(1000 + 10 * len(kind) + number)
        for kind in ("daisy", "roses")
        for number in range(6)
    }
    | {"flower_photos/LICENSE.txt": b"CC BY 2.0", "../../escaped/x.jpg": jpeg(1), "/absolute/x.jpg": jpeg(2)},
    links={"flower_photos/daisy/link.jpg": "/etc/passwd"},
)


def of(key: str, *contents: bytes, checksum: bool = True) -> samples.Sample:
    """The row with this key, but with these small archives."""
    row = SAMPLES[key]
    archives = tuple(
        dataclasses.replace(
            archive,
            size=len(data),
            checksum=hashlib.sha256(data).hexdigest() if checksum and archive.checksum else None,
        )
        for archive, data in zip(row.archives, contents, strict=True)
    )
    return dataclasses.replace(row, archives=archives)


@pytest.fixture
def home(tl_home, monkeypatch):
    with loopback.serving(CATS_DOGS) as state:
        monkeypatch.setenv("TL_SAMPLES_URL", state.url)
        monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(download, "PAUSE", 0.01)
        yield state


def left() -> set[str]:
    return {path.name for path in paths.samples().iterdir() if path.suffix != ".lock"}


# The table ------------------------------------------------------------------------------------------------------------


def test_every_row_tells_what_a_person_wants_to_know():
    assert {"cats_dogs", "flower_photos", "malaria"} <= set(SAMPLES) and len(SAMPLES) >= 4
    names = [archive.name for row in SAMPLES.values() for archive in row.archives]
    assert len(names) == len(set(names))
    for key, row in SAMPLES.items():
        assert row.key == key and str(row.licence) and str(row.about) and row.home.startswith("https://")
        assert row.pictures > 1000 and len(row.classes) >= 2
        for archive in row.archives:
            assert archive.url.startswith("https://") and archive.size > 10_000_000
            assert archive.checksum is None or len(archive.checksum) == 64
    assert [row.key for row in SAMPLES.values() if any(archive.checksum is None for archive in row.archives)] == [
        "cats_dogs"
    ]


def test_the_official_address_is_used_unless_a_mirror_is_set(monkeypatch):
    archive = SAMPLES["flower_photos"].archives[0]
    monkeypatch.delenv("TL_SAMPLES_URL", raising=False)
    assert archives.url(archive) == archive.url
    monkeypatch.setenv("TL_SAMPLES_URL", "http://mirror.school/data/")
    assert archives.url(archive) == "http://mirror.school/data/flower_photos.tgz"


# A server that behaves ------------------------------------------------------------------------------------------------


def test_cats_and_dogs_come_with_their_own_validation_pictures(home):
    row = of("cats_dogs", CATS_DOGS)
    told = []
    dataset = samples.ingest_sample(row, "me", progress=told.append)
    assert home.asked == [("/cats_and_dogs_filtered.zip", None)]
    assert dataset.name == "Cats and dogs" and dataset.classes == ("cats", "dogs")
    assert sum(image.part == "validation" for image in dataset.images) == 16
    assert sum(image.part == "train" for image in dataset.images) == 40
    assert list(dict.fromkeys(event.phase for event in told)) == ["download", "unpack", "ingest"]
    downloads = [event for event in told if event.phase == "download"]
    assert all(event.total == len(CATS_DOGS) for event in downloads) and downloads[-1].done == len(CATS_DOGS)
    assert left() == {"cats_and_dogs_filtered.zip"}  # nothing unpacked is left
    assert samples.ready(row)
    home.behaviours = ["404"]
    assert samples.ingest_sample(row).id == dataset.id  # no network needed any more
    assert len(home.asked) == 1


def test_flower_photos_are_unpacked_safely(home, tl_home):
    home.files["/flower_photos.tgz"] = FLOWERS
    dataset = samples.ingest_sample(of("flower_photos", FLOWERS))
    assert dataset.classes == ("daisy", "roses") and dataset.counts == (6, 6)
    assert not list(tl_home.parent.rglob("escaped")) and not list(tl_home.rglob("link.jpg"))


def test_several_archives_make_one_dataset_with_parts(home):
    counts = {"train": 12, "validation": 3, "test": 2}
    names = [(part, kind, n) for part, count in counts.items() for kind in ("healthy", "rust") for n in range(count)]
    parts = {
        part: zipped({"/".join((p, kind, f"{n}.jpg")): jpeg(i) for i, (p, kind, n) in enumerate(names) if p == part})
        for part in counts
    }
    home.files |= {f"/beans-{part}.zip": data for part, data in parts.items()}
    told = []
    dataset = samples.ingest_sample(of("beans", *parts.values()), progress=told.append)
    assert {part: sum(image.part == part for image in dataset.images) for part in parts} == {
        "train": 24, "validation": 6, "test": 4,
    }  # fmt: skip
    done = [event.done for event in told if event.phase == "download"]
    assert done == sorted(done) and done[-1] == sum(map(len, parts.values()))


def test_fewer_of_each_class_are_always_the_same_ones(home):
    row = of("cats_dogs", CATS_DOGS)
    few = samples.ingest_sample(row, per_class=5)
    assert few.counts == (10, 10) and "5 a class" in few.name  # 5 to train on, 5 to validate
    assert samples.ingest_sample(row, per_class=5).id == few.id
    assert samples.ingest_sample(dataclasses.replace(row, per_class=5)).id == few.id
    assert samples.ingest_sample(dataclasses.replace(row, per_class=5), per_class=0).counts == (28, 28)


def test_discarded_archives_are_gone_and_the_dataset_stays(home):
    row = of("cats_dogs", CATS_DOGS)
    dataset = samples.ingest_sample(row)
    samples.discard(row)
    assert not left() and not samples.ready(row)
    assert dataset.path(dataset.images[0]).is_file()


# A server that does not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["break", "stall", "500", "503", "429", "damaged", "sign-in", "wrong place"])
@pytest.mark.parametrize("checksum", [True, False], ids=["published", "unpublished"])
def test_one_bad_answer_is_mended_by_the_next(home, behaviour, checksum):
    large = zipped({f"beans/{kind}/{n}.jpg": jpeg(n, 400) for kind in ("a", "b") for n in range(4)})
    row = of("rock_paper_scissors", large, large, checksum=checksum)
    home.content, home.behaviours = large, ["break", behaviour, "good"]
    assert [path.read_bytes() for path in samples.fetch(row)] == [large, large]


@pytest.mark.parametrize(
    ("behaviour", "requests", "said"),
    [
        ("404", 1, "404"),
        ("429", 3, "429"),
        ("500", 3, "500"),
        ("damaged", 3, "damaged"),
        ("sign-in", 3, "sign-in"),
        ("403", 1, "403"),
    ],
)
def test_a_server_that_stays_bad_gives_one_clear_message_with_two_ways_out(home, behaviour, requests, said):
    home.behaviours = [behaviour]
    row = of("cats_dogs", CATS_DOGS)
    with pytest.raises(UserError, match=said) as error:
        samples.ingest_sample(row)
    assert "Cats and dogs" in str(error.value.what) and home.url in str(error.value.what)
    assert "drawn sample pictures" in str(error.value.remedy) and "folder of your own" in str(error.value.remedy)
    assert "python -m tl_core fetch --samples cats_dogs" in str(error.value.remedy)
    assert len(home.asked) <= requests and not samples.ready(row)
    assert "cats_and_dogs_filtered.zip" not in left()


def test_a_server_that_lies_about_its_checksum_is_not_believed(home):
    home.md5 = "AAAAAAAAAAAAAAAAAAAAAA=="
    with pytest.raises(UserError, match="checksum"):
        samples.fetch(of("cats_dogs", CATS_DOGS))
    home.files["/flower_photos.tgz"] = FLOWERS[:-9] + b"different"  # with its own checksum in the header
    home.md5 = None
    with pytest.raises(UserError, match="not the published one"):
        samples.fetch(of("flower_photos", FLOWERS))
    assert not left()


def test_another_file_of_the_same_name_is_refused(home):
    row = of("cats_dogs", CATS_DOGS)
    home.content = zipped({"other/file/1.jpg": jpeg(1)})
    with pytest.raises(UserError, match="not the file that is known"):
        samples.fetch(row)
    assert not left()


def test_no_network_at_all(home, monkeypatch):
    monkeypatch.setenv("TL_SAMPLES_URL", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="no connection") as error:
        samples.ingest_sample(of("cats_dogs", CATS_DOGS))
    assert "need no network" in str(error.value.remedy)


def test_stop_is_obeyed_and_what_has_arrived_is_kept(home, monkeypatch):
    large = zipped({f"a/b/{n}.jpg": jpeg(n, 500) for n in range(6)})
    home.content, home.behaviours = large, ["stall", "good"]
    monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "15")
    row = of("cats_dogs", large)
    part = paths.samples() / "cats_and_dogs_filtered.zip.part"
    with pytest.raises(Stopped):
        samples.ingest_sample(row, should_stop=lambda: part.is_file() and part.stat().st_size > 100_000)
    assert len(home.asked) == 1, "it must not have waited until the stall was noticed"
    assert left() == {"cats_and_dogs_filtered.zip.part"}
    kept = part.stat().st_size
    assert samples.fetch(row)[0].read_bytes() == large
    assert home.asked[1][1] == f"bytes={kept}-"


@pytest.mark.parametrize("key", ["cats_dogs", "flower_photos"])
def test_an_archive_damaged_on_the_disk_is_fetched_again(home, key):
    home.files["/flower_photos.tgz"] = FLOWERS
    row = of(key, {"cats_dogs": CATS_DOGS, "flower_photos": FLOWERS}[key])
    path = samples.fetch(row)[0]
    data = bytearray(path.read_bytes())
    data[2000:2100] = bytes(100)  # the same size
    path.write_bytes(data)
    assert len(samples.ingest_sample(row).classes) == 2
    assert len(home.asked) == 2
    path.write_bytes(data)
    home.behaviours = ["500"]
    with pytest.raises(UserError, match="could not be downloaded"):
        samples.ingest_sample(row)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", CATS_DOGS[:2000] + bytes(100) + CATS_DOGS[2100:]),
        ("a.zip", CATS_DOGS[: len(CATS_DOGS) // 2]),
        ("a.zip", CATS_DOGS[:-5] + b"wrong"),
        ("a.tgz", FLOWERS[:2000] + bytes(100) + FLOWERS[2100:]),
        ("a.tgz", FLOWERS[: len(FLOWERS) // 2]),
        ("a.tgz", b"\x1f\x8bnonsense"),
    ],
)
def test_a_damaged_archive_is_said_and_deleted(tl_home, name, data):
    path = tl_home / name
    path.write_bytes(data)
    with unpacking.folder() as folder, pytest.raises(UserError, match="damaged"):
        unpacking.pictures_of(path, folder)
    assert not path.exists() and not folder.exists()


def test_two_at_once_download_once(home):
    home.behaviours = ["slow"]
    row = of("cats_dogs", CATS_DOGS)
    ids = []
    threads = [threading.Thread(target=lambda: ids.append(samples.ingest_sample(row, "me").id)) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]
    assert len(ids) == 3 and len(set(ids)) == 1
    assert len(home.asked) == 1


def test_an_unknown_sample_names_those_there_are():
    with pytest.raises(UserError, match="flower_photos"):
        samples.sample("flowerpots")


# python -m tl_core fetch --samples ------------------------------------------------------------------------------------


def test_fetch_gets_samples_and_lists_them_with_their_licences(home, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setitem(SAMPLES, "cats_dogs", of("cats_dogs", CATS_DOGS))
    assert command_line.main(["fetch", "--samples", "cats_dogs"]) == 0
    assert "checked" in capsys.readouterr().out
    assert command_line.main(["fetch", "--samples", "cats_dogs"]) == 0
    assert "already here" in capsys.readouterr().out
    assert command_line.main(["fetch", "--samples", "flowerpots"]) == 1
    capsys.readouterr()
    assert command_line.main(["fetch", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(key in out for key in SAMPLES) and "Creative Commons" in out
    home.behaviours = ["500"]
    assert command_line.main(["fetch", "--samples", "beans"]) == 1
    assert "Missing: beans" in capsys.readouterr().err


def test_archives_know_their_part():
    assert Archive("a.zip", "https://a", 1).part is None
    assert [archive.part for archive in SAMPLES["rock_paper_scissors"].archives] == ["train", "test"]
