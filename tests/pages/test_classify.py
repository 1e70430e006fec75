"""The Classify page: who can answer, what is said while a model loads, one picture, several, and what goes wrong.

The engine is a stand-in here; tests/engine drives the real one, tests/browser both together.
"""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from PIL import Image
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from pages.tasks.image_classification import answers
from tests.conftest import REPOSITORY
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.engine import client
from tl_core.engine.client import Answer, State
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.runs import store
from tl_core.tasks.image_classification.calls import (
    Channel,
    Channels,
    Checks,
    Detected,
    Explanation,
    Recognized,
    Scores,
    Separation,
)
from tl_core.tasks.image_classification.config import DataConfig, RunConfig

LABELS = (("tulip", 0.7), ("rose", 0.2), ("daisy", 0.1))
BROKEN = UserError(message("The file is empty."), message("Choose another picture."))


class Engine:
    """Stands in for `tl_core.engine.client`: remembers what it was asked, says what it is told to."""

    def __init__(self):
        self.status = State("ready")
        self.warmed, self.asked = [], []
        self.error = None
        self.labels = LABELS
        self.explained: list[tuple] = []
        self.scores, self.compared, self.refused = Scores(0.9, 12.0), [], None

    def state(self, source):
        return self.status

    def warm(self, source):
        self.warmed.append(source)
        self.status = State("loading", message("Loading TensorFlow…"))

    def classify(self, source, files, top=5, status=lambda sentence: None):
        self.asked.append((source, [name for name, _ in files]))
        if self.error:
            raise self.error
        return [
            Answer(name, () if "broken" in name else self.labels, BROKEN if "broken" in name else None)
            for name, _ in files
        ]

    def recognize(self, run_id, files, status=lambda sentence: None):
        self.compared.append((run_id, len(files)))
        if self.refused:
            raise self.refused
        found = tuple(self.scores if file else None for file in files)
        return Recognized(found, Scores(0.8, 20.0), trained=40, validated=30)

    def detect(self, run_id, other, status=lambda sentence: None):
        self.compared.append((run_id, other))
        return Detected(Separation(0.6, 0.5, 0.7, 0.9), Separation(0.98, 0.95, 1.0, 0.03), known=30, unknown=60)

    def read_channels(self, source, data, block, status=lambda sentence: None):
        self.explained.append((source, block))
        shown = (Channel(3, ((0.0, 1.0), (0.5, 0.2))), Channel(0, ((0.0, 0.0), (0.0, 0.1))))
        return Channels(block or "block5", 64, 2, shown, ("stem", "block5"))

    def explain(self, source, data, label, method, check, status=lambda sentence: None):
        self.explained.append((source, label, method, check))
        checks = Checks((0.0, 0.5, 0.9), (0.7, 0.1, 0.0), (0.7, 0.6, 0.1), 4, 0.1) if check else None
        return Explanation(dict(self.labels)[label], ((0.3, 0.0), (-0.1, 0.0)), checks)


@pytest.fixture
def engine(monkeypatch, tl_home, tmp_path) -> Engine:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    stand_in = Engine()
    for name in ("state", "warm", "classify", "recognize", "detect", "explain", "read_channels"):
        monkeypatch.setattr(client, name, getattr(stand_in, name))
    return stand_in


@pytest.fixture
def run(tl_home):
    return _run("My flowers", events.Finished(best_epoch=3, metrics={"accuracy": 0.855}))


def _run(name, ending):
    run = store.create(RunConfig(DataConfig("0123456789abcdef")), owner="me", name=name)
    (run.folder / "labels.json").write_text('["daisy", "rose", "tulip"]')
    for event in (events.Queued(), events.Started(), ending):
        events.append(run.log, event)
    return run


def _page(**address) -> AppTest:
    test = AppTest.from_file(str(REPOSITORY / "pages" / "navigation.py"), default_timeout=300).run()
    for name, value in address.items():
        test.query_params[name] = value
    test.switch_page("classify.py").run()
    assert not test.exception
    return test


