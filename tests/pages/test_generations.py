"""Texts written in the background: what the page is told, to whom, when it ends, and what is forgotten.

The engine is a stand-in here; tests/engine drives the real one, tests/browser both together.
"""

import contextlib
import json
import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from pages.server import generation_routes, generations, inside, news
from pages.server.generations import Look, Order
from pages.ui.visitors import COOKIE
from tests.pages import test_routes
from tests.pages.made import person
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.tasks.text_generation import entries
from tl_core.tasks.text_generation.calls import ABLATE, WHOLE, Ablate, Compared, Occlude
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Beams, Candidate, Ended, Guess, Remark, Written
from tl_core.text.pretrained.registry import CHECKPOINTS

ORDER = Order("tales", "tales", CHECKPOINTS["tales"].shape, "Once upon a time", Settings(strategy="greedy", length=6))
ADA = person("ada")
WORDS = {11: " a", 22: " the", 33: " one"}
LOGITS = (
    tuple(np.log(np.array([*[1e-6] * 11, 1e-30, *[1e-6] * 10, 0.6, *[1e-6] * 10, 0.4]))) + (-30.0,) * 4062
)  # of 22 and 33


class Engine:
    """Stands in for `client.write_lines`: writes as many tokens as it is told to, when it is told to."""

    def __init__(self):
        self.asked, self.closed = [], 0
        self.go, self.beat = threading.Event(), 0.01  # may it write; if not, seconds between words that it waits
        self.go.set()
        self.extra, self.error, self.statuses = [], None, []

    def lines(self, *order):
        with contextlib.closing(self.write(*order)) as events:
            for event in events:
                yield json.dumps(entries.entry(event), separators=(",", ":")).encode()

    def write(self, model, prompt, settings, written=(), status=lambda sentence: None):
        self.asked.append((model, prompt, settings, tuple(written)))
        try:
            for sentence in self.statuses:
                status(sentence)
            yield from self.extra
            for sample in range(settings.first, settings.samples):
                begun = len(written) if sample == settings.first else 0
                for index in range(begun, settings.length):
                    while not self.go.wait(self.beat):
                        status(message("Waiting…"))
                    told = settings.told[0] if settings.told else 11
                    yield token(sample, index, settings.lens, told, LOGITS if settings.logits else ())
                if self.error:
                    raise self.error
                yield Ended(sample, "length", settings.length - begun, 0.01, 0.06)
        finally:
            self.closed += 1


def token(sample, index, lens=False, id=11, logits=()) -> Written:
    shown = (Candidate(22, " the", 0.5, 0.6), Candidate(11, " a", 0.3, 0.4), Candidate(33, " one", 0.2, 0.0))
    inside = (Guess("embeddings", shown, 0.25), Guess("h.0", shown, 0.3)) if lens else ()
    attention = (0.75, 0.25) if lens else ()
    return Written(sample, index, id, WORDS.get(id, "?"), 0.3, 2, 2, shown, inside, attention, 0.01, logits)


@pytest.fixture
def engine(monkeypatch, tl_home):
    stand_in = Engine()
    monkeypatch.setattr(client, "write_lines", stand_in.lines)
    monkeypatch.setattr(generations, "_all", {})
    monkeypatch.setattr(news, "TURN", 0.0)  # whoever asks is told what there is and asked to come again
    return stand_in


def ended(writing):
    deadline = time.monotonic() + 10
    while not writing.done:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return writing


def ask(method, path, visitor="ada"):
    return test_routes.ask(method, path, headers={"cookie": f"{COOKIE}={visitor}"}, routes=generation_routes.WRITING)


def told(writing, **known):
    query = "&".join(f"{name.rstrip('_')}={value}" for name, value in known.items())
    status, headers, body = ask("GET", f"/tl/writing/{writing.id}?{query}")
    assert status == 200 and headers["content-type"].startswith("text/event-stream")
    return heard(body)


def heard(body):
    """What a browser knows after these events."""
    events = [dict(line.split(": ", 1) for line in event.split("\n")) for event in body.decode().split("\n\n")[:-1]]
    whole = {"entries": []}
    for event in events:
        data = json.loads(event["data"])
        whole = {**whole, **data, "entries": [*whole["entries"], *data.get("entries", [])]}
        assert data.get("again") or event["id"] == str(data["next"])
    return whole


