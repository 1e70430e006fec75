"""The model that a fine-tuning has made so far: its folder once it has ended, else the base with the best weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from tl_core.errors import UserError
from tl_core.events import Event
from tl_core.messages import message
from tl_core.text import folder as format_
from tl_core.text import model as models
from tl_core.text.config import TextConfig, boundary
from tl_core.text.model import LanguageModel

BEST = "best.npz"  # in the run's folder: what is trained, of the best round so far
FOLDER = "model"  # in the run's folder: the whole model in the Hub's format
LORA = "weights.lora.h5"


def trained_part(network: keras.Model, config: TextConfig, below: int) -> list[keras.Variable]:
    """Freeze what is below the boundary, or all but LoRA's weights above it; returns what is trained."""
    upper = network.transformer_layers[max(0, below - 1) :]
    if config.lora_rank:
        network.enable_lora(config.lora_rank)
        layers = [layer for block in upper for layer in models.lora_layers(block)]
        return [variable for layer in layers for variable in (layer.lora_kernel_a, layer.lora_kernel_b)]
    network.token_embedding.trainable = network.position_embedding.trainable = below == 0
    for block in network.transformer_layers[: max(0, below - 1)]:
        block.trainable = False
    return network.trainable_variables


def version(folder: Path) -> tuple[int, int]:
    """What tells the model of a run's folder from a later one of the same run; no weights are read."""
    return _stamp(folder / FOLDER / format_.WEIGHTS), _stamp(folder / BEST)


def whole(folder: Path) -> bool:
    """Whether the run's folder holds the whole model, and no better round has followed (of a resumed run)."""
    made, best = version(folder)
    return bool(made) and made >= best


def load(
    config: TextConfig,
    folder: Path,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> LanguageModel:
    """The run's model, of the best round so far where it is still training or was interrupted.

    Args:
        config: the run's.
        folder: the run's.
        emit, should_stop: for the base's download, where it is no longer here.

    Raises:
        UserError: no round was completed, a file is damaged, or the base cannot be had.
    """
    if whole(folder):
        return models.load_folder(folder / FOLDER, config.model)
    base, network = _rebuilt(config, folder, emit, should_stop)
    return replace(base, weights=models.hub_weights(network))


def complete(config: TextConfig, folder: Path) -> None:
    """Write the model of the best round as the run does at its end, for one that was interrupted.

    Raises:
        UserError: as `load`.
    """
    if not whole(folder):
        write(config, folder, *_rebuilt(config, folder))


def write(config: TextConfig, folder: Path, base: LanguageModel, network: keras.Model) -> None:
    """Write the network as the run's model folder, and LoRA's weights beside it."""
    if config.lora_rank:
        network.save_lora_weights(str(folder / LORA))
    format_.write(folder / FOLDER, base.shape, models.hub_weights(network), base.folder)


def _rebuilt(
    config: TextConfig,
    folder: Path,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[LanguageModel, keras.Model]:
    """The base, and the network with the weights of the best round."""
    if not (folder / BEST).exists():
        raise UserError(
            message("This run has no model yet."),
            message("Wait until its first round is over, or choose another run."),
        )
    base = models.load(config.model, emit, should_stop)
    network = models.backbone(base.shape, base.weights)
    put_back(folder, trained_part(network, config, boundary(config, base.shape)))
    return base, network


def put_back(folder: Path, variables: list[keras.Variable]) -> None:
    """Give the trained variables the weights of the best round.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with np.load(folder / BEST) as arrays:
            for index, variable in enumerate(variables):
                variable.assign(arrays[str(index)])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(
            message("The weights of this run cannot be read: {reason}", reason=str(error)[:200]),
            message("The file is damaged. Train it again."),
        ) from error


def _stamp(path: Path) -> int:
    """Nanoseconds since 1970; 0 where there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
