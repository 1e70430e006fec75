"""What the engine does with its models, without a process around it."""

import io
import struct
import threading
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

from tests.engine.conftest import CLASSES
from tl_core.base.errors import UserError
from tl_core.engine.models import Models
from tl_core.images import decoding
from tl_core.runs import store
from tl_core.tasks.image_classification import predict
from tl_core.tasks.image_classification.calls import Classify, Explain, ReadChannels


def _classify(held: Models, source: str, files, top: int = 3):
    names, contents = zip(*files, strict=True)
    return predict.classify(Classify(source, names, top, contents), held.desk())


def test_the_answers_are_the_saved_models_own(home, finished_run, picture):
    run_id = finished_run()
    files = [
        ("a.jpg", picture(1, (200, 150))),
        ("b.png", picture(2, (97, 300), format="PNG")),
        ("c.jpg", picture(3, (500, 400))),
    ]
    answers = _classify(Models(), f"run:{run_id}", files)
    model = keras.models.load_model(store.get(run_id).folder / "model.keras", compile=False)
    for answer, (_, data) in zip(answers, files, strict=True):
        expected = model.predict(decoding.decode(data)[None], verbose=0)[0]
        assert [name for name, _ in answer.labels] == [CLASSES[i] for i in np.argsort(-expected)]
        np.testing.assert_allclose([p for _, p in answer.labels], np.sort(expected)[::-1], atol=1e-5)
    assert len({answer.labels for answer in answers}) == 3, "different pictures must get different answers"


def test_more_pictures_than_a_batch_keep_their_order(home, finished_run, picture):
    run_id = finished_run()
    files = [(f"{n}.jpg", picture(n)) for n in range(predict.BATCH + 3)]
    held = Models()
    together = _classify(held, f"run:{run_id}", files)
    assert [answer.name for answer in together] == [name for name, _ in files]
    for index in (0, predict.BATCH, predict.BATCH + 2):
        alone = _classify(held, f"run:{run_id}", [files[index]])[0]
        assert dict(alone.labels) == pytest.approx(dict(together[index].labels), abs=1e-5)


def test_a_bad_picture_gets_an_error_and_the_others_their_answers(home, finished_run, picture):
    files = [
        ("good.jpg", picture(1)),
        ("empty.jpg", b""),
        ("text.jpg", b"<html>not a picture</html>"),
        ("torn.jpg", picture(2, (800, 600))[:4000]),
        ("cmyk.jpg", picture(3, mode="CMYK")),
        ("grey.png", picture(4, mode="L", format="PNG")),
        ("huge.png", _huge_png()),
        ("animated.gif", _animated_gif()),
        ("last.jpg", picture(5)),
    ]
    answers = _classify(Models(), f"run:{finished_run()}", files)
    assert [bool(answer.error) for answer in answers] == [False, True, True, True, False, False, True, False, False]
    assert [len(answer.labels) for answer in answers] == [3, 0, 0, 0, 3, 3, 0, 3, 3]
    assert "30000 x 30000" in str(answers[6].error.what)
    assert "empty" in str(answers[1].error.what)
    assert "web page" in str(answers[2].error.what)
    assert "cut off" in str(answers[3].error.what)


