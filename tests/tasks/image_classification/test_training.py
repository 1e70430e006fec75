"""Training on small real networks: the curve, its reproduction, stop and resume, and what the settings change."""

import dataclasses
import io
import itertools
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

from tests.tasks.image_classification import toys
from tests.tasks.image_classification.tiny_network import SIDE, TINY
from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.classification import report, steps
from tl_core.images.data import dataset as datasets
from tl_core.images.data.ingest import ingest
from tl_core.images.data.split import split
from tl_core.tasks.image_classification import evaluation, export, learner, network, paths, training
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig
from tl_core.training import checkpoint, loop, precision
from tl_core.training.optimizers import OPTIMIZERS


@pytest.fixture
def stripes(tl_home):
    """Two classes of 16 pictures."""
    return toys.dataset({"level": 16, "upright": 16})


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A weights file, so that the network counts as pretrained."""
    return toys.pretrained(tmp_path_factory.mktemp("weights") / "small.weights.h5")


def two_phases(**changes):
    return PhaseConfig(-1, 3, 1e-2), PhaseConfig(4, 3, **{"learning_rate": 1e-3, "name": "fine-tuning", **changes})


def test_a_run_tells_its_course_and_leaves_its_results(stripes, weights, tmp_path):
    settings = toys.config(stripes, *two_phases(), weights=weights)
    outcome, log = toys.run(settings, stripes, tmp_path / "run")

    started = log.of(events.Started)[0]
    assert (started.device, started.resumed_from) == ("CPU", 0)
    phases = log.of(events.Phase)
    assert [phase.phase for phase in phases] == [
        "features", "head", "features", "fine-tuning", "evaluation", "saving",
    ]  # fmt: skip
    head, tuning = phases[1], phases[3]
    assert head.precision == tuning.precision == "float32"
    assert (head.first_epoch, head.total, head.unit, head.frozen_blocks) == (0, 3, "epochs", 5)
    assert (tuning.first_epoch, tuning.total, tuning.frozen_blocks, tuning.learning_rate) == (3, 3, 4, 1e-3)
    head_parameters = TINY.channels * 16 + 16 + 16 * 2 + 2
    assert (head.trainable, head.frozen) == (head_parameters, TINY.parameters)
    assert tuning.trainable == head_parameters + TINY.blocks[-1].trainable
    assert tuning.trainable + tuning.frozen == head.trainable + head.frozen
    assert tuning.steps_per_epoch == 2

    epochs = log.of(events.Epoch)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    assert [epoch.step for epoch in epochs] == [2, 4, 6, 8, 10, 12]
    lowest = math.inf
    for epoch in epochs:
        assert epoch.best == (epoch.metrics["val_loss"] < lowest)
        lowest = min(lowest, epoch.metrics["val_loss"])
    best = [epoch for epoch in epochs if epoch.best][-1]
    made = report.load(tmp_path / "run", "validation")
    assert not outcome.stopped
    assert outcome.best_epoch == best.epoch
    assert outcome.metrics == made.metrics
    assert made.loss == pytest.approx(best.metrics["val_loss"], abs=1e-6)
    assert made.accuracy == best.metrics["val_accuracy"]
    assert paths.labels(tmp_path / "run") == ("level", "upright")
    assert keras.config.dtype_policy().name == "float32"


def test_batches_are_averaged_and_not_too_many(stripes, tmp_path, monkeypatch):
    settings = toys.config(stripes, PhaseConfig(-1, 40, 1e-3))
    log = toys.curve(settings, stripes, tmp_path / "few")
    epochs = log.of(events.Epoch)
    assert 1 <= len(log.of(events.Batch)) <= 2 + (epochs[-1].t - epochs[0].t) / loop.BETWEEN_BATCHES

    monkeypatch.setattr(loop, "BETWEEN_BATCHES", 0.0)
    log = toys.curve(settings, stripes, tmp_path / "all")
    for epoch in log.of(events.Epoch):
        batches = [batch for batch in log.of(events.Batch) if batch.epoch == epoch.epoch]
        assert sum(batch.batches for batch in batches) == 2
        assert batches[-1].step == epoch.step
        whole = sum(batch.metrics["loss"] * batch.batches for batch in batches) / 2
        assert whole == pytest.approx(epoch.metrics["loss"], abs=1e-6)


@pytest.mark.parametrize(("boundary", "augmentation"), [(0, "none"), (5, "strong")])
def test_the_cache_changes_nothing(boundary, augmentation, stripes, weights, tmp_path):
    changes = {"weights": weights, "augmentation": augmentation, "views": 2}
    settings = toys.config(stripes, PhaseConfig(boundary, 3, 1e-3), **changes)
    cached = toys.curve(settings, stripes, tmp_path / "cached")
    plain = toys.curve(dataclasses.replace(settings, cache=False), stripes, tmp_path / "plain")
    assert [phase.phase for phase in cached.of(events.Phase)][:2] == ["features", "head"]
    assert [phase.phase for phase in plain.of(events.Phase)][:1] == ["head"]
    assert np.array(cached.losses) == pytest.approx(np.array(plain.losses), rel=1e-5)


def test_the_cache_changes_nothing_in_bfloat16_and_across_two_boundaries(stripes, weights, tmp_path):
    changes = {"weights": weights, "augmentation": "strong", "views": 2, "precision": "mixed_bfloat16"}
    settings = toys.config(stripes, *two_phases(), **changes)
    cached = toys.curve(settings, stripes, tmp_path / "cached")
    plain = toys.curve(dataclasses.replace(settings, cache=False), stripes, tmp_path / "plain")
    assert cached.of(events.Phase)[1].precision == "mixed_bfloat16"
    assert np.array(cached.losses) == pytest.approx(np.array(plain.losses), rel=1e-2)  # bfloat16 has 8 significant bits


def test_views_are_trained_on_in_turn(stripes, weights, tmp_path):
    """With a rate that changes nothing, the loss of an epoch is that of its view."""
    settings = toys.config(stripes, PhaseConfig(-1, 5, 1e-8, "sgd"), weights=weights, augmentation="strong", views=2)
    losses = [loss for loss, _ in toys.curve(settings, stripes, tmp_path / "run").losses]
    assert losses[::2] == pytest.approx([losses[0]] * 3, abs=1e-6)
    assert losses[1::2] == pytest.approx([losses[1]] * 2, abs=1e-6)
    assert abs(losses[0] - losses[1]) > 1e-5


def test_a_resumed_run_has_the_curve_it_would_have_had(stripes, weights, tmp_path, monkeypatch):
    """Stopped within the first phase, between the two, within the second and before the report."""
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 0.0)
    settings = toys.config(
        stripes,
        *two_phases(optimizer="rmsprop"),
        weights=weights,
        head=HeadConfig(units=16, dropout=0.4),
        augmentation="light",
        views=2,
    )
    whole = toys.curve(settings, stripes, tmp_path / "whole")
    log = toys.Log()
    for number, stop in enumerate((1, 3, 5, 6)):
        stops = lambda: len(log.losses) >= stop  # noqa: B023, E731
        outcome, _ = toys.run(settings, stripes, tmp_path / "run", stops, resume=number > 0, log=log)
        assert outcome.stopped
        assert log.losses == whole.losses[:stop]
    outcome, _ = toys.run(settings, stripes, tmp_path / "run", resume=True, log=log)
    assert [event.resumed_from for event in log.of(events.Started)] == [0, 1, 3, 5, 6]
    assert log.losses == whole.losses
    assert not outcome.stopped
    assert outcome.best_epoch == [epoch.epoch for epoch in whole.of(events.Epoch) if epoch.best][-1]
    assert outcome.metrics == report.load(tmp_path / "run", "validation").metrics


def test_a_phase_cut_off_before_its_first_checkpoint_begins_again(stripes, weights, tmp_path, monkeypatch):
    """From the weights with which it began, though better ones have been found since."""
    monkeypatch.setattr(loop, "QUICKLY", 0)  # a Stop leaves no checkpoint
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", math.inf)  # nor does time, however slow the machine is
    better = itertools.count(0, -1)  # every epoch is the best so far, by a score that no rounding changes
    monkeypatch.setattr(report, "cross_entropy", lambda right: float(next(better)))
    phases = PhaseConfig(-1, 3, 1e-4), PhaseConfig(4, 3, 1e-3, name="fine-tuning")
    settings = toys.config(stripes, *phases, weights=weights)
    whole = toys.curve(settings, stripes, tmp_path / "whole")
    log, rest = toys.Log(), toys.Log()
    toys.run(settings, stripes, tmp_path / "run", lambda: len(log.losses) == 5, log=log)
    assert all(epoch.best for epoch in log.of(events.Epoch))
    toys.run(settings, stripes, tmp_path / "run", lambda: len(rest.losses) == 3, resume=True, log=rest)
    assert rest.of(events.Started)[0].resumed_from == 3
    assert [loss for loss, _ in rest.losses] == [loss for loss, _ in whole.losses[3:]]


def test_a_random_network_resumes_with_its_statistics(stripes, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "BETWEEN_CHECKPOINTS", 0.0)
    settings = toys.config(stripes, PhaseConfig(4, 3, 1e-3, "adamw", "from scratch"))
    whole = toys.curve(settings, stripes, tmp_path / "whole")
    log = toys.Log()
    toys.run(settings, stripes, tmp_path / "run", lambda: len(log.losses) == 2, log=log)
    toys.run(settings, stripes, tmp_path / "run", lambda: len(log.losses) == 3, resume=True, log=log)
    assert log.losses == whole.losses


def test_a_resumed_run_keeps_its_precision(stripes, weights, tmp_path, monkeypatch):
    """The one that was the faster, whatever a second measurement would say."""
    log, rest = toys.Log(), toys.Log()
    settings = toys.config(stripes, *two_phases(), weights=weights, precision="auto")
    monkeypatch.setattr(precision, "resolve", lambda asked, gain: "mixed_bfloat16")
    toys.run(settings, stripes, tmp_path / "run", lambda: len(log.losses) == 4, log=log)
    monkeypatch.setattr(precision, "resolve", lambda asked, gain: "float32")
    toys.run(settings, stripes, tmp_path / "run", lambda: len(rest.losses) == 1, resume=True, log=rest)
    told = [phase.precision for phase in (*log.of(events.Phase), *rest.of(events.Phase)) if phase.unit == "epochs"]
    assert told == ["mixed_bfloat16"] * 3


def test_a_damaged_checkpoint_means_a_new_beginning(stripes, tmp_path):
    settings = toys.config(stripes, PhaseConfig(-1, 2))
    whole = toys.curve(settings, stripes, tmp_path / "run")
    path = checkpoint.state_path(tmp_path / "run")
    path.write_bytes(path.read_bytes()[:100])
    _, again = toys.run(settings, stripes, tmp_path / "run", resume=True)
    assert again.of(events.Started)[0].resumed_from == 0
    assert again.losses == whole.losses


def test_stop_is_obeyed_at_once_and_keeps_the_best(stripes, weights, tmp_path):
    """In the middle of an epoch; the first yes counts."""
    settings = toys.config(stripes, PhaseConfig(4, 1000, 1e-4), weights=weights)
    log, asked = toys.Log(), []

    def pressed() -> bool:
        asked.append(len(log.losses))  # epochs that are over
        return asked.count(3) == 2

    outcome, _ = toys.run(settings, stripes, tmp_path / "run", pressed, log=log)
    assert asked[-2:] == [3, 3] and len(log.losses) == 3
    assert outcome.stopped
    best = [epoch for epoch in log.of(events.Epoch) if epoch.best][-1]
    assert outcome.best_epoch == best.epoch
    assert outcome.metrics == {"loss": best.metrics["val_loss"], "accuracy": best.metrics["val_accuracy"]}
    assert not export.model_path(tmp_path / "run").exists()
    saved = checkpoint.load(checkpoint.best_path(tmp_path / "run"))
    assert saved.facts["epoch"] == best.epoch


@pytest.mark.parametrize(("batch", "together"), [(0.3, 1), (0.06, 1), (0.01, 8), (0.0001, 500)])
def test_stop_is_asked_about_ten_times_a_second_however_long_a_batch_takes(batch, together):
    """At most 64 MiB are handed over at once: here 500 batches."""
    row = 64 * 1024 * 1024 // (500 * 4 * 8)
    pace = steps.Pace(SimpleNamespace(shape=(row,), dtype=np.dtype("float32")), 8)
    for _ in range(20):
        pace.took(batch * pace.batches)
    assert pace.batches == together


def test_stop_while_activations_are_computed_keeps_them(tl_home, tmp_path):
    pictures = toys.dataset({"level": 40, "upright": 40})
    settings = toys.config(pictures)
    log = toys.Log()
    computed = lambda log: max((event.done for event in log.of(events.Progress)), default=0)  # noqa: E731
    outcome, _ = toys.run(settings, pictures, tmp_path / "run", lambda: computed(log) > 0, log=log)
    assert outcome == training.Outcome(True, 0, {})
    assert 0 < computed(log) < 80
    _, rest = toys.run(settings, pictures, tmp_path / "run", resume=True)
    assert next(phase.total for phase in rest.of(events.Phase) if phase.phase == "features") == 80 - computed(log)


def test_a_phase_ends_early_when_validation_no_longer_improves(tl_home, weights, tmp_path):
    """Labels that mean nothing can only be learnt by heart."""
    numbers = {"a": range(12), "b": range(12, 24)}
    files = [(f"{name}/{number}.jpg", toys.jpeg(0, number)) for name in numbers for number in numbers[name]]
    pictures = ingest(files, name="noise")
    phases = PhaseConfig(-1, 100, 5e-2), PhaseConfig(-1, 2, 1e-8, name="fine-tuning")
    settings = toys.config(pictures, *phases, weights=weights, head=HeadConfig("flatten", 16), early_stopping=3)
    _, log = toys.run(settings, pictures, tmp_path / "run")
    epochs = log.of(events.Epoch)
    first = [epoch for epoch in epochs if epoch.phase == "head"]
    losses = [epoch.metrics["val_loss"] for epoch in first]
    lowest = min(range(len(first)), key=lambda place: losses[place])
    assert len(first) == lowest + 1 + 3 < 100
    second = next(phase for phase in log.of(events.Phase) if phase.phase == "fine-tuning")
    assert second.first_epoch == len(first)
    # The next phase goes on from the best weights, not from the last.
    assert epochs[-2].metrics["val_loss"] == pytest.approx(losses[lowest], rel=1e-4)
    assert abs(losses[-1] - losses[lowest]) > 1e-2 * losses[lowest]


def test_the_best_weights_are_also_tried_on_changed_pictures(tl_home, weights, tmp_path, monkeypatch):
    """Dark pictures and light ones: as they are all are told apart, as negatives all are taken for the other class."""
    random, files = np.random.default_rng(0), []
    for label, level in (("dark", 50), ("light", 205)):
        for number in range(8):
            buffer = io.BytesIO()
            noise = random.integers(level - 40, level + 40, (64, 64, 3), np.uint8)
            Image.fromarray(noise).save(buffer, "PNG")
            files.append((f"{label}/{number}.png", buffer.getvalue()))
    pictures = ingest(files, name="light")
    changes = {"accuracy_grey": lambda pixels: 255 - pixels, "accuracy_blurred": lambda pixels: pixels}
    monkeypatch.setattr(learner, "SHIFTS", changes)
    settings = toys.config(pictures, PhaseConfig(-1, 20, 1e-2), weights=weights, shifts=True)
    outcome, _ = toys.run(settings, pictures, tmp_path / "run")
    assert outcome.metrics["accuracy_blurred"] == outcome.metrics["accuracy"] == 1.0
    assert outcome.metrics["accuracy_grey"] == 0.0
    assert report.load(tmp_path / "run", "validation").accuracy == 1.0, "the report is of the pictures as they are"


def test_class_weights_count_rare_classes_more(tl_home, tmp_path):
    pictures = toys.dataset({"level": 24, "upright": 8})
    settings = toys.config(pictures, PhaseConfig(-1, 1, 1e-8, "sgd"), class_weights=True)
    _, log = toys.run(settings, pictures, tmp_path / "run")
    training_part = split(pictures, settings.data).train
    model = keras.models.load_model(export.model_path(tmp_path / "run"))
    total = 0.0
    for index in training_part:
        image = pictures.images[index]
        pixels = np.asarray(Image.open(pictures.path(image)))
        count = sum(pictures.images[other].label == image.label for other in training_part)
        total -= len(training_part) / (2 * count) * np.log(model(pixels[None])[0, image.label])
    assert log.losses[0][0] == pytest.approx(total / len(training_part), rel=1e-4)


def test_a_sigmoid_tells_two_classes_apart(stripes, weights, tmp_path):
    settings = toys.config(
        stripes,
        PhaseConfig(-1, 40, 1e-2),
        weights=weights,
        head=HeadConfig("flatten", 16, 0.0, "sigmoid"),
        data=DataConfig(stripes.id, 0.0, 0.0),
    )
    _, log = toys.run(settings, stripes, tmp_path / "run")
    assert log.of(events.Epoch)[-1].metrics["accuracy"] == 1.0
    model = keras.models.load_model(export.model_path(tmp_path / "run"))
    for image in stripes.images[::4]:
        probabilities = model(np.asarray(Image.open(stripes.path(image)))[None]).numpy()[0]
        assert probabilities[image.label] > 0.9
        assert sum(probabilities) == pytest.approx(1.0)


def test_a_loss_that_is_no_number_is_explained(stripes, weights, tmp_path):
    settings = toys.config(stripes, PhaseConfig(4, 5, 1e30, "sgd"), weights=weights)
    with pytest.raises(UserError, match=r"diverged.*smaller learning rate"):
        toys.run(settings, stripes, tmp_path / "run")


@pytest.mark.parametrize(("optimizer", "boundary"), [("adam", 4), ("rmsprop", 5), ("adamw", 5), ("sgd", 5)])
def test_steps_are_those_of_keras(optimizer, boundary, stripes, weights, tmp_path):
    """Against `fit` on the same rows in the same order."""
    settings = toys.config(stripes, PhaseConfig(boundary, 2, 1e-3, optimizer), weights=weights)
    log = toys.curve(settings, stripes, tmp_path / "run")

    parts = split(stripes, settings.data)
    keras.utils.set_random_seed(settings.seed)
    base = network.load_base(TINY, weights, SIDE)
    trunk, upper = network.split_base(base, TINY, boundary)
    part = network.TrainedPart(upper, network.build_head(settings.head, 2, (4, 4, TINY.channels)), pretrained=True)
    scaled = network.preprocessing(TINY, SIDE)
    pixels = [np.asarray(Image.open(stripes.path(image)))[None] for image in stripes.images]
    rows = np.concatenate([trunk(scaled(picture), training=False) for picture in pixels])
    labels = np.array([image.label for image in stripes.images])
    part.compile(OPTIMIZERS[optimizer](1e-3), "sparse_categorical_crossentropy")
    for epoch, (loss, val_loss) in enumerate(log.losses, 1):
        order = np.random.default_rng((settings.seed, epoch)).permutation(parts.train)
        history = part.fit(rows[order], labels[order], batch_size=8, shuffle=False, verbose=0).history
        assert loss == pytest.approx(history["loss"][0], rel=1e-3)
        assert val_loss == pytest.approx(
            part.evaluate(rows[parts.validation], labels[parts.validation], verbose=0), rel=1e-3
        )


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_smoothed_labels_are_descended_and_the_curve_stays_the_plain_cross_entropy(output, stripes, weights, tmp_path):
    """All pictures in one batch: the first loss is the untouched head's, the steps those of Keras' smoothed loss."""
    head = HeadConfig("average", 0, 0.0, output)
    settings = toys.config(
        stripes, PhaseConfig(-1, 20, 1e-1), weights=weights, head=head, label_smoothing=0.4, batch_size=64
    )
    _, log = toys.run(settings, stripes, tmp_path / "run")
    plain = toys.Log()
    toys.run(dataclasses.replace(settings, label_smoothing=0.0), stripes, tmp_path / "plain", log=plain)
    assert log.losses[0][0] == pytest.approx(plain.losses[0][0], rel=1e-5)

    parts = split(stripes, settings.data)
    keras.utils.set_random_seed(settings.seed)
    base = network.load_base(TINY, weights, SIDE)
    part = network.build_head(head, 2, base.output_shape[1:], settings.seed)
    pixels = [np.asarray(Image.open(stripes.path(image)))[None] for image in stripes.images]
    scaled = network.preprocessing(TINY, SIDE)
    rows = np.concatenate([base(scaled(picture), training=False) for picture in pixels])
    labels = np.array([[image.label] for image in stripes.images], "float32")
    if output == "softmax":
        labels = np.hstack([1 - labels, labels])
    loss = keras.losses.BinaryCrossentropy if output == "sigmoid" else keras.losses.CategoricalCrossentropy
    part.compile(keras.optimizers.Adam(1e-1), loss(label_smoothing=0.4))
    part.fit(rows[parts.train], labels[parts.train], batch_size=64, epochs=20, verbose=0)
    part.compile(loss=loss())
    val_loss = part.evaluate(rows[parts.validation], labels[parts.validation], verbose=0)
    assert log.losses[-1][1] == pytest.approx(val_loss, rel=1e-3)
    assert abs(val_loss - plain.losses[-1][1]) > 1e-2 * val_loss


@pytest.mark.parametrize("mistake", ["none", "batchnorm"])
def test_statistics_of_a_pretrained_network_move_by_mistake_alone(mistake, stripes, weights, tmp_path):
    settings = toys.config(stripes, PhaseConfig(3, 2, 1e-2), weights=weights, mistake=mistake)
    toys.run(settings, stripes, tmp_path / "run")
    trained = keras.models.load_model(export.model_path(tmp_path / "run"))
    before = network.load_base(TINY, weights, SIDE)
    cut = [layer.name for layer in before.layers].index(TINY.blocks[2].cut)
    for number, layer in enumerate(before.layers):
        after = trained.get_layer(layer.name).weights if layer.weights else []
        for old, new in zip(layer.weights, after, strict=True):
            same = np.array_equal(old.numpy(), new.numpy())
            assert same == (("moving" in old.path and mistake == "none") or number <= cut), old.path


def test_pixels_that_are_scaled_wrongly_by_mistake_are_so_in_the_model_too(stripes, weights, tmp_path):
    sound = toys.config(stripes, PhaseConfig(-1, 3, 1e-3), weights=weights)
    toys.run(sound, stripes, tmp_path / "sound")
    settings = dataclasses.replace(sound, mistake="scaling")
    _, log = toys.run(settings, stripes, tmp_path / "run")
    assert log.of(events.Phase)[0].phase == "features", "those of the sound run do not serve"
    made = report.load(tmp_path / "run", "validation")
    assert abs(made.loss - report.load(tmp_path / "sound", "validation").loss) > 1e-3
    again = evaluation.evaluate(tmp_path / "run", settings, stripes, "validation")
    assert again.loss == pytest.approx(made.loss, abs=1e-4), "as it was trained"


def test_statistics_of_a_random_network_move(stripes, tmp_path):
    toys.run(toys.config(stripes, PhaseConfig(0, 1, 1e-3)), stripes, tmp_path / "run")
    trained = keras.models.load_model(export.model_path(tmp_path / "run"))
    moving = [weight.numpy() for weight in trained.weights if weight.path.endswith("moving_mean")]
    assert all(np.abs(values).max() > 0 for values in moving)


def test_float16_scales_its_loss(stripes, weights, tmp_path):
    settings = toys.config(stripes, PhaseConfig(-1, 20, 1e-2), weights=weights, precision="mixed_float16")
    log = toys.curve(settings, stripes, tmp_path / "run")
    assert log.losses[-1][0] < 0.8 * log.losses[0][0]


def test_a_class_without_training_pictures_has_no_infinite_weight():
    labels = np.array([0, 0, 0, 1, 2])
    weights = steps.importance(labels, training=np.array([0, 1, 2, 3]), balanced=True)
    assert weights[:4] == pytest.approx([4 / 6, 4 / 6, 4 / 6, 2])
    assert np.isfinite(weights).all()


def test_without_validation_pictures_the_training_loss_decides(stripes, tmp_path):
    settings = toys.config(stripes, PhaseConfig(-1, 3, 1e-2), data=DataConfig(stripes.id, 0.0, 0.0))
    outcome, log = toys.run(settings, stripes, tmp_path / "run")
    epochs = log.of(events.Epoch)
    assert all(set(epoch.metrics) == {"loss", "accuracy"} for epoch in epochs)
    assert outcome.metrics["loss"] == min(epoch.metrics["loss"] for epoch in epochs)
    assert export.model_path(tmp_path / "run").exists()
    assert report.load(tmp_path / "run", "validation") is None


@pytest.mark.slow
def test_real_weights_learn_real_flowers(shared, tl_home, tmp_path, monkeypatch):
    """Five seeds of split, head and order; the features are computed once."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    models = tmp_path / "keras" / "models"
    models.mkdir(parents=True)
    (models / "mobilenet_2_5_224_tf_no_top.h5").symlink_to(shared / "weights" / "mobilenet_2_5_224_tf_no_top.h5")
    flowers = ingest(shared / "data" / "flowers.zip", name="flowers")
    assert datasets.load(flowers.id).counts == (200,) * 5
    accuracies = []
    for seed in range(5):
        settings = toys.config(
            flowers,
            PhaseConfig(-1, 15, 1e-3),
            data=DataConfig(flowers.id, 0.2, 0.0, seed),
            backbone=BackboneConfig("mobilenet_0.25", "imagenet", 224),
            head=HeadConfig(units=256),
            batch_size=32,
            seed=seed,
        )
        outcome, log = toys.run(settings, flowers, tmp_path / f"run{seed}")
        accuracies.append(outcome.metrics["accuracy"])
        assert (log.of(events.Phase)[0].phase == "features") == (seed == 0)
    print(f"validation accuracies {accuracies}, mean {np.mean(accuracies):.3f}")
    assert np.mean(accuracies) >= 0.82
