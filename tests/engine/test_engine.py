"""The real engine process: started when needed, ended, killed, started again; and its door."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import REPOSITORY
from tests.engine.conftest import cpu_seconds, until
from tl_core.base import processes
from tl_core.base.calls import packed
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.engine import asking, client, protocol
from tl_core.engine.protocol import STATE, Named


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _reached():
    with contextlib.ExitStack() as open_:
        return asking._reached(STATE, packed(Named("run:any")), open_)


@pytest.fixture(scope="module")
def run_id(home, finished_run) -> str:
    return finished_run()


@pytest.fixture
def ready(run_id) -> str:
    """A source whose model is loaded."""
    client.warm(f"run:{run_id}")
    until(lambda: client.state(f"run:{run_id}").status == "ready")
    return f"run:{run_id}"


def test_nobody_is_asked_about_a_state_while_there_is_no_engine(tl_home):
    assert client.state("run:any").status == "absent"
    assert protocol.find() is None, "asking for a state must not start an engine"


def test_warming_returns_at_once_and_says_what_happens(home, run_id):
    client.stop()
    client.warm(f"run:{run_id}")
    state = client.state(f"run:{run_id}")
    assert state.status == "loading", "it must not wait for TensorFlow"
    assert str(state.message)
    until(lambda: client.state(f"run:{run_id}").status == "ready")


def test_the_first_answer_of_a_loaded_model_is_no_more_work_than_the_next(ready, picture):
    """It is traced while it is loaded. What the engine computes is counted, not how long that takes."""
    pid, photo, costs = protocol.find().pid, picture(size=(3000, 2000)), []
    for _ in range(4):
        before = cpu_seconds(pid)
        answers = client.classify(ready, [("photo.jpg", photo)])
        costs.append(cpu_seconds(pid) - before)
    print(f"seconds of computing: {costs}")
    assert costs[0] < 3 * max(costs[1:])
    assert [name for name, _ in answers[0].labels]
    assert sum(probability for _, probability in answers[0].labels) == pytest.approx(1.0, abs=1e-5)


def test_errors_of_single_pictures_and_of_models_reach_the_page(ready, picture):
    good, bad = client.classify(ready, [("a.jpg", picture()), ("b.jpg", b"GIF89a broken")], top=2)
    assert len(good.labels) == 2
    assert good.error is None
    assert isinstance(bad.error, UserError)
    assert str(bad.error.remedy)
    with pytest.raises(UserError, match="There is no run"):
        client.classify("run:20200101-000000-abcdef", [("a.jpg", picture())])
    with pytest.raises(UserError, match="There is no run"):
        client.model_file("20200101-000000-abcdef")
    with pytest.raises(UserError, match="could not be downloaded"):
        client.classify("imagenet:mobilenet", [("a.jpg", picture())])


def test_a_warmed_model_that_cannot_be_had_has_failed_with_its_reason(home):
    client.warm("imagenet:mobilenet_0.5")
    state = until(lambda: (s := client.state("imagenet:mobilenet_0.5")).status != "loading" and s)
    assert state.status == "failed"
    assert "fetch mobilenet_0.5" in str(state.error.remedy)


def test_two_clients_at_once_both_get_their_answers(ready, picture):
    answers = {}

    def ask(number: int) -> None:
        answers[number] = client.classify(ready, [(f"{number}-{n}.jpg", picture(n)) for n in range(20)])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [len(answers[number]) for number in range(2)] == [20, 20]
    assert [a.labels for a in answers[0]] == [a.labels for a in answers[1]]
    assert answers[0][7].name == "0-7.jpg"


def test_there_is_one_engine_for_a_data_folder(ready):
    pid = protocol.find().pid
    second = subprocess.run([sys.executable, "-m", "tl_core", "engine"], cwd=REPOSITORY, timeout=120)
    assert second.returncode == 0
    assert protocol.find().pid == pid
    assert _alive(pid)


def test_only_who_knows_the_key_gets_in(ready):
    place = protocol.find()
    card = protocol._card()
    assert stat.S_IMODE(card.stat().st_mode) == 0o600
    stranger = protocol.Place(place.address, b"0" * 32, place.pid)
    with pytest.raises(ConnectionRefusedError), protocol.asked(stranger, STATE.name, packed(Named(ready))):
        pass
    assert client.state(ready).status == "ready", "the engine must survive strangers"


def test_nonsense_does_not_hurt_the_engine(ready):
    place = protocol.find()
    with protocol.connect(place) as line:
        line.sendall(b"\x80\x04 this is no question\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 400")
    for name, body in ((STATE.name, b"\x80\x04 no JSON"), (STATE.name, b'{"files": [7]}\n'), ("no such call", b"{}")):
        with pytest.raises(UserError, match=r"40[04]"), protocol.asked(place, quote(name), body):
            pass
    assert client.state(ready).status == "ready"


def test_killed_while_loading_it_says_so_and_the_next_question_is_answered(home, run_id, picture):
    client.stop()
    source, outcome, heard = f"run:{run_id}", [], []

    def ask() -> None:
        try:
            outcome.append(client.classify(source, [("a.jpg", picture())], status=heard.append))
        except UserError as error:
            outcome.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: heard)  # the question has been taken: before that, another engine would be started unnoticed
    place = protocol.find()
    assert client.state(source).status == "loading" and not outcome
    os.kill(place.pid, signal.SIGKILL)
    asking.join(60)
    assert isinstance(outcome[0], UserError), "the page must hear of it"
    assert "ended in the middle" in str(outcome[0].what)
    assert "starts anew by itself" in str(outcome[0].remedy)
    sentences = []
    answers = client.classify(source, [("a.jpg", picture())], status=lambda sentence: sentences.append(str(sentence)))
    assert answers[0].labels
    assert sentences, "loading TensorFlow takes seconds, in which the page is told what happens"
    assert protocol.find().pid != place.pid


def test_killed_between_questions_it_is_started_again_unnoticed(ready, picture):
    pid = protocol.find().pid
    os.kill(pid, signal.SIGKILL)
    assert client.classify(ready, [("a.jpg", picture())])[0].labels
    assert protocol.find().pid != pid
    assert len(list((protocol.lock().parent / "tmp").iterdir())) == 1, "what the killed one left is gone"


def test_an_engine_of_another_version_is_replaced(ready, monkeypatch):
    pid = protocol.find().pid
    monkeypatch.setattr(protocol, "VERSION", 999)
    assert _reached() is None
    until(lambda: not _alive(pid))


def test_a_stuck_engine_is_replaced(home, run_id, monkeypatch):
    client.warm(f"run:{run_id}")
    pid = protocol.find().pid
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(protocol, "HANDSHAKE", 0.5)
    assert _reached() is None
    until(lambda: not _alive(pid))
    monkeypatch.setattr(protocol, "HANDSHAKE", 20.0)
    client.warm(f"run:{run_id}")
    assert protocol.find().pid != pid


def test_one_that_was_stopped_is_replaced_long_before_the_time_for_an_answer_is_over(home, run_id, monkeypatch):
    client.warm(f"run:{run_id}")
    place = protocol.find()
    monkeypatch.setattr(protocol, "HALTED", 2 * protocol.LOOKS)
    monkeypatch.setattr(protocol, "HANDSHAKE", 10_000.0)
    os.kill(place.pid, signal.SIGSTOP)
    assert _reached() is None, "it was waited for"
    until(lambda: not _alive(place.pid))


def test_one_that_is_only_slow_is_not_taken_for_one_that_was_stopped(ready, monkeypatch):
    pid = protocol.find().pid
    monkeypatch.setattr(protocol, "HALTED", 0.0)
    monkeypatch.setattr(protocol, "HANDSHAKE", 2 * protocol.LOOKS)
    with protocol.connect(protocol.find()) as line, pytest.raises(TimeoutError):
        line.recv_into(bytearray(1))  # nobody asked anything
    assert _alive(pid)


@pytest.mark.parametrize("spoiled", [b"garbage", b'{"address": 7}', b"[]", None])
def test_a_spoiled_card_is_written_anew_and_nobody_else_is_started(ready, monkeypatch, spoiled: bytes | None):
    place = protocol.find()
    monkeypatch.setattr(asking, "_start", lambda: pytest.fail("another engine was started"))
    if spoiled is None:
        protocol.withdraw()
    else:
        protocol._card().write_bytes(spoiled)
    assert client.warm(ready) is None
    assert protocol.find() == place


def test_an_engine_whose_door_is_gone_makes_room_for_another(ready, picture):
    place = protocol.find()
    Path(place.address).unlink()
    assert client.classify(ready, [("a.jpg", picture())])[0].labels
    assert protocol.find().pid != place.pid


def test_only_the_engine_itself_is_killed_not_who_has_its_number_by_now(tl_home, monkeypatch):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        protocol.publish(protocol.Place("nowhere", b"0" * 32, bystander.pid, born=processes.born(bystander.pid) + 1))
        monkeypatch.setattr(asking, "GONE", 0.2)
        with try_lock(protocol.lock()) as mine:
            assert mine
            client.stop()
            assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_idle_it_ends_itself_and_leaves_nothing_behind(tl_home):
    process = subprocess.Popen([sys.executable, "-m", "tl_core", "engine", "--idle", "1"], cwd=REPOSITORY)
    place = until(protocol.find)
    assert place.pid == process.pid
    assert process.wait(120) == 0
    assert protocol.find() is None
    assert not (tl_home / "engine.sock").exists()
    with try_lock(protocol.lock()) as free:
        assert free


def test_an_engine_that_cannot_start_says_where_to_look(tl_home, monkeypatch):
    monkeypatch.setattr(asking.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match="could not be started") as error:
        client.warm("run:any")
    assert "engine.log" in str(error.value.remedy)


def test_a_long_path_that_fits_no_socket_uses_a_loopback_port(tmp_path, monkeypatch):
    home = tmp_path / ("long" * 25)
    monkeypatch.setenv("TL_HOME", str(home))
    try:
        client.warm("run:20200101-000000-abcdef")
        assert protocol.find().address[0] == "127.0.0.1"
    finally:
        client.stop()
    assert protocol.find() is None
