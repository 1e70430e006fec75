"""The event log: what was written is read, whatever a crash, a full disk or a later version left in it."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tl_core.base import events
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message

ALL = [
    events.Queued(),
    events.Started(pid=7, host="h", device="NVIDIA L4", precision="mixed_float16", versions={"keras": "3"}),
    events.Phase(phase="head", total=5, unit="epochs", frozen_blocks=3, learning_rate=1e-3, trainable=10, frozen=9),
    events.Progress(phase="features", done=3, total=10, rate=1.5),
    events.Batch(phase="head", epoch=1, step=2, metrics={"loss": 0.5, "accuracy": 0.25}, batches=4),
    events.Epoch(
        phase="head", epoch=1, step=4, metrics={"loss": 0.5, "val_loss": 0.75}, rate=20.5, unit="images", best=True
    ),
    events.Notice(message=message("Only {n} images", n=3)),
    events.Finished(best_epoch=1, metrics={"accuracy": 0.5}),
    events.Stopped(best_epoch=1),
    events.Artifact(name="sample", step=20, payload={"prompt": "Once", "text": " upon a time", "copied": [1, 5]}),
    events.Trial(arm="pretrained", place="block3", seed=2, metrics={"val_accuracy": 0.75}),
    events.Failed(error=UserError(message("No {x}.", x="花"), message("Do.")), details="Traceback\n\u2028 …"),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def written(log: Path, *found: events.Event) -> None:
    for event in found:
        events.append(log, event)


def test_every_kind_survives_the_round_trip(log: Path):
    written(log, *ALL)
    again, offset = events.read(log)
    assert [json.dumps(event.to_json()) for event in again] == [json.dumps(event.to_json()) for event in ALL]
    assert again[9] == ALL[9]
    assert {event.kind for event in ALL} == set(events.KINDS)
    assert offset == log.stat().st_size
    assert str(again[-1].error) == "No 花. Do."


def test_each_event_is_one_line_that_begins_with_its_kind(log: Path):
    written(log, *ALL)
    lines = log.read_bytes().split(b"\n")
    assert len(lines) == len(ALL) + 1 and lines[-1] == b""
    for line, event in zip(lines, ALL, strict=False):
        assert line.startswith(b'{"kind":"%s"' % event.kind.encode())


def test_reading_goes_on_where_it_ended_and_waits_for_a_whole_line(log: Path):
    written(log, ALL[0])
    first, offset = events.read(log)
    whole = json.dumps(ALL[4].to_json()).encode() + b"\n"
    with open(log, "ab") as file:
        file.write(whole[:20])
    assert events.read(log, offset) == ([], offset)
    with open(log, "ab") as file:
        file.write(whole[20:])
    second, end = events.read(log, offset)
    assert [event.kind for event in first + second] == ["queued", "batch"]
    assert events.read(log, end) == ([], end)


def test_a_line_torn_by_a_crash_is_closed_by_the_next_writer(log: Path):
    written(log, ALL[0])
    with open(log, "ab") as file:
        file.write(b'{"kind":"batch","t":1.0,"pha')
    written(log, ALL[7])
    assert [event.kind for event in events.read(log)[0]] == ["queued", "finished"]
    assert log.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b"null",
        b"7",
        b'"queued"',
        b"\xff\xfe",
        b'{"kind":"rained"}',
        b'{"kind":["queued"]}',
        b'{"kind":"warning","message":{"message":7}}',
        b'{"kind":"failed","error":{"error":{"what":1}}}',
    ],
)
def test_what_is_no_event_is_passed_over(log: Path, line: bytes):
    log.write_bytes(line + b"\n")
    written(log, ALL[0])
    assert [event.kind for event in events.read(log)[0]] == ["queued"]


def test_fields_of_a_later_version_are_ignored_and_missing_ones_have_defaults():
    event = events.parse(b'{"kind":"epoch","t":5.0,"epoch":2,"mood":"good"}')
    assert (event.epoch, event.t, event.metrics) == (2, 5.0, {})


OLD = [  # lines of earlier versions as they stand in real logs, and what they mean today
    (
        b'{"kind":"batch","t":5.5,"phase":"head","epoch":1,"step":1,"loss":1.8439,"accuracy":0.21875,"batches":3}',
        events.Batch(
            t=5.5, phase="head", epoch=1, step=1, metrics={"loss": 1.8439, "accuracy": 0.21875}, batches=3
        ),
    ),
    (
        b'{"kind":"epoch","t":5.5,"phase":"head","epoch":2,"step":10,"loss":0.67964,"accuracy":0.8,"val_loss":0.59704,'
        b'"val_accuracy":0.808,"seconds":0.0214,"validation_seconds":0.0067,"images_per_second":7010.5,"best":true,'
        b'"source_perplexity":null}',
        events.Epoch(
            t=5.5, phase="head", epoch=2, step=10, seconds=0.0214, validation_seconds=0.0067, rate=7010.5, best=True,
            metrics={"loss": 0.67964, "accuracy": 0.8, "val_loss": 0.59704, "val_accuracy": 0.808},
        ),
    ),
    (
        b'{"kind":"epoch","t":5.5,"phase":"fine-tuning","epoch":1,"step":8,"loss":NaN,"accuracy":0.1,"val_loss":null,'
        b'"val_accuracy":null,"source_perplexity":88.5}',
        events.Epoch(
            t=5.5, phase="fine-tuning", epoch=1, step=8,
            metrics={"loss": math.nan, "accuracy": 0.1, "source_perplexity": 88.5},
        ),
    ),
    (
        b'{"kind":"sample","t":5.5,"step":20,"prompt":"Once","text":" upon","copied":[1,5],"copied_tokens":1,'
        b'"perplexity":12.5,"source_perplexity":null}',
        events.Artifact(
            t=5.5, name="sample", step=20,
            payload={
                "prompt": "Once", "text": " upon", "copied": [1, 5], "copied_tokens": 1, "perplexity": 12.5,
                "source_perplexity": None,
            },
        ),
    ),
    (
        b'{"kind":"finished","t":5.5,"best_epoch":2,"metrics":{"loss":0.2,"source_perplexity_before":20.5,'
        b'"source_perplexity_after":30.5}}',
        events.Finished(
            t=5.5, best_epoch=2, metrics={"loss": 0.2, "base_source_perplexity": 20.5, "source_perplexity": 30.5}
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "meant"), OLD, ids=[event.kind for _, event in OLD])
def test_a_line_of_an_earlier_version_is_read_as_one_of_today(line: bytes, meant: events.Event):
    assert repr(events.parse(line)) == repr(meant), "by their words: no number that is none equals another"
    written = json.dumps(meant.to_json()).encode()
    assert repr(events.parse(written)) == repr(meant), "and what is written today needs no upgrade"


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"epoch","t":1.0,"epoch":1,"loss":"low"}',
        b'{"kind":"epoch","t":1.0,"epoch":1,"loss":0.5,"images_per_second":-1}',
        b'{"kind":"batch","t":1.0,"epoch":1,"loss":0.5,"accuracy":true}',
        b'{"kind":"batch","t":1.0,"epoch":1,"metrics":[0.5]}',
        b'{"kind":"finished","t":1.0,"metrics":{"loss":null}}',
        b'{"kind":"artifact","t":1.0,"payload":"text"}',
    ],
)
def test_an_old_or_new_line_with_a_value_that_cannot_be_is_no_event(line: bytes):
    assert events.parse(line) is None


def test_no_log_has_no_events(log: Path):
    assert events.read(log) == ([], 0)


def test_four_processes_append_at_once_without_mixing_lines(log: Path):
    program = """
