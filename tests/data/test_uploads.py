"""Uploads arrive in parts, belong to who began them, stay within bounds, and leave nothing when they break off."""

import errno
import os
import time
from pathlib import Path

import pytest

from tests.data.drawing import jpeg
from tl_core import paths
from tl_core.data import uploads
from tl_core.data.ingest import ingest
from tl_core.errors import UserError

pytestmark = pytest.mark.usefixtures("tl_home")


def send(token: str, number: object, *chunks: bytes, owner: str = "ada") -> None:
    with uploads.part(token, str(number), owner) as file:
        for chunk in chunks:
            file.write(chunk)


def names(token: str) -> list[str]:
    return sorted(path.name for path in (paths.uploads() / token).iterdir())


def test_parts_are_kept_and_a_part_sent_again_replaces_itself():
    token = uploads.begin("ada")
    send(token, 0, b"one", b"two")
    send(token, 1, b"x")
    send(token, 1, b"three")
    assert names(token) == ["owner", "part-0.zip", "part-1.zip"]
    folder = uploads.folder(token, "ada")
    assert (folder / "part-0.zip").read_bytes() == b"onetwo"
    assert (folder / "part-1.zip").read_bytes() == b"three"
    uploads.discard(token, "ada")
    assert not folder.exists()


def test_an_upload_is_ingested(tmp_path: Path):
    import zipfile

    token = uploads.begin("ada")
    for number, name in enumerate(("cats/1.jpg", "dogs/2.jpg")):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr(name, jpeg(number))
        send(token, number, (tmp_path / "x.zip").read_bytes())
    assert ingest(uploads.folder(token, "ada"), name="pets").classes == ("cats", "dogs")


@pytest.mark.parametrize("token", ["", "x", "..", "0" * 32, "../" + "0" * 29, None])
def test_unknown_uploads(token: str):
    for look in (uploads.folder, uploads.discard):
        with pytest.raises(UserError, match="not known"):
            look(token, "ada")
    with pytest.raises(UserError, match="not known"):
        send(token, 0, b"x")


def test_only_who_began_it_may_add_look_or_discard():
    token = uploads.begin("ada")
    for attempt in (
        lambda: send(token, 0, b"x", owner="bob"),
        lambda: uploads.folder(token, "bob"),
        lambda: uploads.discard(token, ""),
    ):
        with pytest.raises(UserError, match="not known"):
            attempt()
    assert names(token) == ["owner"]


@pytest.mark.parametrize("number", ["", "-1", "1.5", "../../x", "1" * 7, "one", "１"])
def test_a_part_must_be_a_number(number: str):
    token = uploads.begin("ada")
    with pytest.raises(UserError, match="not known"):
        send(token, number, b"x")
    assert names(token) == ["owner"]


def test_a_part_that_breaks_off_leaves_nothing():
    token = uploads.begin("ada")
    send(token, 0, b"whole")
    for number in (0, 1):
        with pytest.raises(ConnectionError), uploads.part(token, str(number), "ada") as file:
            file.write(b"half")
            raise ConnectionError
    assert names(token) == ["owner", "part-0.zip"]
    assert (uploads.folder(token, "ada") / "part-0.zip").read_bytes() == b"whole"


def test_an_upload_may_not_grow_beyond_the_limit_whatever_arrives_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 100_000)
    monkeypatch.setattr(uploads, "MEASURED", 10_000)
    token = uploads.begin("ada")
    send(token, 0, bytes(40_000))
    with uploads.part(token, "1", "ada") as first, uploads.part(token, "2", "ada") as second:
        with pytest.raises(UserError, match="larger than"):
            for _ in range(40):
                first.write(bytes(2000))
                second.write(bytes(2000))
        assert sum(path.stat().st_size for path in (paths.uploads() / token).iterdir()) <= 110_000
    with pytest.raises(UserError, match="larger than"):
        send(token, 3, bytes(100_001))


def test_a_full_disk_is_explained(monkeypatch: pytest.MonkeyPatch):
    token = uploads.begin("ada")

    class Full:
        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="disk"), uploads.part(token, "0", "ada") as file:
        file.file = Full()
        file.write(b"x")
    assert names(token) == ["owner"]


def test_an_upload_discarded_while_a_part_arrives():
    token = uploads.begin("ada")
    with pytest.raises(UserError, match="not known"), uploads.part(token, "0", "ada") as file:
        file.write(b"x")
        uploads.discard(token, "ada")
    assert not list(paths.uploads().iterdir())


def test_abandoned_uploads_are_cleared_after_a_day():
    old, fresh = uploads.begin("ada"), uploads.begin("ada")
    then = time.time() - uploads.STALE - 10
    os.utime(paths.uploads() / old, (then, then))
    new = uploads.begin("bob")
    assert {path.name for path in paths.uploads().iterdir()} == {fresh, new}
