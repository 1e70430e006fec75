"""Reports with the saved model."""

import numpy as np
import pytest

from tests.tasks.image_classification import toys
from tests.tasks.image_classification.tiny_network import SIDE
from tl_core.base import events
from tl_core.base.errors import Stopped, UserError
from tl_core.classification import report
from tl_core.images.data.split import split
from tl_core.tasks.image_classification import evaluation, export
from tl_core.tasks.image_classification.config import DataConfig, HeadConfig, PhaseConfig


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run with test pictures: (folder, settings, dataset), and the data folder it needs."""
    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(place / "home"))
        (place / "home").mkdir()
        pictures = toys.dataset({"level": 20, "upright": 20})
        weights = toys.pretrained(place / "small.weights.h5")
        settings = toys.config(
            pictures,
            PhaseConfig(4, 3, 1e-3),
            weights=weights,
            head=HeadConfig(units=16, dropout=0.3),
            data=DataConfig(pictures.id, 0.5, 0.2),
        )
        toys.run(settings, pictures, place / "run")
        yield place / "run", settings, pictures


def test_the_saved_model_gives_the_report_of_training_again(trained):
    folder, *rest = trained
    of_training = report.load(folder, "validation")
    made = evaluation.evaluate(folder, *rest, "validation")
    assert made.metrics == pytest.approx(of_training.metrics, abs=1e-5)
    assert [item.key for item in made.predictions] == [item.key for item in of_training.predictions]
    differences = [
        abs(one.true_probability - other.true_probability)
        for one, other in zip(made.predictions, of_training.predictions, strict=True)
    ]
    assert max(differences) <= 1.1e-5  # they are rounded to five places


def test_the_test_pictures_are_asked_about_once_and_kept(trained):
    folder, settings, pictures = trained
    log = toys.Log()
    assert report.load(folder, "test") is None
    made = evaluation.evaluate(folder, settings, pictures, "test", log)
    wanted = {pictures.images[index].key for index in split(pictures, settings.data).test}
    assert {item.key for item in made.predictions} == wanted
    assert report.load(folder, "test") == made
    assert log.of(events.Phase)[0].total == log.of(events.Progress)[-1].done == len(wanted) == 8


def test_a_stop_leaves_no_report(trained):
    folder, settings, pictures = trained
    report.path(folder, "test").unlink(missing_ok=True)
    with pytest.raises(Stopped):
        evaluation.evaluate(folder, settings, pictures, "test", should_stop=lambda: True)
    assert report.load(folder, "test") is None


def test_a_part_without_pictures_is_explained(trained):
    folder, _, pictures = trained
    without = toys.config(pictures, data=DataConfig(pictures.id, 0.5, 0.0))
    with pytest.raises(UserError, match="no test pictures"):
        evaluation.evaluate(folder, without, pictures, "test")


def test_the_two_parts_of_a_loaded_model_are_the_model(trained):
    folder, settings, pictures = trained
    path = export.model_file(folder, settings, pictures)
    preprocessing, classifier = export.load(path, settings)
    model = toys.keras.models.load_model(path)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 90, 140, 3)).astype("uint8")
    scaled = preprocessing(pixels)
    assert scaled.shape == (3, SIDE, SIDE, 3)
    assert np.asarray(classifier(scaled)) == pytest.approx(np.asarray(model(pixels)), abs=1e-6)