def _jpeg(name: str) -> tuple[str, bytes, str]:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "orange").save(buffer, "JPEG")
    return name, b"" if "broken" in name else buffer.getvalue(), "image/jpeg"


def _texts(test: AppTest) -> str:
    kinds = (test.markdown, test.caption, test.info, test.warning, test.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def _upload(test: AppTest, *names: str) -> None:
    test.file_uploader[0].set_value([_jpeg(name) for name in names]).run()
    assert not test.exception


def test_without_a_run_imagenet_answers_at_once_and_needs_no_download(engine):
    """Its weights and the names of its classes came with the app."""
    engine.status = State("absent")
    test = _page()
    assert test.segmented_control("classify_kind").value == "imagenet"
    assert test.selectbox("classify_backbone").value == "efficientnet_lite0"
    assert engine.warmed == ["imagenet:efficientnet_lite0"]
    engine.status = State("ready")
    _upload(test.run(), "photo.jpg")
    assert "only answer with its own 1,000 classes" in _texts(test)


def test_without_the_package_imagenet_says_how_to_install_it(engine, monkeypatch):
    small = BACKBONES["efficientnet_lite0"]
    absent = replace(small.package, distribution="no-such-package")
    monkeypatch.setitem(BACKBONES, small.name, replace(small, package=absent))
    test = _page()
    test.selectbox("classify_backbone").set_value("efficientnet_lite0").run()
    assert "EfficientNet-Lite0 · its package is missing" in test.selectbox("classify_backbone").options
    assert "no-such-package is not installed" in test.warning[0].value.replace("\\", "")
    assert not engine.warmed
    assert not test.file_uploader


def test_without_a_run_the_way_to_training_is_shown_and_nothing_is_loaded(engine):
    test = _page()
    engine.warmed.clear()
    test.segmented_control("classify_kind").set_value("run").run()
    assert "No network has been trained here yet" in _texts(test)
    assert not test.file_uploader
    assert not engine.warmed


@pytest.mark.usefixtures("elsewhere")
def test_a_run_of_somebody_else_answers_only_when_it_is_chosen(engine, run):
    test = _page()
    assert test.session_state["classify_kind"] == "imagenet"
    test.button_group(key="classify_kind").set_value("run").run()
    assert test.selectbox(key="classify_run").value is None
    assert f"run:{run.id}" not in engine.warmed
    assert "from somebody else" in test.selectbox(key="classify_run").options[0]
    test.selectbox(key="classify_run").select_index(0).run()
    assert not test.exception
    assert "It knows 3 classes" in _texts(test)


def test_the_chosen_run_is_loaded_at_once_and_the_page_says_what_happens(engine, run):
    engine.status = State("absent")
    test = _page()
    assert engine.warmed == [f"run:{run.id}"]
    assert "Loading TensorFlow…" in _texts(test)
    assert "It knows 3 classes: daisy, rose, tulip." in _texts(test)
    engine.status = State("ready")
    test.run()
    assert "Ready to answer." in _texts(test)
    assert engine.warmed == [f"run:{run.id}"], "once is enough"


def test_one_picture_is_shown_beside_its_probabilities(engine, run):
    test = _page()
    _upload(test, "photo.jpg")
    assert engine.asked == [(f"run:{run.id}", ["photo.jpg"])]
    assert len(test.get("plotly_chart")) == 1
    assert len(test.get("image")) == 1
    text = _texts(test)
    assert "The network takes it for tulip with 70.0" in text
    assert "Answered in" in text
    assert "only answer with its own 3 classes" in text
    test.run()
    assert len(engine.asked) == 1, "the same question is not asked twice"


def test_a_map_says_why_is_checked_on_a_click_and_lies_beside_that_of_another_run(engine, run):
    other = _run("My tuned flowers", events.Finished(best_epoch=3, metrics={"accuracy": 0.9}))
    test = _page(run=run.id)
    _upload(test, "photo.jpg")
    assert not engine.explained, "nothing is computed that nobody asked for"
    test.button_group(key="why_method").set_value("occlusion").run()
    assert not test.exception
    assert engine.explained == [(f"run:{run.id}", "tulip", "occlusion", False)], "of what the network says"
    assert len(test.get("image")) == 2
    assert "lowers the probability of tulip by 30 percentage points" in _texts(test)
    test.button("why_check").click().run()
    assert engine.explained[1:] == [(f"run:{run.id}", "tulip", "occlusion", True)]
    assert "The map marks what the answer hangs on" in _texts(test)
    assert "another map (correlation 0.10)" in _texts(test)
    next(each for each in test.selectbox if each.label == "What speaks for").set_value("rose").run()
    test.selectbox("why_beside").set_value(f"run:{other.id}").run()
    assert not test.exception
    assert engine.explained[-1] == (f"run:{other.id}", "rose", "occlusion", False)
    assert len(test.get("image")) == 3
    test.button_group(key="why_method").set_value("grad_cam").run()
    assert "Orange** speaks for the class, **blue** for one of the others" in _texts(test)


def test_the_channels_of_a_block_are_seen_beside_those_of_another_run(engine, run):
    other = _run("My tuned flowers", events.Finished(best_epoch=3, metrics={"accuracy": 0.9}))
    test = _page(run=run.id)
    _upload(test, "photo.jpg")
    test.button_group(key="why_method").set_value("channels").run()
    assert not test.exception
    assert "block5 has 64 channels of 2 × 2 places; 2 of them say the same everywhere" in _texts(test)
    test.select_slider(f"why_block_run:{run.id}").set_value("stem").run()
    test.selectbox("why_beside").set_value(f"run:{other.id}").run()
    assert not test.exception
    asked = [(f"run:{run.id}", ""), (f"run:{run.id}", "stem"), (f"run:{other.id}", "stem")]
    assert engine.explained == asked, "the same question is not asked twice"
    assert len(test.get("image")) == 3


def test_what_the_engine_cannot_explain_is_said_in_place(engine, run, monkeypatch):
    def refuse(*asked, **more):
        raise UserError(message("The model process ended."), message("Try again."))

    monkeypatch.setattr(client, "explain", refuse)
    test = _page()
    _upload(test, "photo.jpg")
    test.button_group(key="why_method").set_value("grad_cam").run()
    assert not test.exception
    assert "The model process ended" in test.error[0].value


def test_several_pictures_make_a_table_and_a_bad_one_is_named_with_its_reason(engine, run):
    test = _page()
    _upload(test, "a.jpg", "broken.jpg", "c.jpg")
    table = test.dataframe[0].value
    assert list(table["name"]) == ["a.jpg", "c.jpg"]
    assert list(table["first"]) == ["tulip", "tulip"]
    assert list(table["second"]) == ["rose (20.0 %)"] * 2
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in table["picture"])
    assert "**broken.jpg**: The file is empty." in test.warning[0].value
    assert "Named most often: tulip 2." in _texts(test)
    assert len(test.get("download_button")) == 1


