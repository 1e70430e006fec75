"""A run that was really trained, asked through the engine: its report, its model, its answers."""

import io

import numpy as np
import pytest
from PIL import Image

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.classification import report
from tl_core.engine import client
from tl_core.images.data import ingest
from tl_core.runs import store
from tl_core.tasks.image_classification import export, training
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig


@pytest.fixture(scope="module")
def run(home) -> store.Run:
    """Blue and red pictures, MobileNet 0.25 with random weights, two epochs; stopped before its model was saved."""
    files = []
    for label, channel in (("blue", 2), ("red", 0)):
        for number in range(12):
            pixels = np.random.default_rng((channel, number)).integers(0, 90, (130, 130, 3), np.uint8)
            pixels[..., channel] += 150
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG")
            files.append((f"{label}/{number}.jpg", buffer.getvalue()))
    dataset = ingest.ingest(files, name="colours")
    config = RunConfig(
        DataConfig(dataset.id, validation=0.25, test=0.25),
        BackboneConfig("mobilenet_0.25", "random", 128),
        HeadConfig(units=0),
        (PhaseConfig(-1, 2),),
    )
    made = store.create(config, owner="me")
    events.append(made.log, events.Queued())
    training.train(
        config,
        dataset,
        made.folder,
        lambda event: events.append(made.log, event),
        lambda: False,
        resume=False,
        started=lambda **facts: events.append(made.log, events.Started()),
    )
    export.model_path(made.folder).unlink()
    report.path(made.folder, "validation").unlink(missing_ok=True)
    return made


def test_the_model_of_a_stopped_run_is_made_when_it_is_asked_for(run):
    path = client.model_file(run.id)
    assert path == export.model_path(run.folder)
    assert path.is_file()


def test_its_report_on_test_pictures_is_written_and_read_back(run):
    made = client.evaluate(run.id, "test")
    assert made.part == "test"
    assert made.classes == ("blue", "red")
    assert len(made.predictions) == 6
    assert report.load(run.folder, "test") == made


def test_the_answers_agree_with_the_report(run):
    made = client.evaluate(run.id, "validation")
    dataset = store.get(run.id).config.data.dataset
    folder = ingest.paths.datasets() / dataset
    files = [
        (item.key, (folder / "images" / item.example[:2] / f"{item.example}.jpg").read_bytes())
        for item in made.predictions
    ]
    for item, answer in zip(made.predictions, client.classify(f"run:{run.id}", files), strict=True):
        assert answer.labels[0][0] == made.classes[item.predicted]
        assert answer.labels[0][1] == pytest.approx(item.confidence, abs=1e-3)


def test_what_it_knows_is_told_across_the_line(run, picture):
    others = ingest.ingest([(f"{name}/{n}.jpg", picture(n)) for name in ("a", "b") for n in range(2)], name="others")
    found = client.recognize(run.id, [picture(1), b"no picture", *(picture(seed) for seed in range(20))])
    assert len(found.pictures) == 22 and found.pictures[1] is None and found.pictures[0].distance > 0
    assert (found.trained, found.validated) == (12, 6)
    made = client.detect(run.id, others.id)
    assert (made.known, made.unknown) == (6, len(others.images)) and 0 <= made.distance.auroc <= 1
    with pytest.raises(UserError, match="no drawn pictures"):
        client.detect(run.id, "drawn:cars")


def test_a_run_without_weights_and_a_part_without_pictures_say_so(run):
    empty = store.create(run.config, owner="me")
    with pytest.raises(UserError, match="no weights"):
        client.model_file(empty.id)
    with pytest.raises(UserError, match="no weights"):
        client.classify(f"run:{empty.id}", [("a.jpg", b"")])
