"""What a page knows of a run: read on, rewound by a resume, bounded in memory."""

import json
import os
import time
from pathlib import Path

import pytest

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.events import (
    Batch,
    Epoch,
    Failed,
    Finished,
    Notice,
    Phase,
    Progress,
    Queued,
    Started,
    Stopped,
)
from tl_core.base.messages import message
from tl_core.runs import history as histories
from tl_core.runs.history import History
from tl_core.tasks.image_classification.config import DataConfig, PhaseConfig, RunConfig
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.progress import Sample


@pytest.fixture
def log(tmp_path: Path) -> Path:
    config = RunConfig(DataConfig("0123456789abcdef"), phases=(PhaseConfig(-1, 3), PhaseConfig(2, 4)))
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    return tmp_path / "events.jsonl"


def written(log: Path, *found: events.Event) -> History:
    for event in found:
        events.append(log, event)
    return History(log).update()


def epoch(number: int, t: float = 0.0, **more: object) -> Epoch:
    return Epoch(t=t, epoch=number, step=number * 10, **{"phase": "head", "seconds": 2.0, **more})


def test_nothing_yet(log: Path):
    history = History(log).update()
    assert history.active and history.elapsed is None and history.remaining is None and history.batches() == []
    assert history.rate is None and history.best is None and history.total_epochs == 7


def test_it_reads_on_and_stays_the_same_as_reading_all(log: Path):
    found = [
        Queued(), Started(device="GPU"), Phase(phase="head", unit="epochs", total=3),
        Notice(message=message("x")),
        *(Batch(phase="head", epoch=1, step=n, metrics={"loss": n}) for n in range(10)), epoch(1, best=True), epoch(2),
        Finished(best_epoch=1),
    ]  # fmt: skip
    grown = History(log)
    for event in found:
        events.append(log, event)
        grown.update()
    whole = History(log).update()
    for history in (grown, whole):
        assert [e.epoch for e in history.epochs] == [1, 2] and history.best.epoch == 1
        assert len(history.batches()) == 10 and len(history.notices) == 1 and not history.active
        assert history.started.device == "GPU" and history.outcome.best_epoch == 1


def test_a_log_that_was_replaced_or_cut_is_read_from_its_beginning(log: Path):
    history = written(log, Queued(), Started(), epoch(1), epoch(2))
    other = log.with_name("other")
    for event in (Queued(), Started(), epoch(1)):
        events.append(other, event)
    os.replace(other, log)
    assert len(history.update().epochs) == 1
    log.write_bytes(b"")
    assert history.update().epochs == [] and history.started is None


