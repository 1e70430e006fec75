"""The mistake doctor: faults of trainings that really took place, and no alarm where they were sound."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.labs.drawn import clouds
from tests.labs.training import Recipe, train
from tl_core.base.events import Epoch
from tl_core.labs import mistakes
from tl_core.labs.curves import Curves
from tl_core.recordings import play

CLASSES, HELD = 4, 100
SEEDS = range(5)


def judged(features, labels, held_features, held_labels, recipe: Recipe, seed: int) -> mistakes.Finding | None:
    made = train(features, labels, held_features, held_labels, CLASSES, recipe, seed)
    curves = Curves(**made, rate=recipe.rate, classes=CLASSES, examples=len(held_labels), chance=1 / CLASSES)
    return mistakes.diagnose(curves)


def parts(seed: int, count: int = 300, distance: float = 3.5):
    """Like features of photographs: nine in ten can be told apart, by no single one of them."""
    features, labels = clouds(count + HELD, 40, CLASSES, distance, seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(40, 40)))[0]
    features = (features @ turn).astype(np.float32)
    return features[HELD:], labels[HELD:], features[:HELD], labels[:HELD]


def high_rate(seed: int):
    return judged(*parts(seed), Recipe(rate=0.1), seed)


def no_rate(seed: int):
    return judged(*parts(seed), Recipe(rate=1e-7), seed)


def shuffled(seed: int):
    features, labels, held, theirs = parts(seed)
    return judged(features, np.random.default_rng(seed).permutation(labels), held, theirs, Recipe(epochs=60), seed)


def leaking(seed: int):
    features, labels, held, theirs = parts(seed)
    every = np.concatenate([features, held]), np.concatenate([labels, theirs])
    return judged(*every, held, theirs, Recipe(epochs=80, rate=5e-4), seed)


def learned_by_heart(seed: int):
    return judged(*parts(seed, 100, 2.0), Recipe(epochs=150, dropout=0.0, rate=2e-3), seed)


FAULTS = {
    "rate": high_rate,
    "not_learning": no_rate,
    "labels": shuffled,
    "leak": leaking,
    "overfitting": learned_by_heart,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_in_four_of_five_trainings_at_least(fault):
    found = [FAULTS[fault](seed) for seed in SEEDS]
    named = Counter(one.fault if one else None for one in found)
    assert named[fault] >= 4, named
    for one in found:
        if one and one.fault == fault:
            assert one.epoch >= 1 and str(one.what).endswith(".") and "{" not in f"{one.what} {one.remedy}"


def test_of_twenty_sound_trainings_one_at_most_raises_an_alarm():
    recipes = [replace(Recipe(), rate=rate, dropout=dropout) for rate in (5e-4, 1e-3) for dropout in (0.0, 0.5)]
    found = [judged(*parts(seed), recipes[seed % 4], seed) for seed in range(20)]
    assert sum(one is not None for one in found) <= 1, found


# Rules by hand -----------------------------------------------------------------------------------------------------

SOUND = Curves(
    loss=[1.3, 0.9, 0.7, 0.6, 0.5, 0.45, 0.4, 0.36],
    accuracy=[0.4, 0.6, 0.7, 0.75, 0.8, 0.83, 0.85, 0.87],
    val_loss=[1.1, 0.9, 0.8, 0.75, 0.7, 0.7, 0.71, 0.72],
    val_accuracy=[0.5, 0.6, 0.65, 0.7, 0.72, 0.73, 0.73, 0.72],
    rate=1e-3,
    classes=4,
    examples=100,
    chance=0.25,
)


def test_a_sound_curve_raises_no_alarm():
    assert mistakes.diagnose(SOUND) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("curve", ["loss", "val_loss"])
def test_a_loss_that_is_no_number_is_told_even_of_a_short_run(curve, value):
    short = replace(SOUND, **{curve: [1.3, value]}, **{"val_loss" if curve == "loss" else "loss": [1.3, 1.2]})
    found = mistakes.diagnose(short)
    assert (found.fault, found.epoch) == ("rate", 2)
    assert str(found.what).startswith("From epoch 2 on the loss is no longer a number: the learning rate of 0.001")


def test_too_short_a_run_is_not_judged():
    flat = replace(SOUND, loss=[1.4] * 4, accuracy=[0.25] * 4, val_loss=[1.4] * 4, val_accuracy=[0.25] * 4)
    assert mistakes.diagnose(flat) is None
    flat = replace(SOUND, loss=[1.4] * 5, accuracy=[0.25] * 5, val_loss=[1.4] * 5, val_accuracy=[0.25] * 5)
    assert mistakes.diagnose(flat).fault == "not_learning"


def test_one_jump_may_be_a_new_phase_and_two_are_a_fault():
    once = replace(SOUND, loss=[1.3, 0.9, 0.5, 1.3, 0.6, 0.5, 0.45, 0.4])
    assert mistakes.jumping(once) is None
    twice = mistakes.jumping(replace(SOUND, loss=[1.3, 0.9, 0.5, 1.3, 0.6, 1.4, 0.45, 0.4]))
    assert (twice.fault, twice.epoch) == ("rate", 4)


def test_a_first_epoch_of_a_high_loss_is_forgiven_where_training_recovers():
    assert mistakes.diagnose(replace(SOUND, loss=[9.5, *SOUND.loss[1:]])) is None


def test_overfitting_begins_where_the_validation_loss_is_lowest():
    curves = replace(
        SOUND, loss=[1.3, 0.8, 0.5, 0.3, 0.1, 0.01, 0.01, 0.01], val_loss=[1.1, 0.9, 0.8, 0.85, 0.95, 1.1, 1.2, 1.3]
    )
    found = mistakes.diagnose(curves)
    assert (found.fault, found.epoch) == ("overfitting", 3)
    assert "Since epoch 3 the validation loss has risen from 0.80 to 1.20" in str(found.what)
    unfinished = replace(curves, loss=[1.3, 0.8, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03])
    assert mistakes.by_heart(unfinished) is None, "a head on few pictures does so in sound training"
    still = replace(curves, loss=SOUND.loss)  # training does not learn by heart: the validation examples are hard
    assert mistakes.by_heart(replace(still, loss=[0.6] * 8)) is None


def test_chance_on_few_validation_examples_means_nothing():
    curves = replace(SOUND, val_accuracy=[0.3] * 8, val_loss=[1.4] * 8)
    assert mistakes.diagnose(curves).fault == "labels"
    assert mistakes.at_chance_on_validation(replace(curves, examples=60)) is None, "two of four are within the noise"


def test_an_easy_task_is_no_leak():
    easy = replace(
        SOUND,
        loss=[0.3, 0.1, 0.08, 0.06, 0.05, 0.05, 0.04, 0.04],
        accuracy=[0.93, 0.97, 0.98, 0.98, 0.99, 0.99, 0.99, 0.99],
        val_loss=[0.1, 0.06, 0.05, 0.04, 0.03, 0.03, 0.03, 0.03],
        val_accuracy=[0.97, 0.98, 0.99, 0.99, 0.99, 0.99, 0.99, 0.99],
    )
    assert mistakes.diagnose(easy) is None


# Recorded runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "classes", "examples", "expected"),
    [
        ("frozen", 5, 250, {None}),
        ("fine_tuned", 5, 250, {None}),
        ("flowers", 5, 200, {None}),
        ("flowers_lite0", 5, 200, {None}),
        ("cats_dogs", 2, 1000, {None}),
        ("cats_dogs_lite0", 2, 1000, {None}),
        ("scratch", 5, 250, {"labels", "overfitting"}),  # 150 photographs: validation is at chance throughout
    ],
)
def test_recorded_runs_are_judged_as_they_are(name, classes, examples, expected):
    recording = play.get(name)
    epochs = [event for event in recording.events if isinstance(event, Epoch)]
    rate = max(phase.learning_rate for phase in recording.config.phases)
    found = mistakes.diagnose(Curves.of(epochs, rate, classes, examples, 1 / classes))
    assert (found.fault if found else None) in expected


def test_a_run_without_validation_has_no_curves():
    with pytest.raises(ValueError, match="lacks"):
        Curves.of([Epoch(metrics={"loss": 1.0, "accuracy": 0.5})], 0.001, 2, 0, 0.5)
