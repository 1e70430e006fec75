"""A small network that is really trained, in NumPy: one hidden layer, Adam, dropout; its curves are to be judged."""

from dataclasses import dataclass

import numpy as np

from tl_core.labs.linear import softmax


@dataclass(frozen=True)
class Recipe:
    rate: float = 1e-3
    epochs: int = 30
    units: int = 64
    dropout: float = 0.2
    batch: int = 32


def train(
    features: np.ndarray,
    labels: np.ndarray,
    held_features: np.ndarray,
    held_labels: np.ndarray,
    classes: int,
    recipe: Recipe,
    seed: int,
) -> dict[str, list[float]]:
    """Train; loss and accuracy of each epoch, of the training examples while they are learned as in the app."""
    draw = np.random.default_rng(seed)
    size = features.shape[1]
    weights = [
        draw.normal(0, np.sqrt(2 / size), (size, recipe.units)),
        np.zeros(recipe.units),
        draw.normal(0, np.sqrt(1 / recipe.units), (recipe.units, classes)),
        np.zeros(classes),
    ]
    weights = [part.astype(np.float32) for part in weights]
    first, second = ([np.zeros_like(part) for part in weights] for _ in range(2))
    step = 0
    curves: dict[str, list[float]] = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    for _ in range(recipe.epochs):
        losses, hits = 0.0, 0
        order = draw.permutation(len(features))
        for start in range(0, len(order), recipe.batch):
            rows = order[start : start + recipe.batch]
            hidden = np.maximum(features[rows] @ weights[0] + weights[1], 0)
            kept = (draw.random(hidden.shape) >= recipe.dropout) / (1 - recipe.dropout)
            dropped = (hidden * kept).astype(np.float32)
            said = softmax(dropped @ weights[2] + weights[3])
            losses += _losses(said, labels[rows]).sum()
            hits += int((said.argmax(1) == labels[rows]).sum())
            error = (said - np.eye(classes, dtype=np.float32)[labels[rows]]) / len(rows)
            back = (error @ weights[2].T * kept * (hidden > 0)).astype(np.float32)
            slopes = [features[rows].T @ back, back.sum(0), dropped.T @ error, error.sum(0)]
            step += 1
            for part, slope, one, two in zip(weights, slopes, first, second, strict=True):
                one += 0.1 * (slope - one)
                two += 0.001 * (slope**2 - two)
                part -= recipe.rate * (one / (1 - 0.9**step)) / (np.sqrt(two / (1 - 0.999**step)) + 1e-7)
        said = softmax(np.maximum(held_features @ weights[0] + weights[1], 0) @ weights[2] + weights[3])
        curves["loss"].append(float(losses / len(order)))
        curves["accuracy"].append(hits / len(order))
        curves["val_loss"].append(float(_losses(said, held_labels).mean()))
        curves["val_accuracy"].append(float((said.argmax(1) == held_labels).mean()))
    return curves


def _losses(said: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return -np.log(np.clip(said[np.arange(len(labels)), labels], 1e-7, 1.0))
