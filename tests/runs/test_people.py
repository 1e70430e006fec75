"""Who may do what, and that nobody comes from an owner's id to the secret behind it."""

import json
import os
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from tests.images.data.drawing import jpeg
from tl_core.base import events, paths
from tl_core.base.errors import UserError
from tl_core.images.data import dataset as datasets
from tl_core.images.data import uploads
from tl_core.images.data.ingest import ingest
from tl_core.runs import people, store, upgrade
from tl_core.runs.people import Person, may, public_id
from tl_core.tasks.image_classification.config import DataConfig, RunConfig
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, samples

pytestmark = pytest.mark.usefixtures("tl_home")
SECRET = "0f1e2d3c4b5a6978"
ADA, EVE, HERE = Person("p" + "a" * 32), Person("p" + "e" * 32), Person("p" + "0" * 32, local=True)


def test_an_id_is_the_same_for_a_secret_and_another_on_another_server(tmp_path, monkeypatch):
    first = public_id(SECRET)
    assert people.is_public_id(first) and first == public_id(SECRET) != public_id(SECRET + "x")
    assert SECRET not in first and public_id("") == ""
    people._key.cache_clear()
    assert public_id(SECRET) == first, "the key is on the disk"
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("TL_HOME", str(tmp_path / "other"))
    assert public_id(SECRET) != first


def test_only_the_servers_user_can_read_the_key():
    public_id(SECRET)
    key = paths.home() / people.KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text()) == 64
    assert [path.name for path in paths.home().iterdir() if path.name.startswith(".")] == []
    key.chmod(0o644)
    people._key.cache_clear()
    public_id(SECRET)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600, "a copy's mode is put right"


def test_servers_that_begin_at_once_have_one_key():
    together, found = threading.Barrier(8), []

    def begin():
        together.wait()
        found.append(people._key.__wrapped__(paths.home()))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1


def test_a_damaged_key_is_not_replaced_in_silence():
    (paths.home() / people.KEY_FILE).write_text("no key")
    with pytest.raises(UserError, match="damaged"):
        public_id(SECRET)


def test_a_run_is_seen_by_all_and_changed_by_its_owner_or_at_the_servers_own_computer():
    run = store.create(RunConfig(DataConfig("0123456789abcdef")), owner=ADA.id)
    assert [may(who, "change", run) for who in (ADA, EVE, HERE)] == [True, False, True]
    assert all(may(who, "read", run) for who in (ADA, EVE, HERE))


def test_whoever_has_no_cookie_owns_nothing():
    for owner in ("", ADA.id):
        assert not may(Person(""), "change", store.create(RunConfig(DataConfig("0123456789abcdef")), owner=owner))


def test_a_text_is_its_owners_alone_and_so_is_what_a_run_shows_of_it():
    private = corpus.paste("The fox and the hen.", name="Diary", owner=ADA.id)
    run = store.create(TextConfig(private.id), owner=ADA.id)
    for thing in (private, run):
        assert [may(who, "read", thing) for who in (ADA, EVE, HERE, Person(""))] == [True, False, True, False]
    corpus.delete(private.id)
    assert [may(who, "read", run) for who in (ADA, EVE, HERE)] == [True, False, True], "it is no less private when gone"


def test_what_the_app_wrote_itself_is_for_all_to_read():
    sample = samples.bring_in("lesson", ADA.id)
    run = store.create(TextConfig(sample.id), owner=ADA.id)
    for thing in (sample, run, corpus.paste("Brought in from a notebook.", name="note")):
        assert may(EVE, "read", thing) and not may(EVE, "change", thing)
    assert not corpus.paste("Mine.", name="mine", owner=ADA.id).shared


def test_a_run_whose_settings_cannot_be_read_might_show_a_text():
    run = store.create(TextConfig("0" * 16), owner=ADA.id)
    (run.folder / "config.json").write_text("[")
    assert [may(who, "read", store.get(run.id)) for who in (ADA, EVE)] == [True, False]


# Data folders of earlier versions


@pytest.fixture
def old() -> store.Run:
    """A data folder as an earlier version left it: the secret stands wherever an owner is written."""
    dataset = ingest([(f"{name}/1.jpg", jpeg(n)) for n, name in enumerate("ab")], name="old", owner=SECRET)
    corpus.paste("The fox and the hen.", name="Diary", owner=SECRET)
    uploads.begin(SECRET)
    run = store.create(RunConfig(DataConfig(dataset.id)), owner=SECRET, name="Old run")
    queued = json.dumps({"kind": "queued", "t": 1.5, "owner": SECRET}, separators=(",", ":"))
    run.log.write_text(
        f"{queued}\n" + f'{{"kind":"started","t":2.0,"pid":7}}\n{{"kind":"stopped","t":3.0}}\n{queued}\n'
    )
    return run