def test_a_resume_rewinds_to_its_checkpoint(log: Path):
    history = written(
        log,
        Queued(), Started(t=100.0), Phase(t=100, phase="features", unit="images", total=9),
        Phase(t=101, phase="head", unit="epochs", total=3),
        *(Batch(t=102, phase="head", epoch=1 + n // 10, step=n + 1) for n in range(30)),
        epoch(1, 103), epoch(2, 104), epoch(3, 105),
        Phase(t=106, phase="fine-tuning", unit="epochs", total=4, first_epoch=3),
        *(Batch(t=107, phase="fine-tuning", epoch=4, step=31 + n) for n in range(10)),
        epoch(4, 108, phase="fine-tuning"),
        Batch(t=109, phase="fine-tuning", epoch=5, step=41),
        Notice(t=109, message=message("x")),
        Failed(t=110.0, error=UserError(message("Dead."), message("Resume."))),
    )  # fmt: skip
    assert history.error and not history.active and history.elapsed == 10.0
    events.append(log, Queued(t=500.0))
    history.update()
    assert history.active and history.error is None and history.elapsed == 10.0 and history.remaining is None
    events.append(log, Started(t=1000.0, resumed_from=3))
    events.append(log, Phase(t=1001, phase="fine-tuning", unit="epochs", total=4, first_epoch=3))
    history.update()
    assert [e.epoch for e in history.epochs] == [1, 2, 3]
    assert max(batch.step for batch in history.batches()) == 30
    assert [phase.phase for phase in history.phases] == ["head", "fine-tuning"] and history.notices == []
    events.append(log, epoch(4, 1002.0, phase="fine-tuning"))
    events.append(log, Stopped(t=1003.0, best_epoch=4))
    history.update()
    assert [e.epoch for e in history.epochs] == [1, 2, 3, 4] and history.elapsed == 13.0


def test_a_phase_that_a_resume_begins_again_is_listed_once(log: Path):
    head = Phase(phase="head", unit="epochs", total=3)
    tuning = Phase(phase="fine-tuning", unit="epochs", total=4, first_epoch=3)
    history = written(log, Queued(), Started(), head, epoch(1), epoch(2), epoch(3), tuning, epoch(4), epoch(5))
    for event in (Failed(), Queued(), Started(resumed_from=5), Phase(phase="features", unit="images"), tuning):
        events.append(log, event)
    assert [phase.phase for phase in history.update().phases] == ["head", "features", "fine-tuning"]
    for event in (Failed(), Queued(), Started(resumed_from=0), head):
        events.append(log, event)
    assert [phase.phase for phase in history.update().phases] == ["head"] and history.epochs == []


def test_a_worker_found_dead_next_morning_did_not_work_all_night(log: Path):
    history = written(log, Queued(t=0), Started(t=100.0), epoch(1, 160.0), Failed(t=40_000.0))
    assert history.elapsed == 60.0 + histories.SILENCE


def test_a_run_stopped_in_the_queue_has_not_worked(log: Path):
    history = written(log, Queued(), Stopped())
    assert not history.active and history.elapsed is None


def test_batches_are_thinned_within_bounds_and_keep_their_mean(log: Path):
    count = 3 * histories.KEPT
    with open(log, "wb") as file:
        for n in range(count):
            file.write(
                b'{"kind":"batch","t":1.0,"phase":"head","epoch":%d,"step":%d,"loss":%d,"batches":1}\n'
                % (1 + n // 997, n + 1, n)
            )
    history = History(log).update()
    assert len(history._batches) <= histories.KEPT
    for points in (100, 500, 10_000):
        batches = history.batches(points)
        assert len(batches) <= min(points, histories.KEPT)
        assert sum(batch.batches for batch in batches) == count
        assert [batch.step for batch in batches] == sorted(batch.step for batch in batches)
        mean = sum(batch.metrics["loss"] * batch.batches for batch in batches) / count
        assert mean == pytest.approx((count - 1) / 2)
    assert batches[-1].step == count


def test_batches_of_many_short_epochs_are_thinned_too():
    batches = [Batch(phase="head", epoch=n, step=n) for n in range(1000)]
    assert len(histories.halved(batches)) == 500


def test_remaining_follows_the_pace_of_the_phase(log: Path):
    now = time.time()
    history = written(log, Queued(), Started(t=now - 10), Phase(phase="head", unit="epochs", total=3))
    assert history.remaining is None
    for number in (1, 2):
        events.append(log, epoch(number, now, seconds=2.0, validation_seconds=1.0))
    assert history.update().remaining == pytest.approx(5 * 3.0, abs=1)
    events.append(log, Phase(phase="fine-tuning", unit="epochs", total=4, first_epoch=3))
    assert history.update().remaining is None
    events.append(log, Finished())
    assert history.update().remaining is None


def test_remaining_of_a_pass_through_the_pictures(log: Path):
    history = written(log, Queued(), Started(), Phase(phase="features", unit="images", total=100))
    events.append(log, Progress(phase="features", done=40, total=100, rate=20.0))
    assert history.update().remaining == 3.0 and history.rate == 20.0


def test_total_epochs_without_readable_settings(log: Path):
    (log.parent / "config.json").write_text("{")
    history = written(log, Phase(phase="head", unit="epochs", total=3), Phase(phase="saving", total=9, unit="images"))
    assert history.total_epochs == 3


def test_what_the_kept_weights_wrote_and_forgot_is_told_apart_from_the_last(log: Path):
    before, last = Sample(source_perplexity=20.0).event(), Sample(step=30, source_perplexity=90.0).event()
    first, second = ({"source_perplexity": value} for value in (30.0, 40.0))
    rounds = [epoch(1, best=True, metrics=first), epoch(2, best=True, metrics=second), epoch(3)]
    history = written(log, Started(), before, *rounds, last)
    assert progress.kept_sample(history) is None and progress.forgetting(history) == (20.0, 40.0)
    kept = Sample(step=20, text="kept", source_perplexity=40.0).event()
    events.append(log, kept)
    assert progress.kept_sample(history.update()).text == "kept"
    assert [sample.step for sample in progress.samples(history)] == [0, 20, 30]
    events.append(log, Sample(step=20, text="again").event())  # of a run that was stopped and has gone on
    assert [sample.text for sample in progress.samples(history.update())] == ["", "again", ""]


def test_an_earlier_version_says_what_the_kept_weights_forgot_at_its_end(log: Path):
    rounds = [epoch(1, best=True), epoch(2)]
    history = written(log, Started(), Sample(source_perplexity=20.0).event(), *rounds)
    assert progress.forgetting(history) is None
    events.append(log, Finished(best_epoch=1, metrics={"source_perplexity_after": 50.0}))
    assert progress.forgetting(history.update()) == (20.0, 50.0)


def test_a_clock_that_jumps_back_takes_no_time_away(log: Path, monkeypatch: pytest.MonkeyPatch):
    """A day back in the middle of a run: elapsed was -86,383 s."""
    monkeypatch.setattr(histories.time, "time", lambda: 90_000.0 - 86_400 + 17)
    history = written(log, Started(t=90_000.0), Phase(phase="head", total=7, unit="epochs", t=90_001.0))
    assert history.elapsed == 1.0
    history = written(log, epoch(1, 90_010.0, seconds=2.0))
    assert history.elapsed == 10.0 and history.remaining == 12.0
    history = written(log, epoch(2, 3612.0, seconds=2.0), epoch(3, 3614.0, seconds=2.0))
    assert history.elapsed == 10.0 + 2.0 + 3.0
    history = written(log, Finished(t=3620.0))
    assert history.elapsed == 10.0 + 8.0, "only the step in which the clock was set is lost"
    history = written(log, Queued(t=3700.0), Started(t=3800.0, resumed_from=3), Finished(t=3801.0))
    assert history.elapsed == 19.0, "and waiting is no work"


@pytest.mark.parametrize(
    ("found", "precision"),
    [
        ([Started()], ""),
        ([Started(), Phase(phase="features"), Phase(phase="head", precision="mixed_bfloat16")], "mixed_bfloat16"),
        ([Started(precision="float32")], "float32"),
    ],
    ids=["not measured yet", "told by a phase", "earlier versions"],
)
def test_the_precision_is_known_once_it_is_told(log: Path, found, precision):
    assert written(log, *found).precision == precision
