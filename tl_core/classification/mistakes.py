"""Mistakes that people make, made on purpose: for lessons, and never otherwise."""

from dataclasses import replace
from typing import Literal

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.split import Split

Mistake = Literal["none", "labels", "leak", "scaling", "batchnorm"]
MISTAKES: dict[Mistake, Message] = {
    "none": message("None"),
    "labels": message("Labels of the training examples shuffled"),
    "leak": message("Validation examples among those of training"),
    "scaling": message("Pixels scaled otherwise than the backbone expects"),
    "batchnorm": message("BatchNorm of the pretrained network in training mode"),
}
_SHUFFLED = 7  # sets the shuffling apart from other draws of the same seed


def made(mistake: Mistake, split: Split, labels: np.ndarray, seed: int) -> tuple[Split, np.ndarray]:
    """The parts and labels from which training learns when this mistake is made; most leave them as they are.

    Args:
        split: as it should be; indices into the labels.
        labels: int [n], of all examples.
        seed: of the shuffling.
    """
    if mistake == "leak":
        return replace(split, train=np.sort(np.concatenate([split.train, split.validation]))), labels
    if mistake == "labels":
        labels = labels.copy()
        labels[split.train] = np.random.default_rng((seed, _SHUFFLED)).permutation(labels[split.train])
    return split, labels