def test_a_single_bad_picture_is_told_kindly(engine, run):
    test = _page()
    _upload(test, "broken.jpg")
    assert "The file is empty." in test.warning[0].value
    assert not test.get("plotly_chart")


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        (Scores(0.8, 20.0), "It looks like the pictures that the network has learned from."),
        (Scores(0.79, 20.0), "perhaps between two"),
        (Scores(0.99, 20.1), "however sure the answer sounds"),
        (Scores(0.3, 90.0), "do not trust the answer"),
    ],
)
def test_a_run_says_whether_it_knows_anything_like_the_picture(engine, run, scores, wanted):
    engine.scores = scores
    test = _page()
    _upload(test, "photo.jpg")
    assert wanted in _texts(test)
    assert "accept 95 % of 30 validation pictures" in _texts(test)
    assert engine.compared == [(run.id, 1)]
    test.run()
    assert len(engine.compared) == 1, "the same question is not asked twice"
    (run.folder / "model.keras").write_bytes(b"of more training")
    test.run()
    assert len(engine.compared) == 2, "with other weights it is another question"


def test_of_several_pictures_the_unknown_ones_are_counted_and_named(engine, run):
    engine.scores = Scores(0.99, 30.0)
    test = _page()
    _upload(test, "a.jpg", "broken.jpg", "c_1.jpg")
    assert "By the distance, 2 of 2 pictures do not look like anything" in _texts(test)
    assert "from: a.jpg, c\\_1.jpg." in _texts(test) and "By the probability, 0 would" in _texts(test)


