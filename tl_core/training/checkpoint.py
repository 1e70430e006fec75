"""What a run keeps on disk while it trains: the best weights so far, and the state from which it can go on.

    runs/<id>/best.weights.npz        of the epoch with the lowest validation loss
    runs/<id>/checkpoint/state.npz    of the latest epoch: weights, optimizer, dropout masks, where training stands

Each file is one JSON text of facts and numbered arrays, written whole or not at all. Weights below the lowest boundary
trained so far are not in it: they are the pretrained network's own, and `base` in the facts is the mark of those.
Nothing here imports TensorFlow.
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


class Variable(Protocol):
    """What a `keras.Variable` is here: an array that changes."""

    value: Any
    shape: Sequence[int]

    def assign(self, value: np.ndarray) -> Any:
        """Give it another value of the same shape."""


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


def save(path: Path, facts: Mapping[str, Any], variables: Sequence[Variable]) -> None:
    """Write the present values of `variables`; a reader sees the old or the new file, never half of one."""
    keep(path, facts, [np.asarray(variable.value) for variable in variables])


def keep(path: Path, facts: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Write arrays as `save` does."""
    part = arriving(path)
    numbered: dict[str, Any] = {str(number): array for number, array in enumerate(arrays)}
    try:
        with open(part, "wb") as file:
            np.savez(file, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **numbered)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(path: Path) -> Saved | None:
    """Read what `save` wrote; None if it is not there or damaged."""
    try:
        with np.load(path) as file:
            return Saved(_facts(file), [file[str(number)] for number in range(len(file.files) - 1)])
    except _UNREADABLE:
        return None


def step(folder: Path) -> int:
    """How many steps the run in this folder need not make again when it is resumed; 0 where nothing is kept."""
    try:
        with np.load(state_path(folder)) as file:
            return int(_facts(file)["step"])
    except _UNREADABLE:
        return 0


def restore(saved: Saved, variables: Sequence[Variable]) -> None:
    """Give the variables the saved values.

    Raises:
        ValueError: there are more or fewer of them, or a shape differs.
    """
    for variable, array in zip(variables, saved.arrays, strict=True):
        variable.assign(array)


def _facts(file: np.lib.npyio.NpzFile) -> dict[str, Any]:
    """The facts of an open file.

    Raises:
        ValueError: it is of an earlier version's fine-tuning, or damaged.
    """
    if file["facts"].dtype != np.uint8:
        raise ValueError("the facts are no bytes")
    return json.loads(file["facts"].tobytes())
