"""Recorded texts: written by a real model, labelled, read without TensorFlow, replayed token by token."""

import gzip
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.tasks.text_generation import folders
from tl_core import __main__ as command_line
from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.recordings import generation, lessons, play
from tl_core.recordings.record_generation import record_writing
from tl_core.tasks.text_generation.sampling import ARTICLE
from tl_core.tasks.text_generation.stream import Ended, Written

SHORT = replace(ARTICLE, length=12)


@pytest.fixture
def shelf(tl_home, tmp_path, monkeypatch) -> Path:
    """An app whose recordings are only those that the test makes."""
    monkeypatch.setattr(play, "FOLDER", tmp_path / "recordings")
    return tmp_path / "recordings"


@pytest.fixture
def tiny(tmp_path) -> str:
    return str(folders.write(tmp_path / "secret-place" / "my-model"))


def _recorded(tiny: str, name: str = "mine") -> generation.WrittenRecording:
    record_writing(name, tiny, settings=SHORT, machine="A laptop", title="Mine", notice="Look.")
    return generation.get(name)


def test_a_recording_is_what_the_model_wrote_with_its_label(shelf, tiny):
    made = _recorded(tiny)
    assert [recording.name for recording in generation.all()] == ["mine"]
    assert (made.prompt, made.settings, made.tokens) == ("Once upon a time", SHORT, 12)
    assert (str(made.card.machine), str(made.card.weights)) == ("A laptop", "a file of its maker's own")
    assert isinstance(made.events[-1], Ended)
    tokens = [event for event in made.events if isinstance(event, Written)]
    for token in tokens:
        assert token.id in [candidate.id for candidate in token.candidates] and 8 <= len(token.candidates) <= 9
        assert token.rank == 1 and token.probability == max(c.before for c in token.candidates)
    assert play.all() == [], "a text is no run"
    with pytest.raises(UserError, match="no recording called mine"):
        play.get("mine")


def test_nothing_tells_who_or_where(shelf, tiny):
    folder = _recorded(tiny).folder
    text = "".join(
        (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
        for path in folder.iterdir()
    )
    for word in ("secret-place", str(Path.home()) + "/", socket.gethostname()):
        assert word not in text
    assert '"my-model"' in text


def test_a_replay_shows_the_tokens_in_their_time(shelf, tiny):
    made = _recorded(tiny)
    assert made.at(-1) == [] and len(made.at(made.length)) == 12
    for number, moment in enumerate(made.moments[:12], 1):
        assert len(made.at(moment)) == number
    assert made.speed in made.speeds and {1, 50} <= set(made.speeds)


@pytest.mark.parametrize(("seconds", "speed"), [(0.1, 0.01), (0.8, 0.1), (6.0, 1), (25.0, 5), (2000.0, 50)])
def test_it_is_begun_at_a_speed_that_can_be_followed(shelf, tiny, seconds, speed):
    made = _recorded(tiny)
    tokens = tuple(event for event in made.events if isinstance(event, Written)) * 4  # 48 tokens
    slower = replace(made, events=tokens, moments=tuple(seconds * n / 47 for n in range(48)))
    assert slower.speed == speed


def test_a_text_is_not_called_what_it_is_not(shelf, tiny):
    with pytest.raises(UserError, match="not the one that the recording would be called after"):
        record_writing("article_text", tiny)
    with pytest.raises(UserError, match="no title"):
        record_writing("something_else", tiny)
    with pytest.raises(UserError, match="cannot be called"):
        record_writing("../elsewhere", tiny, title="x", notice="y")
    with pytest.raises(UserError, match="no language model called"):
        record_writing("mine", "nonsense", title="x", notice="y")
    assert not shelf.exists()


@pytest.mark.parametrize("damage", ["no gzip", "no end", "backwards", "card", "settings"])
def test_a_damaged_one_is_left_out_and_explained(shelf, tiny, damage):
    folder = _recorded(tiny).folder
    tokens = folder / "tokens.jsonl.gz"
    lines = gzip.decompress(tokens.read_bytes()).splitlines()
    if damage == "no gzip":
        tokens.write_bytes(b"text")
    elif damage == "no end":
        tokens.write_bytes(gzip.compress(b"\n".join(lines[:-1])))
    elif damage == "backwards":
        tokens.write_bytes(gzip.compress(b"\n".join([lines[3], *lines])))
    elif damage == "card":
        (folder / "card.json").write_text("{}")
    else:
        (folder / "writing.json").write_text(json.dumps({"model": "tales", "prompt": "x", "settings": {"wings": 2}}))
    generation._read.cache_clear()
    assert generation.all() == []
    with pytest.raises(UserError, match="mine cannot be read"):
        generation.get("mine")


def test_the_command_line_records_and_says_where(shelf, tiny, capsys, monkeypatch):
    known = lessons.Written(Message("Known"), Message("Look."), tiny)
    monkeypatch.setitem(lessons.TEXTS, "known", known)
    assert command_line.main(["record", "--writing", "known", "--model", tiny, "--prompt", "The king"]) == 0
    assert str(shelf / "known") in capsys.readouterr().out
    made = generation.get("known")
    assert (str(made.card.title), made.prompt, made.settings) == ("Known", "The king", ARTICLE)
    assert command_line.main(["record"]) == 2
    assert "--writing" in capsys.readouterr().err


def test_they_are_read_without_tensorflow(shelf, tiny):
    _recorded(tiny)
    program = "import sys\nfrom pathlib import Path\nfrom tl_core.recordings import generation, play, record\n"
    program += f"play.FOLDER = Path({str(shelf)!r})\nassert generation.get('mine').tokens == 12\n"
    program += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


@pytest.mark.skipif(
    not generation.all(), reason="NO RECORDED TEXTS IN THIS CHECKOUT: what is shipped was not looked at"
)
def test_shipped_texts_are_sound_and_labelled():
    for recording in generation.all():
        assert recording.tokens and str(recording.card.machine) and recording.card.date[:2] == "20"
        assert lessons.TEXTS[recording.name].model == recording.model
