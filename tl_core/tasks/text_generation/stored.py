"""A fine-tuning's files of arrays, as anybody reads and writes them; nothing here imports TensorFlow."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

STATE = Path("checkpoint") / "state.npz"  # in the run's folder: all that is needed to go on


def facts(path: Path) -> dict[str, Any]:
    """The facts of a saved state."""
    with np.load(path) as arrays:
        return json.loads(str(arrays["facts"]))


def step(folder: Path) -> int:
    """How many steps the run in this folder need not make again when it is resumed; 0 where nothing is kept."""
    try:
        return int(facts(folder / STATE)["step"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return 0


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a .npz file that appears whole or not at all."""
    with open(path.with_suffix(".part"), "wb") as file:
        np.savez(file, **arrays)
    path.with_suffix(".part").replace(path)
