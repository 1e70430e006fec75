"""Features in two dimensions and how well they part classes, against figures worked out by hand."""

import subprocess
import sys

import numpy as np
import pytest

from tl_core.classification import layout


def clouds(count: int = 12, apart: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, each a cloud of its own in 30 dimensions."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], count)
    return (random.normal(size=(3 * count, 30)) + apart * np.eye(3, 30)[labels]).astype(np.float32), labels


def test_the_components_are_the_turned_features_the_widest_axis_first():
    features, _labels = clouds()
    turned, shares = layout.components(features)
    assert turned.shape == (36, 30) and turned.dtype == np.float32
    centred = features - features.mean(0)
    np.testing.assert_allclose(turned @ turned.T, centred @ centred.T, rtol=1e-3, atol=0.05)
    np.testing.assert_allclose(turned.var(0) / centred.var(0).sum(), shares, rtol=1e-3, atol=1e-4)
    assert (np.diff(shares) <= 1e-6).all() and shares[0] > 0.3
    same = np.ones((5, 3), np.float32)
    assert layout.components(same)[1].tolist() == [0, 0, 0], "pictures that look all alike have no widest axis"


def test_the_nearest_other_example_is_told_with_all_dimensions():
    line = np.array([[0.0], [1.0], [2.5], [10.0], [10.5]], np.float32)
    assert layout.same_class(line, np.array([0, 0, 1, 1, 1])).tolist() == [True, True, False, True, True]
    features, labels = clouds()
    assert layout.same_class(features, labels).all()
    flat = np.zeros_like(features)
    flat[:, 29] = features[:, 29]  # a dimension that knows nothing of the classes
    assert layout.same_class(flat, labels).mean() < 0.7
    # of four examples each has three others: one of its own class for the first two, none for the others
    assert layout.by_chance(np.array([0, 0, 1, 2])) == pytest.approx(2 / 12)


def test_t_sne_keeps_neighbours_together_and_is_the_same_each_time():
    features, labels = clouds()
    turned, _shares = layout.components(features)
    found = layout.neighbourly(turned)
    assert found.shape == (36, 2)
    assert layout.same_class(found, labels).all()
    np.testing.assert_array_equal(found, layout.neighbourly(turned))
    assert np.isfinite(layout.neighbourly(turned[:4])).all(), "the fewest that are taken"


def test_the_library_is_loaded_only_when_it_is_asked():
    program = "import sys; import tl_core.tasks.image_classification.feature_map; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
