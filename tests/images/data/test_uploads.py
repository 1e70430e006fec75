"""Uploads arrive in parts, belong to who began them, stay within bounds, and leave nothing when they break off."""

import contextlib
import errno
import os
import threading
import time
from pathlib import Path

import pytest

from tests.images.data.drawing import jpeg
from tl_core.base import paths
from tl_core.base.errors import UserError
from tl_core.images.data import uploads
from tl_core.images.data.ingest import ingest

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
    later(old, uploads.STALE + 10)
    new = uploads.begin("bob")
    assert {path.name for path in paths.uploads().iterdir()} == {fresh, new}


# Quotas


def later(token: str, seconds: float) -> None:
    """Have nothing been added to an upload for so long."""
    then = time.time() - seconds
    for path in (*(paths.uploads() / token).iterdir(), paths.uploads() / token):
        os.utime(path, (then, then))


def test_one_person_has_no_more_uploads_than_they_can_use():
    tokens = [uploads.begin("ada") for _ in range(uploads.EACH)]
    with pytest.raises(UserError, match="of yours are under way"):
        uploads.begin("ada")
    assert uploads.begin("bob"), "others are not held up"
    uploads.discard(tokens[0], "ada")
    assert uploads.begin("ada")


def test_uploads_begun_at_once_do_not_slip_through():
    together, begun = threading.Barrier(20), []

    def begin() -> None:
        together.wait()
        with contextlib.suppress(UserError):
            begun.append(uploads.begin("ada"))

    threads = [threading.Thread(target=begin) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == uploads.EACH == len(list(paths.uploads().iterdir()))


def test_an_upload_that_was_left_lying_makes_room_but_never_one_that_waits_to_be_ingested():
    idle, complete, fresh, other = (uploads.begin("ada") for _ in range(4))
    for token in (idle, complete):
        send(token, 0, b"x")
    uploads.complete(complete, "ada")
    for token in (idle, complete):
        later(token, uploads.IDLE + 10)
    uploads.begin("ada")
    left = {path.name for path in paths.uploads().iterdir()}
    assert idle not in left and {complete, fresh, other} < left
    with pytest.raises(UserError, match="under way"):
        uploads.begin("ada")


def test_all_together_have_no_more_uploads_than_the_server_bears(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "ALL", 3)
    for name in ("ada", "bob", "cy"):
        uploads.begin(name)
    with pytest.raises(UserError, match="as many uploads as it has room for"):
        uploads.begin("dan")


def test_the_bytes_of_one_person_and_of_all_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "EACH_BYTES", 10_000)
    monkeypatch.setattr(uploads, "ALL_BYTES", 15_000)
    first, second = uploads.begin("ada"), uploads.begin("ada")
    send(first, 0, bytes(6000))
    with pytest.raises(UserError, match="together are larger"):
        send(second, 0, bytes(6000))
    send(second, 0, bytes(3000))
    other = uploads.begin("bob")
    with pytest.raises(UserError, match="as many uploads as it has room for"):
        send(other, 0, bytes(7000), owner="bob")
    send(other, 0, bytes(5000), owner="bob")
    assert names(other) == ["owner", "part-0.zip"]


def test_uploads_leave_room_on_the_disk_for_everything_else(monkeypatch: pytest.MonkeyPatch):
    token = uploads.begin("ada")
    monkeypatch.setattr(uploads, "_free", lambda: uploads.SPARE + 100)
    send(token, 0, bytes(100))
    with pytest.raises(UserError, match="as many uploads as it has room for"):
        send(token, 1, bytes(101))


def test_the_parts_of_an_upload_are_bounded():
    token = uploads.begin("ada")
    send(token, uploads.MAX_PARTS - 1, b"x")
    with pytest.raises(UserError, match="larger than"):
        send(token, uploads.MAX_PARTS, b"x")
