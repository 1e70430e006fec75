"""What a fine-tuning needs to go on exactly: trained weights, the optimizer's memory, the seeds of dropout, facts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tl_core.tasks.text_generation import stored


def _state(
    network: keras.Model, variables: list[keras.Variable], optimizer: keras.Optimizer
) -> dict[str, keras.Variable]:
    """All that changes: trained weights, the optimizer's memory, the seeds of dropout."""
    seeds = [variable for variable in network.variables if "seed" in variable.path]
    groups = {"weight": variables, "optimizer": optimizer.variables, "seed": seeds}
    return {f"{group}{index}": v for group, variables in groups.items() for index, v in enumerate(variables)}


def save(
    path: Path,
    network: keras.Model,
    variables: list[keras.Variable],
    optimizer: keras.Optimizer,
    facts: Mapping[str, Any],
) -> None:
    """Write everything, and `facts` as JSON, to `path` (.npz), at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: variable.numpy() for name, variable in _state(network, variables, optimizer).items()}
    stored.write_arrays(path, arrays | {"facts": np.array(json.dumps(facts))})


def restore(path: Path, network: keras.Model, variables: list[keras.Variable], optimizer: keras.Optimizer) -> None:
    """Put back what `save` wrote, into objects made from the same config."""
    with np.load(path) as arrays:
        for name, variable in _state(network, variables, optimizer).items():
            variable.assign(arrays[name])
