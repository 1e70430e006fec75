"""Thirty viewers of one run: its log is parsed once, and none sees another one's news arrive in what it holds."""

import threading

import pytest

from tl_core.base import events
from tl_core.runs import queue, store, watch


@pytest.fixture
def run(config):
    made = store.create(config, owner="ada")
    queue.submit(made.id)
    events.append(made.log, events.Started())
    return made


def test_thirty_viewers_have_the_log_parsed_once(run, monkeypatch):
    parsed = []
    real = events.parse
    monkeypatch.setattr(events, "parse", lambda line: parsed.append(line) or real(line))
    over, seen = threading.Event(), [0] * 30

    def view(number: int) -> None:
        while not over.is_set():
            seen[number] = len(watch.history(run).epochs)

    viewers = [threading.Thread(target=view, args=(number,)) for number in range(30)]
    for viewer in viewers:
        viewer.start()
    for epoch in range(1, 41):
        events.append(run.log, events.Epoch(epoch=epoch, step=epoch, seconds=1.0))
    while min(seen) < 40 and all(viewer.is_alive() for viewer in viewers):
        pass
    over.set()
    for viewer in viewers:
        viewer.join(10)
    assert seen == [40] * 30
    epochs = [line for line in parsed if b'"epoch"' in line[:20]]
    assert len(epochs) == 40, "each line once, however many look"


def test_what_a_viewer_holds_stays_as_it_was(run):
    before = watch.history(run)
    assert watch.history(run) is before, "nothing is new"
    events.append(run.log, events.Epoch(epoch=1, step=1, seconds=1.0))
    after = watch.history(run)
    assert before.epochs == [] and len(after.epochs) == 1


def test_logs_that_nobody_asks_for_are_forgotten(run, monkeypatch):
    monkeypatch.setattr(watch, "KEPT", 2)
    first = watch.history(run)
    for _ in range(2):
        watch.history(store.create(run.config, owner="ada"))
    assert len(watch._watched) == 2
    assert watch.history(run) is not first and watch.history(run).started is not None
