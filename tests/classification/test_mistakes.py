"""Mistakes that are made on purpose: what each changes, and what it leaves as it was."""

import numpy as np

from tl_core.base.split import Split
from tl_core.classification import mistakes

LABELS = np.arange(40, dtype=np.int32) % 4
PARTS = Split(np.arange(0, 40, 2), np.arange(1, 40, 4), np.arange(3, 40, 4))


def test_without_a_mistake_everything_stays():
    parts, labels = mistakes.made("none", PARTS, LABELS, 0)
    assert parts is PARTS and labels is LABELS


def test_shuffled_labels_are_those_of_training_alone_and_as_many_of_each():
    parts, labels = mistakes.made("labels", PARTS, LABELS, 0)
    assert parts is PARTS and labels is not LABELS
    assert not np.array_equal(labels[PARTS.train], LABELS[PARTS.train])
    np.testing.assert_array_equal(np.sort(labels[PARTS.train]), np.sort(LABELS[PARTS.train]))
    for rest in (PARTS.validation, PARTS.test):
        np.testing.assert_array_equal(labels[rest], LABELS[rest])
    np.testing.assert_array_equal(mistakes.made("labels", PARTS, LABELS, 0)[1], labels)
    assert not np.array_equal(mistakes.made("labels", PARTS, LABELS, 1)[1], labels)


def test_a_leak_puts_what_validates_among_what_is_learned_from():
    parts, labels = mistakes.made("leak", PARTS, LABELS, 0)
    assert labels is LABELS
    assert set(parts.train) == {*PARTS.train, *PARTS.validation}
    np.testing.assert_array_equal(parts.validation, PARTS.validation)
