"""Known or not: a trained run's own pictures, others, and what is kept with the weights that it belongs to."""

import io
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from PIL import Image

from tests.tasks.image_classification import toys
from tl_core.base.errors import Stopped, UserError
from tl_core.classification import known, report
from tl_core.engine.models import Models
from tl_core.images import decoding
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest
from tl_core.images.data.split import split
from tl_core.runs import store
from tl_core.tasks.image_classification import familiarity, paths, predict
from tl_core.tasks.image_classification.calls import Detect, Recognize
from tl_core.tasks.image_classification.config import DataConfig, PhaseConfig
from tl_core.training import checkpoint


@dataclass(frozen=True)
class Trained:
    """A run that has learned two kinds of stripes, in an engine in this process."""

    run: store.Run
    pictures: Dataset
    held: Models

    def part(self, name: str) -> list[bytes]:
        """The files of a part's pictures."""
        indices = getattr(split(self.pictures, self.run.config.data), name)
        return [self.pictures.path(self.pictures.images[index]).read_bytes() for index in indices]

    def recognize(self, files, **desk):
        return predict.recognize(Recognize(self.run.id, tuple(files)), self.held.desk(**desk))

    def features(self, files) -> np.ndarray:
        """Of the saved model, straight from Keras: the last feature maps, averaged."""
        model = keras.models.load_model(paths.model_path(self.run.folder), compile=False)
        maps = keras.Model(model.input, model.get_layer("head_pool").input)
        return np.concatenate(
            [np.asarray(maps(decoding.decode(file)[None].astype(np.float32))) for file in files]
        ).mean((1, 2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(folder))
        pictures = toys.dataset({"level": 24, "upright": 24})
        weights = toys.pretrained(folder / "small.weights.h5")
        data = DataConfig(pictures.id, 0.5, 0.0)
        run = store.create(toys.config(pictures, PhaseConfig(4, 2, 1e-3), weights=weights, data=data), owner="me")
        toys.run(run.config, pictures, run.folder)
        yield Trained(run, pictures, Models())


def test_a_look_that_nobody_waits_for_leaves_nothing(trained):
    with pytest.raises(Stopped):
        trained.recognize([], is_gone=lambda: True)
    assert not (trained.run.folder / paths.FAMILIAR).exists()


def test_the_scores_are_those_of_the_formulas_and_the_limits_accept_what_validates(trained):
    found = trained.recognize(trained.part("validation"))
    said = {item.key: item.confidence for item in report.load(trained.run.folder, "validation").predictions}
    validation = split(trained.pictures, trained.run.config.data).validation
    expected = [said[trained.pictures.images[index].key] for index in validation]
    np.testing.assert_allclose([picture.softmax for picture in found.pictures], expected, atol=1e-3)

    learned = trained.features(trained.part("train"))
    labels = np.array(
        [trained.pictures.images[i].label for i in split(trained.pictures, trained.run.config.data).train]
    )
    means = np.array([learned[labels == label].mean(0) for label in (0, 1)])
    covariance, _shrinkage = known.ledoit_wolf((learned - means[labels]).astype(np.float64))
    off = trained.features(trained.part("validation"))[:, None] - means
    squares = np.einsum("nci,ij,ncj->nc", off, np.linalg.inv(covariance), off)
    distances = [picture.distance for picture in found.pictures]
    np.testing.assert_allclose(distances, np.sqrt(squares.min(1)), rtol=1e-2)

    assert (found.trained, found.validated) == (len(labels), len(validation)) == (24, 24)
    # Without one of 24, 96 % are accepted; without two it would be less than 95 %.
    assert found.limits.softmax == pytest.approx(np.sort([picture.softmax for picture in found.pictures])[1], rel=1e-3)
    assert found.limits.distance == pytest.approx(np.sort(distances)[-2], rel=1e-3)


def test_what_was_found_is_kept_as_long_as_the_weights_are_the_same(trained, monkeypatch):
    said = []
    first = trained.recognize(trained.part("validation")[:1])
    again = trained.recognize(trained.part("validation")[:1], say=lambda sentence: said.append(str(sentence)))
    assert again == first and not said, "its own pictures are not looked at again"
    kept = trained.run.folder / paths.FAMILIAR
    mark = checkpoint.load(kept).facts["weights"]
    assert familiarity.load(trained.run.folder, mark).trained == 24
    assert familiarity.load(trained.run.folder, "of other weights") is None
    kept.write_bytes(kept.read_bytes()[:1000])
    assert familiarity.load(trained.run.folder, mark) is None
    assert trained.recognize(trained.part("validation")[:1], say=lambda sentence: said.append(str(sentence))) == first
    assert said[-1] == "Looking at the pictures: 48 of 48"
    assert familiarity.load(trained.run.folder, mark) is not None


def test_a_file_that_is_no_picture_has_no_scores(trained):
    picture = trained.part("validation")[0]
    found = trained.recognize([b"no picture", picture, picture]).pictures
    assert found[0] is None and found[1].distance == pytest.approx(found[2].distance, rel=1e-3)
    assert trained.recognize([b"no picture"]).pictures == (None,)


def test_other_pictures_are_told_from_its_own(trained):
    noise = ingest([(f"{name}/{n}.png", _plain(name, n)) for name in ("red", "blue") for n in range(10)], name="plain")
    found = predict.detect(Detect(trained.run.id, noise.id), trained.held.desk())
    assert (found.known, found.unknown) == (24, 20)
    theirs = trained.recognize([noise.path(image).read_bytes() for image in noise.images]).pictures
    mine = trained.recognize(trained.part("validation")).pictures
    limits = trained.recognize([]).limits
    for separation, of, limit in (
        (found.softmax, lambda scores: scores.softmax, limits.softmax),
        (found.distance, lambda scores: -scores.distance, -limits.distance),
    ):
        own, other = (np.array([of(scores) for scores in part]) for part in (mine, theirs))
        assert separation.auroc == pytest.approx(known.auroc(own, other), abs=0.01)
        assert separation.low <= separation.auroc <= separation.high
        assert separation.accepted == pytest.approx((other >= limit).mean(), abs=0.06)
    assert found.distance.auroc > 0.8, "pictures of one colour lie elsewhere"


def _plain(colour: str, number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (70, 60 + number), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_drawn_pictures_are_others_too(trained, monkeypatch):
    few = {"drawn:textures": replace(predict.DRAWINGS["drawn:textures"], per_class=1)}
    monkeypatch.setattr(predict, "DRAWINGS", few)
    found = predict.detect(Detect(trained.run.id, "drawn:textures"), trained.held.desk())
    assert found.unknown == len(few["drawn:textures"].classes)
    with pytest.raises(UserError, match="no drawn pictures"):
        predict.detect(Detect(trained.run.id, "drawn:cars"), trained.held.desk())


def test_without_validation_pictures_there_is_no_threshold(trained):
    config = replace(trained.run.config, data=DataConfig(trained.pictures.id, 0.0, 0.0))
    with pytest.raises(UserError, match="no threshold"):
        familiarity.measured(config, trained.pictures, lambda files: pytest.fail("nothing is to be looked at"))


def test_of_many_pictures_each_class_gives_as_many_and_small_ones_all():
    labels = np.array([0] * 50 + [1] * 5 + [2] * 50)
    chosen = familiarity._chosen(np.arange(3, 105), labels, 30)
    assert np.bincount(labels[chosen]).tolist() in ([13, 5, 12], [12, 5, 13]) and len(set(chosen.tolist())) == 30
    assert np.bincount(labels[familiarity._chosen(np.arange(105), labels, 3)]).tolist() == [2, 2, 2]