def holding(secret: str) -> list[str]:
    """The files below TL_HOME in which a secret stands."""
    files = (path for path in paths.home().rglob("*") if path.is_file())
    return sorted(path.name for path in files if secret.encode() in path.read_bytes())


def test_an_old_folder_is_upgraded_and_everything_stays_its_owners(old):
    assert holding(SECRET) == ["corpus.json", "events.jsonl", "meta.json", "owner", "summary.json"]
    size, times = old.log.stat().st_size, (old.folder / "meta.json").stat().st_mtime_ns
    assert upgrade.upgrade() == 5
    assert holding(SECRET) == []
    ada = public_id(SECRET)
    run = store.get(old.id)
    assert (run.owner, run.name, run.config) == (ada, "Old run", old.config)
    assert [summary.owner for summary in datasets.available()] == [ada]
    assert [text.owner for text in corpus.corpora()] == [ada]
    [upload] = paths.uploads().iterdir()
    assert uploads.folder(upload.name, ada) == upload
    log = events.read(run.log)[0]
    assert [(event.kind, event.t) for event in log] == [
        ("queued", 1.5),
        ("started", 2),
        ("stopped", 3),
        ("queued", 1.5),
    ]
    assert run.log.stat().st_size == size, "a worker and readers stand where they stood"
    assert (run.folder / "meta.json").stat().st_mtime_ns == times
    assert upgrade.upgrade() == 0


def test_an_upgrade_that_was_interrupted_is_finished_at_the_next_start(old, monkeypatch):
    """Here it dies again and again: each start gets no further than one file."""
    replace, deaths = Path.replace, 0

    def dying(*arguments):
        replace(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", dying)
    while holding(SECRET):
        deaths += 1
        assert deaths < 9
        with pytest.raises(KeyboardInterrupt):
            upgrade.upgrade()
    assert deaths == 4
    assert store.get(old.id).owner == public_id(SECRET)


def test_a_log_that_was_interrupted_is_finished_too(old, monkeypatch):
    """We see by its beginning whether a log is done, so that is written last."""
    write, deaths = os.pwrite, 0

    def dying(*arguments):
        write(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "pwrite", dying)
    while SECRET.encode() in old.log.read_bytes():
        deaths += 1
        assert deaths < 9
        with pytest.raises(KeyboardInterrupt):
            upgrade.upgrade()
    assert deaths == 2


@pytest.mark.parametrize("content", [b"", b"[", b"[]", b"null", b'{"owner": 7}', b"\xff\xfe", b'{"owner":"x'])
def test_a_damaged_file_costs_itself_alone(old, content):
    other = store.create(old.config, owner=SECRET)
    (other.folder / "meta.json").write_bytes(content)
    upgrade.upgrade()
    assert store.get(old.id).owner == public_id(SECRET)
    assert (other.folder / "meta.json").read_bytes() == content


def test_a_file_that_may_not_be_written_does_not_keep_the_server_from_starting(old, monkeypatch):
    monkeypatch.setattr(os, "utime", lambda *_, **__: (_ for _ in ()).throw(PermissionError()))
    upgrade.upgrade()
    assert store.get(old.id).owner == SECRET
    assert not list(paths.home().rglob("*.part"))


def test_what_is_taken_home_names_nobody(old):
    upgrade.upgrade()
    (old.folder / ".meta.json.0a1b2c3d.part").write_text(json.dumps({"owner": SECRET}))  # left by a crash
    with store.archive(old.id) as path:
        packed = zipfile.ZipFile(path)
        whole = {name.split("/", 1)[1]: packed.read(name) for name in packed.namelist()}
    assert set(whole) == {"meta.json", "events.jsonl", "config.json"}
    for secret in (SECRET, public_id(SECRET)):
        assert not any(secret.encode() in data for data in whole.values())
    assert json.loads(whole["meta.json"])["name"] == "Old run"
    assert whole["events.jsonl"].count(b"\n") == 4


def test_even_a_run_that_was_copied_here_from_an_old_folder_names_nobody(old):
    with store.archive(old.id) as path:
        packed = zipfile.ZipFile(path)
        assert not any(SECRET.encode() in packed.read(name) for name in packed.namelist())