def test_every_token_is_told_with_what_else_was_likely(engine):
    news = told(ended(generations.begin(ADA, ORDER)))
    assert [entry["kind"] for entry in news["entries"]] == ["prompt", *["written"] * 6, "ended"]
    assert news["entries"][0]["labels"] == ["Once", " upon", " a", " time"]
    assert news["entries"][1]["candidates"] == [[22, " the", 0.5, 0.6], [11, " a", 0.3, 0.4], [33, " one", 0.2, 0.0]]
    assert news["done"] and not news["error"]
    assert engine.asked == [("tales", ORDER.prompt, ORDER.settings, ())]


def test_only_what_is_new_is_told_again(engine):
    writing = ended(generations.begin(ADA, ORDER))
    whole = told(writing)
    rest = told(writing, from_=5)
    assert rest["entries"] == whole["entries"][5:]
    assert rest["next"] == len(whole["entries"])


def test_who_listens_is_told_what_is_new_until_the_end(engine, monkeypatch):
    monkeypatch.setattr(news, "TURN", 3600.0)
    engine.go.clear()
    engine.beat = 3600.0
    writing, said = generations.begin(ADA, ORDER), []
    while not engine.asked:
        time.sleep(0.005)
    listeners = [threading.Thread(target=lambda: said.append(told(writing))) for _number in range(3)]
    for listener in listeners:
        listener.start()
    listeners[0].join(0.3)
    assert all(listener.is_alive() for listener in listeners) and not said
    engine.go.set()
    for listener in listeners:
        listener.join(60)
    ended(writing)
    assert [len(one["entries"]) for one in said] == [8] * 3 and all(one["done"] for one in said)


def test_a_browser_that_lost_the_line_goes_on_behind_what_it_heard(engine):
    writing = ended(generations.begin(ADA, ORDER))
    lost = {"cookie": f"{COOKIE}=ada", "last-event-id": "6"}
    path = f"/tl/writing/{writing.id}?from=1"
    _status, _headers, body = test_routes.ask("GET", path, headers=lost, routes=generation_routes.WRITING)
    assert heard(body)["entries"] == told(writing, from_=6)["entries"] == told(writing)["entries"][6:]
    assert ask("HEAD", path)[::2] == (200, b"") and ask("HEAD", path, visitor="eve")[0] == 404


def test_what_many_are_told_alike_is_put_together_once(engine, monkeypatch):
    engine.go.clear()
    writing, put_together, real = generations.begin(ADA, ORDER), [], news._told
    monkeypatch.setattr(news, "_told", lambda *args: put_together.append(args) or real(*args))
    readers = [news._Reader(writing, 0, language, math.inf) for language in ("en", "en", "zh_Hans_CN", "en")]
    news._look(readers)
    assert len(put_together) == 2 and len({reader.heard for reader in readers[:2]}) == 1
    assert all(reader.heard for reader in readers)
    engine.go.set()
    ended(writing)
    news._look(readers)
    assert len(put_together) == 2, "nobody has taken what they were told"
    readers[0].heard = b""
    news._look(readers)
    assert len(put_together) == 3 and readers[0].last


def test_every_loop_is_told_with_where_it_begins(engine, monkeypatch):
    writing = ended(generations.begin(ADA, replace(ORDER, settings=Settings(strategy="greedy", length=12))))
    assert writing.last["loops"] == [[0, 1, 11]]
    assert ended(generations.begin(ADA, ORDER)).last["loops"] == []
    monkeypatch.setitem(WORDS, 44, " two")
    order = replace(ORDER, settings=Settings(length=32), written=(*[22] * 10, *[33, 44] * 6))
    kept = [entries.entry(token(0, index, id=id)) for index, id in enumerate(order.written)]
    assert ended(generations.begin(ADA, order, kept=kept)).last["loops"] == [[0, 1, 9], [10, 2, 10], [22, 1, 9]]


def test_a_text_goes_on_where_it_was_paused_and_as_far_again_at_its_end(engine):
    engine.go.clear()
    writing = generations.begin(ADA, ORDER)
    generations.stop(ADA, writing.id)
    assert ended(writing).last["reason"] == "paused"
    engine.go.set()
    for count in (1, 2):
        assert ask("POST", f"/tl/writing/{writing.id}?step=1")[0] == 204
        ended(writing)
        assert (len(writing.tokens(0)), writing.last["reason"]) == (count, "paused")
    assert engine.asked[-1][3] == (11,) and engine.asked[-1][2].length == 2
    assert ask("POST", f"/tl/writing/{writing.id}")[0] == 204
    assert (len(ended(writing).tokens(0)), writing.last["reason"]) == (6, "length")
    assert told(writing)["more"] and told(writing)["length"] == 6
    assert ask("POST", f"/tl/writing/{writing.id}")[0] == 204
    assert [entry["index"] for entry in ended(writing).tokens(0)] == list(range(12))
    assert engine.asked[-1][3] == (11,) * 6


