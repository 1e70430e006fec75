"""The model that a fine-tuning has made so far: its folder once it has ended, else the base with the best weights."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.events import Event
from tl_core.base.messages import message
from tl_core.tasks.text_generation import card, stored
from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import model as models
from tl_core.text.pretrained.model import LanguageModel

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


def write(
    config: TextConfig,
    folder: Path,
    base: LanguageModel,
    network: keras.Model,
    metrics: Mapping[str, float] | None = None,
) -> None:
    """Write the network as the run's model folder with its card, and LoRA's weights beside it.

    Args:
        metrics: of these weights, for the card; None where they are not known.
    """
    if config.lora_rank:
        network.save_lora_weights(str(folder / LORA))
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    (target / card.FILE).write_text(card.card(base.shape, config, metrics), encoding="utf-8")
    format_.write(target, base.shape, models.hub_weights(network), base.folder)


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
    put_back(config, folder, base, trained_part(network, config, boundary(config, base.shape)))
    return base, network


def keep(folder: Path, variables: list[keras.Variable], base: str) -> None:
    """Keep the trained variables as those of the best round, with the mark of the base that they were trained on."""
    arrays = {str(index): variable.numpy() for index, variable in enumerate(variables)}
    stored.write_arrays(folder / BEST, arrays | {"base": np.array(base)})


def put_back(config: TextConfig, folder: Path, base: LanguageModel, variables: list[keras.Variable]) -> None:
    """Give the trained variables the weights of the best round.

    Raises:
        UserError: the file is damaged, or the base is another one than when they were trained.
    """
    try:
        with np.load(folder / BEST) as arrays:
            check_base(config, base, str(arrays["base"]) if "base" in arrays else "")
            for index, variable in enumerate(variables):
                variable.assign(arrays[str(index)])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(
            message("The weights of this run cannot be read: {reason}", reason=str(error)[:200]),
            message("The file is damaged. Train it again."),
        ) from error


def check_base(config: TextConfig, base: LanguageModel, trained_on: str) -> None:
    """Refuse weights that were trained on top of others than the base's.

    Args:
        trained_on: the base's `models.mark` then; "" for a run of an earlier version, which kept none. The
            bundled model had its tokens in another order then, and nothing but its embeddings knows of that.

    Raises:
        UserError: the base is another one.
    """
    if trained_on:
        same = trained_on == models.mark(base.weights)
    else:
        same = config.model != "tales" or boundary(config, base.shape) > 0
    if not same:
        raise UserError(
            message("The pretrained weights have changed since this run was trained."),
            message("Put the former weights file back, or train again."),
        )


def _stamp(path: Path) -> int:
    """Nanoseconds since 1970; 0 where there is no file."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
