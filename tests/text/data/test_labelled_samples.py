"""Labelled texts from a loopback server that stands in for the official homes, and misbehaves like them."""

import dataclasses
import hashlib
import io
import json
import tarfile
import zipfile

import pytest

from tests import loopback
from tl_core import __main__ as command_line
from tl_core.base import archives, download, paths
from tl_core.base.errors import Stopped, UserError
from tl_core.text.data import labelled_samples
from tl_core.text.data.labelled_samples import SAMPLES, TOPICS, Sample


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme", b"Not this one.")
        archive.writestr(name, content)
    return buffer.getvalue()


def tarred(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


SPAM = zipped(
    "SMSSpamCollection", "".join(f"{'spam' if n % 3 == 0 else 'ham'}\tCall £{n}\tnow\n" for n in range(30)).encode()
)
FILMS = tarred(
    {
        f"rt-polaritydata/rt-polarity.{ending}": "".join(f"a {word} clich\xe9 {n} .\n" for n in range(12)).encode(
            "latin-1"
        )
        for ending, word in (("pos", "warm"), ("neg", "dull"))
    }
)
HEADLINES = zipped(
    "train.json",
    "".join(
        json.dumps({"label": "1", "label_desc": topic, "sentence": f"标题 {number}"}, ensure_ascii=False) + "\n"
        for topic in TOPICS
        for number in range(3)
    ).encode(),
)
CONTENTS = {"sms_spam": SPAM, "movie_sentences": FILMS, "chinese_headlines": HEADLINES}


def of(key: str, content: bytes | None = None) -> Sample:
    """The row with this key, but with this small archive."""
    content = CONTENTS[key] if content is None else content
    archive = dataclasses.replace(SAMPLES[key].archive, size=len(content), checksum=hashlib.sha256(content).hexdigest())
    return dataclasses.replace(SAMPLES[key], archive=archive)


@pytest.fixture
def home(tl_home, monkeypatch):
    with loopback.serving(b"") as state:
        state.files |= {f"/{SAMPLES[key].archive.name}": content for key, content in CONTENTS.items()}
        monkeypatch.setenv("TL_SAMPLES_URL", state.url)
        monkeypatch.setenv("TL_DOWNLOAD_TIMEOUT", "1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(download, "PAUSE", 0.01)
        yield state


def left() -> set[str]:
    return {path.name for path in paths.samples().iterdir() if path.suffix != ".lock"}


def test_every_row_tells_what_a_person_wants_to_know():
    assert CONTENTS.keys() == SAMPLES.keys()
    for key, row in SAMPLES.items():
        assert row.key == key and str(row.licence) and str(row.about) and row.home.startswith("https://")
        assert row.texts > 1000 and len(row.classes) >= 2 and row.archive.url.startswith("https://")
        assert len(row.archive.checksum) == 64 and row.size > 100_000


@pytest.mark.parametrize(
    ("key", "counts", "text"),
    [
        ("sms_spam", (20, 10), "Call £0\tnow"),
        ("movie_sentences", (12, 12), "a warm cliché 0 ."),
        ("chinese_headlines", (3,) * 15, "标题 0"),
    ],
)
def test_a_sample_is_downloaded_once_and_read(home, key, counts, text):
    told = []
    made = labelled_samples.bring_in(of(key), "me", told.append, name="Called so")
    assert made.name == "Called so" and made.owner == "me" and made.shared
    assert made.classes == SAMPLES[key].classes and made.counts == counts and not made.rejected
    assert made.examples[0].text == text
    assert told[-1].phase == "download" and told[-1].done == told[-1].total == len(CONTENTS[key])
    home.behaviours = ["404"]
    assert labelled_samples.bring_in(of(key), "me").id == made.id  # no network needed any more
    assert len(home.asked) == 1


def test_some_of_each_class_are_always_the_same_ones(home):
    few = dataclasses.replace(of("sms_spam"), per_class=7)
    made = labelled_samples.bring_in(few)
    assert made.counts == (7, 7) and labelled_samples.bring_in(few).id == made.id
    lines = [int(example.where) for example in made.examples]
    assert lines == sorted(lines) and lines != list(range(1, 15)), "in their order, and not just the first ones"


@pytest.mark.parametrize("behaviour", ["break", "stall", "500", "damaged", "sign-in", "wrong place"])
def test_one_bad_answer_is_mended_by_the_next(home, behaviour):
    home.behaviours = [behaviour, "good"]
    assert labelled_samples.fetch(of("movie_sentences")).read_bytes() == FILMS


@pytest.mark.parametrize("behaviour", ["404", "500", "damaged", "sign-in"])
def test_a_server_that_stays_bad_gives_one_clear_message_with_two_ways_out(home, behaviour):
    home.behaviours = [behaviour]
    with pytest.raises(UserError) as error:
        labelled_samples.bring_in(of("sms_spam"))
    assert "Spam in text messages" in str(error.value.what) and home.url in str(error.value.what)
    assert "reviews that the app writes" in str(error.value.remedy)
    assert "python -m tl_core fetch --samples sms_spam" in str(error.value.remedy)
    assert SAMPLES["sms_spam"].archive.name not in left()


def test_another_file_is_refused_by_its_checksum(home):
    row = of("sms_spam")
    home.files[f"/{row.archive.name}"] = SPAM[:-4] + b"evil"
    with pytest.raises(UserError, match="not the published one"):
        labelled_samples.bring_in(row)
    assert not left()


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("sms_spam", zipped("elsewhere", b"ham\thello\n")),
        ("movie_sentences", FILMS[: len(FILMS) // 2]),
        ("chinese_headlines", zipped("train.json", b'{"sentence": 5}\n')),
        ("chinese_headlines", zipped("train.json", b"\xff\xfe")),
    ],
    ids=["no such file", "cut", "another shape", "no text"],
)
def test_a_damaged_archive_is_deleted_and_said_to_be_so(home, key, content):
    home.files[f"/{SAMPLES[key].archive.name}"] = content
    with pytest.raises(UserError, match="damaged"):
        labelled_samples.bring_in(of(key, content))
    assert not left()


def test_stop_is_obeyed_and_what_has_arrived_is_kept(home):
    home.behaviours = ["stall", "good"]
    part = paths.samples() / f"{SAMPLES['sms_spam'].archive.name}.part"
    with pytest.raises(Stopped):
        labelled_samples.bring_in(of("sms_spam"), should_stop=part.is_file)


def test_the_command_line_fetches_them_and_lists_them(home, monkeypatch, capsys):
    monkeypatch.setitem(SAMPLES, "sms_spam", of("sms_spam"))
    assert command_line.main(["fetch", "--samples", "sms_spam"]) == 0
    assert archives.cached(of("sms_spam").archive)
    assert command_line.main(["fetch", "--list"]) == 0
    listed = capsys.readouterr().out
    assert "Creative Commons Attribution 4.0. T. Almeida" in listed and "1/1" in listed
    assert all(name in listed for name in ("bert_tiny", "bge_small_zh", "xlm_roberta", "movie_sentences"))