def test_what_cannot_go_on_does_not(engine):
    engine.go.clear()
    writing = generations.begin(ADA, ORDER)
    assert ask("POST", f"/tl/writing/{writing.id}")[0] == 409, "it is being written"
    assert ask("POST", f"/tl/writing/{writing.id}", visitor="eve")[0] == 409
    engine.go.set()
    ended(writing)
    generations._end(writing, 0, "end")
    assert not told(writing)["more"]
    assert ask("POST", f"/tl/writing/{writing.id}")[0] == 409, "the model has ended it"


def test_samples_go_on_with_the_one_that_was_paused(engine):
    engine.go.clear()
    order = replace(ORDER, settings=Settings(length=3, samples=3))
    writing = generations.begin(ADA, order, until=1)
    engine.go.set()
    assert [len(ended(writing).tokens(sample)) for sample in range(3)] == [1, 0, 0]
    generations.go_on(ADA, writing.id)
    assert [len(ended(writing).tokens(sample)) for sample in range(3)] == [3, 3, 3]
    assert [entry["index"] for entry in writing.tokens(0)] == [0, 1, 2]
    assert not told(writing)["more"]


def test_a_token_is_looked_into_and_other_settings_are_tried_on_it(engine):
    writing = ended(generations.begin(ADA, ORDER))
    path = f"/tl/writing/{writing.id}/inside?sample=0&index=2&block=1&head=0"
    _status, _headers, body = ask("GET", path)
    seen = json.loads(body)
    assert seen["id"] == 11 and seen["lens"][0][0] == "embeddings" and "live" not in seen
    settings = engine.asked[-1][2]
    assert (settings.told, settings.logits, settings.attention, settings.length) == ((11,), True, (1, 0), 3)
    others = "&strategy=sample&temperature=1&top_k=0&top_p=0.5&repetition_penalty=1"
    live = json.loads(ask("GET", path + others)[2])["live"]
    assert live["kept"] == 1 and live["candidates"][0] == [22, "7", pytest.approx(0.6, abs=1e-3), 1.0]
    assert live["candidates"][-1][0] == 11, "the token that is there is always shown"
    assert len(engine.asked) == 2, "the model is asked once"
    assert ask("GET", path + others.replace("0.5", "7"))[0] == 200, "a setting out of range is told"
    assert "top-p" in json.loads(ask("GET", path + others.replace("0.5", "7"))[2])["error"]
    for wrong in ("sample=0&index=99&block=0&head=0", "sample=-1&index=0&block=0&head=0"):
        assert ask("GET", f"/tl/writing/{writing.id}/inside?{wrong}")[0] == 404
    assert ask("GET", f"/tl/writing/{writing.id}/inside?sample=0")[0] == 400
    assert ask("GET", path, visitor="eve")[0] == 404


def test_parts_are_switched_off_and_tokens_hidden_where_the_reader_looks(engine, monkeypatch):
    asked = []

    def answer(call, request):
        asked.append(request)
        if getattr(request, "off", ()) == ((9, 0),):
            raise UserError(message("No such head."), message("Choose."))
        return (Compared(22, " the", 0.6, 0.2),) if call is ABLATE else (0.1,) * len(request.back)

    monkeypatch.setattr(inside, "ask", answer)
    writing = ended(generations.begin(ADA, ORDER))
    path = f"/tl/writing/{writing.id}/without?sample=0&index=2"
    assert json.loads(ask("GET", f"{path}&off=0:1,2")[2]) == {"rows": [[22, " the", 0.6, 0.2]]}
    assert asked[0] == Ablate("tales", tuple(told(writing)["entries"][0]["ids"]), (11, 11), 11, ((0, 1), (2, WHOLE)))
    assert "rows" in json.loads(ask("GET", f"{path}&off=")[2]) and asked[-1].off == ()
    assert json.loads(ask("GET", f"{path}&off=9:0")[2])["error"] == "No such head. Choose."
    assert len(json.loads(ask("GET", f"{path}&from=3&to=6")[2])["falls"]) == 3
    assert asked[-1] == Occlude("tales", asked[0].prompt, (11, 11), 11, (3, 4, 5))
    ask("GET", f"{path}&from=1&to=100000")
    assert len(asked[-1].back) == generation_routes.HIDDEN
    for wrong, status in (("off=x", 400), ("from=1", 400), ("", 400)):
        assert ask("GET", f"{path}&{wrong}")[0] == status
    assert ask("GET", f"/tl/writing/{writing.id}/without?sample=-1&index=0&off=")[0] == 404
    assert ask("GET", f"{path}&off=0", visitor="eve")[0] == 404


