"""The page of recorded runs: the list, the player, and that nothing on it passes for a run of today."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from pages.experiments import player
from tests.conftest import REPOSITORY
from tests.pages.made import opened, run_of, words
from tests.pages.test_text_runs import STARTED, learned
from tests.recordings.test_play import finished, spread
from tests.tasks.text_generation import folders
from tl_core.base import events
from tl_core.base.events import Notice
from tl_core.base.messages import message
from tl_core.recordings import generation, play
from tl_core.recordings.record import record
from tl_core.recordings.record_generation import record_writing
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.sampling import ARTICLE
from tl_core.text.data import samples

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
ENGLISH = pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            ("Recorded on 2026-09-21, A laptop.", "Drawn flowers: 15 pictures to train on, 5 to validate", "ImageNet"),
        ),
        ("zh", ("2026-09-21", "A laptop", "ImageNet")),
    ],
)


@pytest.fixture
def clock(monkeypatch):
    """The wall clock of the player, set by hand."""
    now = [1000.0]
    monkeypatch.setattr(player.time, "time", lambda: now[0])
    return now


@pytest.fixture
def shelf(tl_home, tmp_path, monkeypatch):
    """Two recordings: a frozen run of twelve seconds and another one."""
    monkeypatch.setattr(play, "FOLDER", tmp_path / "recordings")
    run = finished(Notice(message=message("x")), Notice(message=message("y")), owner="ada-lovelace")
    record(run.id, "frozen", machine="A laptop")
    record(run.id, "another", title="Another one", notice="Look at the loss.", machine="A tower")
    return play.get("frozen")


def labelled(test) -> str:
    return words(test) + "\n".join(badge.value for badge in test.get("badge"))


def epochs(test) -> str:
    return next(metric.value for metric in test.metric)


@LANGUAGES
def test_without_recordings_the_page_says_so(language, monkeypatch, tmp_path):
    monkeypatch.setattr(play, "FOLDER", tmp_path / "none")
    test = opened("replay", language)
    assert len(test.info) == 1 and not [button for button in test.button if button.key.startswith("replay")]


@ENGLISH
def test_every_recording_is_listed_with_its_label(shelf, language, said):
    test = opened("replay", language)
    text = words(test)
    for sentence in (*said, "A tower", "Another one", "90.0 %"):
        assert sentence in text
    assert {"replay_frozen", "replay_another"} <= {button.key for button in test.button}
    assert "ada-lovelace" not in text


@ENGLISH
def test_one_click_replays_and_the_label_stays(shelf, clock, language, said):
    test = opened("replay", language)
    test.button(key="replay_frozen").click().run()
    assert not test.exception
    assert test.query_params["recording"] == "frozen"
    for sentence in said:
        assert sentence in words(test)
    assert epochs(test) == "0 / 15"
    clock[0] += 3.5  # at 1x; the curves begin after five of the twelve seconds
    test.run()
    assert epochs(test) == "2 / 15"
    for sentence in said:
        assert sentence in words(test)


def test_pause_speed_and_both_ends(shelf, clock):
    test = opened("replay", recording="frozen")
    assert epochs(test) == "0 / 15" and test.button(key="replay_play")  # stands still until it is asked to play
    clock[0] += 100
    test.run()
    assert epochs(test) == "0 / 15"
    test.button(key="replay_play").click().run()
    clock[0] += 1.5
    test.button(key="replay_pause").click().run()
    clock[0] += 100
    test.run()
    assert epochs(test) == "1 / 15"
    test.button_group(key="replay_speed_frozen").set_value(10).run()
    test.button(key="replay_play").click().run()
    clock[0] += 0.25  # two and a half recorded seconds
    test.run()
    assert epochs(test) == "2 / 15"
    assert not test.get("plotly_chart")
    test.button(key="replay_end").click().run()
    assert epochs(test) == "4 / 15"
    assert test.button(key="replay_again") and len(test.get("plotly_chart")) == 1
    assert "Macro F1: " in words(test)
    test.button(key="replay_again").click().run()
    assert epochs(test) == "0 / 15" and test.button(key="replay_pause")
    test.button(key="replay_all").click().run()
    assert "recording" not in test.query_params
    assert test.button(key="replay_another")


def test_the_first_curves_are_there_at_the_moment_of_play(shelf, clock):
    """The clock stands still."""
    test = opened("replay")
    test.button(key="replay_frozen").click().run()
    [chart] = [element for element in test.get("bidi_component") if element.proto.component_name == "tl_live"]
    assert "uid" in chart.proto.json


def test_a_long_recording_replays_smoothly(shelf, tmp_path, clock):
    """Looks at one moment of thousands of batches after the other go on from what the look before has read."""
    many = [
        events.Batch(phase="head", epoch=1, step=n + 1, metrics={"loss": 1.0, "accuracy": 0.5}) for n in range(8000)
    ]
    run = finished(*many)
    record(run.id, "frozen")
    made = play.get("frozen")

    def computing(looks: int) -> float:
        replay, began = play.Replay(made), time.process_time()
        for look in range(1, looks + 1):
            replay.at(made.length * look / looks)
        return time.process_time() - began

    once, often = (min(computing(looks) for _ in range(3)) for looks in (1, 80))
    print(f"once {once:.4f} s, eighty times {often:.4f} s")
    assert often < 4 * once


def test_an_unknown_recording_is_explained_above_the_list(shelf):
    test = opened("replay", recording="gone")
    assert "no recording called gone" in test.error[0].value
    assert test.button(key="replay_frozen")


def test_the_page_needs_no_tensorflow(shelf):
    program = f"""