def _huge_png() -> bytes:
    """30,000 x 30,000 pixels, as far as its header goes."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = zlib.compress(b"\0" * 100)
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    return b"\x89PNG\r\n\x1a\n" + chunk + body


def _animated_gif() -> bytes:
    frames = [Image.new("P", (64, 48), colour) for colour in (10, 200)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_only_the_models_used_last_are_held(home, finished_run, picture):
    held = Models(most=2)
    first, second, third = (f"run:{finished_run()}" for _ in range(3))
    held.load(first)
    held.load(second)
    _classify(held, first, [("a.jpg", picture())])
    held.load(third)
    assert held.held == [first, third]
    assert held.state(second).status == "absent"
    assert held.state(third).status == "ready"


def test_models_that_do_not_fit_the_memory_are_let_go_but_the_newest_stays(home, finished_run):
    held = Models(budget=1)
    first, second = f"run:{finished_run()}", f"run:{finished_run()}"
    held.load(first)
    assert held.held == [first]
    held.load(second)
    assert held.held == [second]


def test_a_run_that_was_trained_further_is_loaded_again(home, finished_run, picture):
    run_id = finished_run()
    held, source = Models(), f"run:{run_id}"
    before = _classify(held, source, [("a.jpg", picture())])[0]
    path = store.get(run_id).folder / "model.keras"
    model = keras.models.load_model(path, compile=False)
    model.layers[-1].bias.assign(model.layers[-1].bias + np.array([0.0, 0.0, 50.0]))
    model.save(path)
    assert held.state(source).status == "absent"
    after = _classify(held, source, [("a.jpg", picture())])[0]
    assert after.labels[0][0] == "tulip"
    assert after.labels != before.labels


def test_a_damaged_model_file_says_so(home, finished_run):
    run_id = finished_run()
    (store.get(run_id).folder / "model.keras").write_bytes(b"PK nonsense")
    held = Models()
    with pytest.raises(UserError, match="cannot be read"):
        held.load(f"run:{run_id}")
    assert held.state(f"run:{run_id}").status == "failed"
    assert "cannot be read" in str(held.state(f"run:{run_id}").error)


@pytest.mark.parametrize("source", ["run:20200101-000000-abcdef", "run:../../etc", "nothing", "imagenet:vgg99"])
def test_an_unknown_model_says_so(home, source):
    with pytest.raises(UserError):
        Models().load(source)


def test_imagenet_weights_that_cannot_be_had_say_how_to_get_them(home):
    with pytest.raises(UserError) as error:
        Models().load("imagenet:mobilenet_0.25")
    assert "python -m tl_core fetch mobilenet_0.25" in str(error.value.remedy)


def test_an_imagenet_network_answers_with_its_own_class_names(home, picture, monkeypatch):
    names = [f"thing {number}" for number in range(1000)]
    monkeypatch.setattr(predict.weights, "obtain", lambda *args, **kwargs: None)
    monkeypatch.setattr(predict.packages, "class_names", lambda: names)

    def with_top(row):
        keras.utils.set_random_seed(0)
        scaled = predict.network.preprocessing(row, 128)
        top = predict.network._application(row, include_top=True, input_shape=(128, 128, 3))
        return keras.Model(scaled.input, predict.network._apply(top, scaled.output))

    monkeypatch.setattr(predict.network, "load_with_top", with_top)
    answer = _classify(Models(), "imagenet:mobilenet_0.25", [("a.jpg", picture())], top=5)[0]
    assert len(answer.labels) == 5
    assert all(name in names for name, _ in answer.labels)
    probabilities = [probability for _, probability in answer.labels]
    assert probabilities == sorted(probabilities, reverse=True)


def test_a_model_serves_one_at_a_time_and_different_models_do_not_wait(home, finished_run, picture):
    held = Models()
    first, second = f"run:{finished_run()}", f"run:{finished_run()}"
    held.load(first)
    held.load(second)
    with held.desk().use(first):
        waiting = threading.Thread(target=held.load, args=(first,))
        waiting.start()
        _classify(held, second, [("a.jpg", picture())])  # would wait for ever if it waited for the first
        assert waiting.is_alive()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_client_that_has_left_is_not_worked_for(home, finished_run, picture):
    asked = Classify(f"run:{finished_run()}", ("0.jpg", "1.jpg", "2.jpg"), 3, tuple(picture(n) for n in range(3)))
    assert predict.classify(asked, Models().desk(is_gone=lambda: True)) == ()


def test_a_map_comes_with_the_probability_that_was_answered(home, finished_run, picture):
    source, data, held = f"run:{finished_run()}", picture(1), Models()
    [answer] = _classify(held, source, [("a.jpg", data)])
    label, probability = answer.labels[0]
    for method in ("grad_cam", "occlusion"):
        found = predict.explain(Explain(source, label, method, False, (data,)), held.desk())
        assert found.probability == pytest.approx(probability, abs=1e-5)
        assert found.checks is None
        assert len({len(row) for row in found.values}) == 1
    read = predict.read_channels(ReadChannels(source, "no such block", (data,)), held.desk())
    assert read.block == read.blocks[-1] and read.total >= len(read.shown) == 16
    first = predict.read_channels(ReadChannels(source, read.blocks[0], (data,)), held.desk())
    assert len(first.shown[0].values) > len(read.shown[0].values), "finer"
    checked = predict.explain(Explain(source, label, "grad_cam", True, (data,)), held.desk())
    assert checked.checks.marked[0] == pytest.approx(probability, abs=1e-5)
    with pytest.raises(UserError, match="does not know the class"):
        predict.explain(Explain(source, "no <b>such</b> class", "grad_cam", False, (data,)), held.desk())
    with pytest.raises(UserError, match="empty"):
        predict.explain(Explain(source, label, "grad_cam", False, (b"",)), held.desk())