def test_the_prompts_tokens_are_told_and_looked_into(engine):
    writing = ended(generations.begin(ADA, ORDER))
    prompt = told(writing)["entries"][0]
    assert prompt["texts"] == ["Once", " upon", " a", " time"] and not prompt["cut"]
    look = ended(inside.look(ADA, writing.id, Look(-1, 2, (0, 0), True)))
    _model, read, settings, written = engine.asked[-1]
    assert (read, written) == (tuple(prompt["ids"][:2]), ())
    assert settings.told == (prompt["ids"][2],) and settings.heads
    assert inside.look(ADA, writing.id, Look(-1, 2, (0, 0), True)) is look


def test_many_looks_do_not_push_out_the_text(engine, monkeypatch):
    monkeypatch.setattr(generations, "KEPT_LOOKS", 3)
    writing = ended(generations.begin(ADA, replace(ORDER, settings=Settings(length=20))))
    for index in range(20):
        ended(inside.look(ADA, writing.id, Look(0, index, (0, 0), False)))
    assert generations.get(ADA, writing.id)
    assert sum(other.is_look for other in generations._all.values()) <= 4


def test_beams_and_remarks_come_with_the_text(engine):
    engine.extra = [Remark(message("It has {n} tokens.", n=3)), Beams(0, ("a", "b"), (-1.0, -2.0))]
    news = told(ended(generations.begin(ADA, ORDER)))
    assert news["remarks"] == ["It has 3 tokens."]
    assert news["beams"] == [["a", -1.0], ["b", -2.0]]


def test_stop_ends_the_writing_with_the_token_at_hand(engine):
    writing = generations.begin(ADA, replace(ORDER, settings=Settings(length=4000), pace=50.0))
    while len(writing.entries) < 3:
        time.sleep(0.005)
    assert ask("DELETE", f"/tl/writing/{writing.id}")[0] == 204
    count = len(writing.entries)
    ended(writing)
    assert len(writing.entries) <= count + 2, "a token at most, and the end"
    assert engine.closed == 1


def test_stop_also_ends_the_wait_for_a_model(engine):
    engine.go.clear()
    writing = generations.begin(ADA, ORDER)
    while writing.status is None:
        time.sleep(0.005)
    assert told(writing)["status"] == "Waiting…"
    generations.stop(ADA, writing.id)
    ended(writing)
    assert engine.closed == 1
    assert not writing.error


def test_a_text_that_nobody_looks_at_is_not_written_any_further(engine, monkeypatch):
    monkeypatch.setattr(generations, "ABANDONED", 0.2)
    writing = ended(generations.begin(ADA, replace(ORDER, settings=Settings(length=4000), pace=100.0)))
    assert len(writing.entries) < 200


def test_what_goes_wrong_is_told(engine):
    engine.error = UserError(message("The model is gone."), message("Choose another one."))
    assert told(ended(generations.begin(ADA, ORDER)))["error"] == "The model is gone. Choose another one."
    engine.error = RuntimeError("a bug")
    news = told(ended(generations.begin(ADA, ORDER)))
    assert "unexpected" in news["error"]
    assert news["done"]


def test_a_text_is_its_owners_alone(engine):
    writing = ended(generations.begin(ADA, ORDER))
    assert ask("GET", f"/tl/writing/{writing.id}", visitor="eve")[0] == 404
    assert ask("GET", "/tl/writing/0000000000000000")[0] == 404
    assert ask("GET", f"/tl/writing/{writing.id}?from=x")[0] == 400
    assert inside.take(person("eve"), writing.id, 0, 0, 22) is None
    engine.go.clear()
    running = generations.begin(ADA, ORDER)
    ask("DELETE", f"/tl/writing/{running.id}", visitor="eve")
    assert not running.stop.is_set()
    engine.go.set()
    ended(running)