import sys
from pathlib import Path
from tl_core.recordings import play
play.FOLDER = Path({str(play.FOLDER)!r})
from streamlit.testing.v1 import AppTest
test = AppTest.from_file(Path("pages/navigation.py").resolve(), default_timeout=60).run()
test.switch_page("replay.py").run()
test.button(key="replay_frozen").click().run()
test.button(key="replay_end").click().run()
assert not test.exception, test.exception
assert test.metric
assert not {{"tensorflow", "keras"}} & set(sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]


def test_a_recorded_text_is_listed_and_replayed(shelf, clock, tmp_path):
    model = str(folders.write(tmp_path / "model"))
    settings = replace(ARTICLE, length=30)
    record_writing("tale_of_mine", model, settings=settings, machine="A slate", title="My tale", notice="See it loop.")
    test = opened("replay")
    text = words(test)
    for sentence in ("My tale", "A slate", "See it loop.", "30 tokens", "A tower"):
        assert sentence in text
    test.button(key="replay_tale_of_mine").click().run()
    assert not test.exception
    made = generation.get("tale_of_mine")
    clock[0] += made.moments[9] / made.speed + 1e-6
    test.run()
    assert "10 of 30 tokens" in str(test.get("progress")[0].proto.text)
    shown = "".join(element.proto.body for element in test.get("html"))
    assert "Once upon a time" in shown and "<script" not in shown
    test.button(key="replay_end").click().run()
    assert not test.exception and "30 of 30 tokens" in str(test.get("progress")[0].proto.text)
    assert opened("replay", recording="tale_of_mine").title[0].value == "My tale"


@LANGUAGES
def test_a_recorded_fine_tuning_is_drawn_as_its_run_page_draws_it(clock, tmp_path, monkeypatch, language):
    monkeypatch.setattr(play, "FOLDER", tmp_path / "recordings")
    text = samples.bring_in("weather", "somebody")
    log = [STARTED, *learned(60.0, 12), events.Finished(best_epoch=12)]
    for name in ("mine", "second"):
        run = run_of(TextConfig(text.id), *spread(log), owner="somebody")
        record(run.id, name, machine="A laptop", title=f"My {name}", notice="It forgets.")
    made = play.get("mine")
    test = opened("replay", language)
    said = labelled(test)
    for each in ("My mine", "A laptop", "Tales GPT-2", "60.0", "2026-09-21"):
        assert each in said, each
    test.button(key="replay_mine").click().run()
    assert not test.exception
    figures = {metric.value for metric in test.metric}
    assert "20 / 300" in figures and not [value for value in figures if "%" in value]
    assert words(test).count('class="tl-passage"') == 1, "what the base writes; training has not written yet"
    clock[0] += (made.moments[-2] - made.curves_begin - 0.5) / made.speed  # the last sample is not there yet
    test.run()
    assert test.select_slider[0].value == 275
    assert words(test).count('class="tl-passage"') == 2 and "fox 275" in words(test)
    assert "<b>lived</b>" not in words(test)
    test.button(key="replay_end").click().run()
    assert test.select_slider[0].value == 300
    assert {"300 / 300", "60.0"} <= {metric.value for metric in test.metric}
    assert {"-67 %"} <= {metric.delta for metric in test.metric}
    assert "80.0" in words(test) and "800.0" in words(test), "what became of the source task"
    for each in ("A laptop", "Tales GPT-2"):
        assert each in labelled(test)
    test.select_slider[0].set_value(50).run()
    assert "fox 50" in words(test) and not test.exception
    test.button(key="replay_again").click().run()
    assert words(test).count('class="tl-passage"') == 1 and not test.exception


def test_the_model_and_notices_of_a_run_stand_with_its_recording(shelf, clock):
    test = opened("replay", recording="frozen")
    assert "EfficientNet-Lite0" in labelled(test)
    test.button(key="replay_end").click().run()
    notices = [caption.value for caption in test.caption if caption.value.startswith(":material/info:")]
    assert notices == [":material/info: x", ":material/info: y"]
