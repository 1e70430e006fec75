"""The saved model: it opens anywhere with Keras alone, and says what the app says."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.tasks.image_classification import toys
from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tl_core.base.errors import UserError
from tl_core.classification import report
from tl_core.tasks.image_classification import evaluation, export
from tl_core.tasks.image_classification.config import BackboneConfig, HeadConfig, PhaseConfig


@pytest.fixture
def stripes(tl_home):
    return toys.dataset({"level": 10, "slanting": 10, "upright": 10})


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return toys.pretrained(tmp_path_factory.mktemp("weights") / "small.weights.h5")


def stopped_after(epochs: int, settings, pictures, folder: Path) -> None:
    log = toys.Log()
    outcome, _ = toys.run(settings, pictures, folder, lambda: len(log.losses) == epochs, log=log)
    assert outcome.stopped


def test_every_layer_of_the_saved_model_is_float32(stripes, weights, tmp_path):
    settings = toys.config(stripes, PhaseConfig(-1, 1), weights=weights, precision="mixed_bfloat16")
    toys.run(settings, stripes, tmp_path / "run")
    model = keras.models.load_model(export.model_path(tmp_path / "run"))
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}


def test_a_stopped_run_has_a_model_too(stripes, weights, tmp_path, monkeypatch):
    """From the best weights so far, fine-tuned blocks included; given scores, not rounding, decide which these are."""
    phases = PhaseConfig(-1, 1, 1e-2), PhaseConfig(3, 9, 3e-3, name="fine-tuning")
    settings = toys.config(stripes, *phases, weights=weights)
    scores, said = [3.0, 2.0, 1.0, 1.5, 2.5], []  # the third epoch, the second of fine-tuning, is the best

    def score(right: np.ndarray) -> float:
        said.append(right)
        return scores[len(said) - 1]

    with monkeypatch.context() as given:
        given.setattr(report, "cross_entropy", score)
        stopped_after(len(scores), settings, stripes, tmp_path / "run")
    assert not export.model_path(tmp_path / "run").exists()
    made = evaluation.evaluate(tmp_path / "run", settings, stripes, "validation")
    found = np.array([item.true_probability for item in made.predictions])
    first, second, best, *later = (np.abs(found - right).max() for right in said)
    assert best < 1e-3
    assert min(first, second, *later) > 1e-2


def test_a_model_older_than_the_best_weights_is_made_again(stripes, weights, tmp_path):
    settings = toys.config(stripes, PhaseConfig(-1, 6, 1e-2), weights=weights)
    stopped_after(1, settings, stripes, tmp_path / "run")
    first = export.model_file(tmp_path / "run", settings, stripes).read_bytes()
    assert export.model_file(tmp_path / "run", settings, stripes).read_bytes() == first
    toys.run(settings, stripes, tmp_path / "run", resume=True)
    assert export.model_path(tmp_path / "run").read_bytes() != first


def test_random_weights_are_those_of_the_training(stripes, tmp_path):
    """They are in no file: the seed draws them again."""
    settings = toys.config(stripes, PhaseConfig(2, 3, 1e-3), backbone=BackboneConfig(TINY.name, "random", SIDE))
    stopped_after(2, settings, stripes, tmp_path / "run")
    made = evaluation.evaluate(tmp_path / "run", settings, stripes, "validation")
    epochs = toys.Log()
    toys.run(settings, stripes, tmp_path / "again", log=epochs)
    best = min(val_loss for _, val_loss in epochs.losses[:2])
    assert made.loss == pytest.approx(best, abs=1e-5)


def test_a_run_without_a_complete_epoch_has_no_model(stripes, tmp_path):
    with pytest.raises(UserError, match="before its first epoch"):
        export.model_file(tmp_path, toys.config(stripes), stripes)


def test_other_backbone_weights_are_noticed(stripes, weights, tmp_path):
    mine = tmp_path / "mine.weights.h5"
    mine.write_bytes(Path(weights).read_bytes())
    settings = toys.config(stripes, PhaseConfig(-1, 3), weights=str(mine))
    stopped_after(1, settings, stripes, tmp_path / "run")
    keras.utils.set_random_seed(5)
    toys.network.load_base(TINY, "random", SIDE).save_weights(mine)
    with pytest.raises(UserError, match="have changed"):
        export.model_file(tmp_path / "run", settings, stripes)


def test_a_sigmoid_model_has_a_column_for_each_class(tl_home, weights, tmp_path):
    pictures = toys.dataset({"level": 10, "upright": 10})
    settings = toys.config(pictures, PhaseConfig(-1, 2), weights=weights, head=HeadConfig(output="sigmoid"))
    toys.run(settings, pictures, tmp_path / "run")
    model = keras.models.load_model(export.model_path(tmp_path / "run"))
    pixels = np.asarray(Image.open(pictures.path(pictures.images[0])))[None]
    assert model(pixels).shape == (1, 2)
    assert float(keras.ops.sum(model(pixels))) == pytest.approx(1.0)