def test_another_token_is_taken_and_the_text_goes_on_behind_it(engine):
    first = ended(generations.begin(ADA, ORDER))
    second = ended(inside.take(ADA, first.id, 0, 2, 33))
    tokens = second.tokens(0)
    assert [entry["id"] for entry in tokens] == [11, 11, 33, *[11] * 6]
    assert [entry["index"] for entry in tokens] == list(range(9))
    assert tokens[2]["taken"] and tokens[2]["text"] and tokens[2]["rank"] == 3
    assert tokens[2]["probability"] == 0.2
    assert second.parent == first.id
    assert engine.asked[1][3] == (11, 11, 33)
    third = ended(inside.take(ADA, second.id, 0, 0, 22))
    assert len(third.tokens(0)) == 7, "as many tokens as were asked for at first, not more with every step"


@pytest.mark.parametrize(("sample", "index", "chosen"), [(0, 2, 999), (0, 99, 22), (1, 0, 22), (0, -1, 22)])
def test_what_was_never_a_choice_cannot_be_taken(engine, sample, index, chosen):
    writing = ended(generations.begin(ADA, ORDER))
    assert inside.take(ADA, writing.id, sample, index, chosen) is None


def test_a_look_inside_writes_that_token_alone_once_more(engine):
    writing = ended(generations.begin(ADA, replace(ORDER, settings=replace(ORDER.settings, samples=2))))
    look = ended(inside.look(ADA, writing.id, Look(1, 4, (2, 3), False)))
    settings, written = engine.asked[1][2:]
    assert written == (11,) * 4
    assert (settings.length, settings.samples, settings.lens, settings.attention) == (5, 1, True, (2, 3))
    (seen,) = look.tokens(0)
    assert seen["lens"][0] == ["embeddings", [[22, " the", 0.5], [11, " a", 0.3], [33, " one", 0.2]], 0.25]
    assert seen["attention"] == [0.75, 0.25]


def test_a_token_of_a_beam_can_be_taken_once_it_has_been_looked_into(engine, monkeypatch):
    real = token
    monkeypatch.setitem(globals(), "token", lambda *args, **more: replace(real(*args, **more), candidates=()))
    writing = ended(generations.begin(ADA, replace(ORDER, settings=Settings(strategy="beam", length=4))))
    assert inside.take(ADA, writing.id, 0, 1, 22) is None
    monkeypatch.setitem(globals(), "token", real)
    ended(inside.look(ADA, writing.id, Look(0, 1, (0, 0), False)))
    assert engine.asked[1][2].strategy == "sample"
    taken = ended(inside.take(ADA, writing.id, 0, 1, 22))
    assert [entry["id"] for entry in taken.tokens(0)][:2] == [11, 22]


def test_a_visitor_writes_two_texts_at_once_and_all_visitors_a_bounded_number(engine, monkeypatch):
    monkeypatch.setattr(generations, "RUNNING", 4)
    engine.go.clear()
    mine = [generations.begin(ADA, ORDER) for _number in range(3)]
    ended(mine[0])
    assert not mine[1].stop.is_set() and not mine[2].stop.is_set()
    others = [generations.begin("bob", ORDER), generations.begin("eve", ORDER)]
    with pytest.raises(UserError, match="4 texts"):
        generations.begin("zoe", ORDER)
    engine.go.set()
    for writing in [*mine, *others]:
        ended(writing)
    ended(generations.begin("zoe", ORDER))


def test_old_texts_are_forgotten(engine, monkeypatch):
    monkeypatch.setattr(generations, "KEPT_EACH", 3)
    texts = [ended(generations.begin(ADA, ORDER)) for _number in range(6)]
    assert [generations.get(ADA, text.id) is not None for text in texts] == [False] * 2 + [True] * 4
    monkeypatch.setattr(generations, "KEPT_SECONDS", -1.0)
    ended(generations.begin(ADA, ORDER))
    assert all(generations.get(ADA, text.id) is None for text in texts)


def test_what_the_texts_hold_in_memory_is_bounded(engine, monkeypatch):
    text = ended(generations.begin(ADA, ORDER))
    monkeypatch.setattr(generations, "KEPT_BYTES", 3 * text.size)
    for visitor in "bcdefg":
        ended(generations.begin(visitor, ORDER))
    assert sum(writing.size for writing in generations._all.values()) <= 4 * text.size


def test_the_pace_is_kept(engine):
    began = time.monotonic()
    ended(generations.begin(ADA, replace(ORDER, pace=20.0)))
    assert time.monotonic() - began > 0.25
