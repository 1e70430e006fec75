"""Features drawn from a seed: a Gaussian cloud a class, whose best classifier is known."""

import numpy as np


def clouds(count: int, size: int, classes: int, distance: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 [count, size] and labels: unit clouds whose means are `distance` apart along own axes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    means = np.eye(classes, size) * distance / np.sqrt(2)
    return (means[labels] + draw.normal(size=(count, size))).astype(np.float32), labels