def test_how_well_others_are_told_is_measured_on_demand_and_belongs_to_its_weights(engine, run):
    test = _page()
    _upload(test, "photo.jpg")
    assert test.selectbox("known_other").value == "drawn:animals"
    test.button("known_go").click().run()
    assert engine.compared[-1] == (run.id, "drawn:animals")
    text = _texts(test)
    assert "one of 30 validation pictures scores higher than one of 60 others" in text
    assert "the better one is: Distance to the nearest class" in text
    assert any("0.980" in item.proto.body and "0.95–1.00" in item.proto.body for item in test.get("html"))
    (run.folder / "model.keras").write_bytes(b"of more training")
    test.run()
    assert "AUROC" not in _texts(test)


def test_where_its_pictures_are_gone_that_is_said_beside_the_answer(engine, run):
    engine.refused = UserError(message("The pictures are gone."), message("Bring them in again."))
    test = _page()
    _upload(test, "photo.jpg")
    assert "takes it for tulip" in _texts(test) and "**The pictures are gone.** Bring them in again." in _texts(test)
    assert not test.get("expander")


def test_imagenet_is_not_asked_whether_it_knows(engine):
    test = _page()
    _upload(test, "photo.jpg")
    assert "Known or not?" not in [item.value for item in test.subheader] and not engine.compared


def test_the_table_to_take_away_is_safe_to_open():
    said = [Answer("=SUM(A1).jpg", LABELS[:2]), Answer("broken.jpg", (), BROKEN)]
    rows = list(csv.reader(io.StringIO(answers.table(said).decode("utf-8-sig"))))
    assert rows[0] == ["Name", "Class 1", "Probability 1", "Class 2", "Probability 2", "Problem"]
    assert rows[1] == ["'=SUM(A1).jpg", "tulip", "0.700000", "rose", "0.200000", ""]
    assert rows[2] == ["broken.jpg", "", "", "", "", "The file is empty."]


def test_an_engine_that_dies_is_reported_and_can_be_asked_again(engine, run):
    engine.error = UserError(message("The model process ended."), message("Try again."))
    test = _page()
    _upload(test, "photo.jpg")
    assert "**The model process ended.** Try again." in _texts(test)
    engine.error = None
    test.button("classify_retry").click().run()
    assert "takes it for tulip" in _texts(test)


def test_a_model_that_cannot_be_loaded_says_why_and_is_not_asked(engine, run):
    engine.status = State("failed", error=UserError(message("The model cannot be read."), message("Train again.")))
    test = _page()
    _upload(test, "photo.jpg")
    assert "**The model cannot be read.** Train again." in _texts(test)
    assert not engine.asked
    test.button("classify_again").click().run()
    assert engine.warmed == [f"run:{run.id}"]


def test_a_model_that_made_room_for_others_is_loaded_by_asking_and_not_in_a_circle(engine, run):
    engine.status = State("absent")
    test = _page()
    engine.status = State("absent")
    test.run()
    assert engine.warmed == [f"run:{run.id}"]
    assert "It is loaded with your first picture." in _texts(test)
    _upload(test, "photo.jpg")
    assert "takes it for tulip" in _texts(test)


def test_only_runs_with_weights_are_offered(engine, tl_home):
    _run("failed", events.Failed())
    _run("too early", events.Stopped(best_epoch=0))
    stopped = _run("stopped", events.Stopped(best_epoch=2))
    test = _page()
    assert [option.split(" · ")[0] for option in test.selectbox("classify_run").options] == ["stopped"]
    assert test.selectbox("classify_run").value == stopped.id


