"""What a run keeps on disk while it trains: the best weights so far, and the state from which it can go on.

    runs/<id>/best.weights.npz        of the epoch with the lowest validation loss
    runs/<id>/checkpoint/state.npz    of the latest epoch: weights, optimizer, dropout masks, where training stands

Each file is one JSON text of facts and numbered arrays, written whole or not at all. Weights below the lowest boundary
trained so far are not in it: they are the backbone's own, and `trunk` in the facts is their fingerprint.
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Saved:
    """Facts (JSON types) and arrays, in the order in which they were saved."""

    facts: Mapping[str, Any]
    arrays: Sequence[np.ndarray]


def best_path(folder: Path) -> Path:
    """Where a run's best weights lie."""
    return folder / "best.weights.npz"


def state_path(folder: Path) -> Path:
    """Where the state lies from which a run can go on."""
    return folder / "checkpoint" / "state.npz"


def arriving(path: Path) -> Path:
    """Where to write what will be moved to `path` when it is whole: in the run's checkpoint folder, which nobody takes
    home, so that what a killed process leaves behind disturbs nobody."""
    folder = path.parent if path.parent.name == "checkpoint" else path.parent / "checkpoint"
    folder.mkdir(exist_ok=True)
    return folder / f"{os.getpid()}-{path.name}"


def save(path: Path, facts: Mapping[str, Any], variables: Sequence[keras.Variable]) -> None:
    """Write the present values of `variables`; a reader sees the old or the new file, never half of one."""
    part = arriving(path)
    arrays = {str(number): np.asarray(variable.value) for number, variable in enumerate(variables)}
    try:
        with open(part, "wb") as file:
            np.savez(file, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: Path) -> Saved | None:
    """Read what `save` wrote; None if it is not there or damaged."""
    try:
        with np.load(path) as file:
            facts = json.loads(file["facts"].tobytes())
            return Saved(facts, [file[str(number)] for number in range(len(file.files) - 1)])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def restore(saved: Saved, variables: Sequence[keras.Variable]) -> None:
    """Give the variables the saved values.

    Raises:
        ValueError: there are more or fewer of them, or a shape differs.
    """
    for variable, array in zip(variables, saved.arrays, strict=True):
        variable.assign(array)