import sys
from pathlib import Path
from tl_core.base import events
for step in range(200):
    events.append(Path(sys.argv[1]), events.Batch(phase=sys.argv[2], step=step, metrics={"loss": 1 / 3}))
"""
    commands = [[sys.executable, "-c", program, str(log), str(number)] for number in range(4)]
    for worker in [subprocess.Popen(command, cwd=REPOSITORY) for command in commands]:
        assert worker.wait(60) == 0
    found, _ = events.read(log)
    assert len(found) == 800
    for number in range(4):
        assert [event.step for event in found if event.phase == str(number)] == list(range(200))


def test_a_full_disk_is_an_error_and_never_half_an_event_in_silence(log: Path, monkeypatch: pytest.MonkeyPatch):
    written(log, ALL[0])
    real = os.write

    def filling(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", full)
        return real(descriptor, data[:10])

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(UserError, match="disk"), disk_full_explained():
        events.append(log, ALL[4])
    monkeypatch.setattr(os, "write", real)
    written(log, ALL[8])
    assert [event.kind for event in events.read(log)[0]] == ["queued", "stopped"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "x"), "disk of the server is full"),
        (OSError(errno.EDQUOT, "x"), "disk of the server is full"),
        (OSError("Can't write: errno = 28, No space left on device"), "disk of the server is full"),
        (OSError(errno.EROFS, "x"), "may not write to its disk: Read-only file system. .* goes on by itself"),
        (PermissionError(errno.EACCES, "x"), "may not write to its disk: Permission denied"),
    ],
)
def test_a_disk_that_takes_nothing_is_named(tl_home: Path, error: OSError, said: str):
    with pytest.raises(UserError, match=said), disk_full_explained():
        raise error


def test_other_errors_are_not_blamed_on_the_disk(tl_home: Path):
    for error in (FileNotFoundError(errno.ENOENT, "x"), PermissionError(errno.EACCES, "x", "/chosen/by/somebody")):
        with pytest.raises(type(error)), disk_full_explained():
            raise error


def test_a_user_error_survives_json_and_pickle():
    import pickle

    error = UserError(message("No {x}.", x=1), message("Do {y}.", y=[2, 3]))
    for again in (UserError.from_json(json.loads(json.dumps(error.to_json()))), pickle.loads(pickle.dumps(error))):
        assert (str(again.what), str(again.remedy)) == ("No 1.", "Do 2, 3.")