def test_the_address_chooses_the_run(engine, run):
    latest = _run("later", events.Finished(best_epoch=1))
    assert _page().selectbox("classify_run").value == latest.id
    assert _page(run=run.id).selectbox("classify_run").value == run.id


@pytest.mark.parametrize("asked", ["20200101-000000-abcdef", "<script>"])
def test_an_unknown_run_in_the_address_says_so_and_another_one_answers(engine, run, asked):
    test = _page(run=asked)
    assert "There is no run" in test.warning[0].value
    assert test.selectbox("classify_run").value == run.id


def test_a_run_without_weights_in_the_address_says_so(engine, run):
    early = _run("early", events.Stopped(best_epoch=0))
    test = _page(run=early.id)
    assert "early has no network yet" in test.warning[0].value


def test_imagenet_weights_are_downloaded_only_when_asked_for(engine):
    test = _page()
    engine.warmed.clear()
    test.selectbox("classify_backbone").set_value("mobilenet").run()
    assert "17 MB to download" in _texts(test)
    assert not engine.warmed
    assert not test.file_uploader
    engine.status = State("absent")
    test.button("classify_download").click().run()
    assert engine.warmed == ["imagenet:mobilenet"]
    assert test.file_uploader


def test_imagenet_weights_that_are_here_come_first_and_load_at_once(engine, tmp_path):
    folder = tmp_path / "keras" / "models"
    folder.mkdir(parents=True)
    (folder / "mobilenet_2_5_224_tf.h5").write_bytes(b"here")
    test = _page()
    offered = test.selectbox("classify_backbone").options
    assert [name.split(" · ")[0] for name in offered[:2]] == ["EfficientNet-Lite0", "MobileNet 0.25"]
    assert "on this computer" in offered[1] and "MB to download" in offered[2]
    engine.warmed.clear()
    engine.status = State("absent")
    test.selectbox("classify_backbone").set_value("mobilenet_0.25").run()
    assert engine.warmed == ["imagenet:mobilenet_0.25"]
    engine.status = State("ready")
    _upload(test.run(), "photo.jpg")
    assert "only answer with its own 1,000 classes" in _texts(test)


CLASSES = (("great white shark", 0.7), ("quagga", 0.2), ("daisy", 0.1))  # nobody ever translated the second one


@pytest.fixture
def chinese(monkeypatch):
    """A browser in Simplified Chinese."""
    monkeypatch.setattr(ContextProxy, "locale", property(lambda self: "zh-CN"))


def _imagenet_page(engine) -> AppTest:
    """The page where an ImageNet network is about to be shown pictures."""
    engine.labels = CLASSES
    return _page()


def _beside_the_bars(test: AppTest) -> list[str]:
    return json.loads(test.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]["ticktext"]


def test_an_imagenet_network_answers_an_english_reader_in_the_words_of_its_list(engine):
    test = _imagenet_page(engine)
    _upload(test, "photo.jpg")
    assert _beside_the_bars(test) == ["great white shark", "quagga", "daisy"]
    assert "takes it for great white shark with 70.0" in _texts(test)


def test_an_imagenet_network_answers_in_the_readers_language_and_marks_what_is_english(chinese, engine):
    test = _imagenet_page(engine)
    _upload(test, "photo.jpg")
    assert _beside_the_bars(test) == ["大白鲨", "quagga（英文）", "雏菊"]
    assert re.search("大白鲨.*quagga（英文）", _texts(test))
    _upload(test, "a.jpg", "b.jpg")
    table = test.dataframe[0].value
    assert list(table["first"]) == ["大白鲨"] * 2
    assert list(table["second"]) == ["quagga（英文） (20.0 %)"] * 2
    assert "大白鲨 2" in _texts(test)


def test_the_classes_of_a_run_are_never_translated(chinese, engine, run):
    engine.labels = CLASSES
    test = _page()
    _upload(test, "photo.jpg")
    assert _beside_the_bars(test) == ["great white shark", "quagga", "daisy"]
