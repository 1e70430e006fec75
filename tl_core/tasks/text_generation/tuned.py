"""The model that a fine-tuning has made so far: its folder once it has ended, else the base with the best weights."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.events import Event
from tl_core.base.messages import message
from tl_core.tasks.text_generation import card
from tl_core.tasks.text_generation.config import TextConfig, boundary
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import model as models
from tl_core.text.pretrained.model import LanguageModel
from tl_core.training import checkpoint
from tl_core.training.checkpoint import Saved

FORMER_BEST = "best.npz"  # in the run's folder: where earlier versions kept the best weights
FOLDER = "model"  # in the run's folder: the whole model in the Hub's format
LORA = "weights.lora.h5"


def trained_part(network: keras.Model, config: TextConfig, below: int) -> list[keras.Variable]:
    """Freeze what is below the boundary, or all but LoRA's weights above it; returns what is trained."""
    if config.lora_rank:
        if not models.lora_layers(network.transformer_layers[0])[0].lora_enabled:
            network.enable_lora(config.lora_rank)
        return above(network, config, below)
    network.token_embedding.trainable = network.position_embedding.trainable = below == 0
    for number, block in enumerate(network.transformer_layers, 1):
        block.trainable = number >= below
    return network.trainable_variables


def above(network: keras.Model, config: TextConfig, lowest: int) -> list[keras.Variable]:
    """What training changes above a boundary, in the order of the network, whether it is frozen now or not."""
    blocks = network.transformer_layers[max(0, lowest - 1) :]
    if config.lora_rank:
        layers = [layer for block in blocks for layer in models.lora_layers(block)]
        return [variable for layer in layers for variable in (layer.lora_kernel_a, layer.lora_kernel_b)]
    embeddings = [] if lowest else [network.token_embedding, network.position_embedding]
    own = {id(weight) for layer in (*embeddings, *blocks, network.layer_norm) for weight in layer.weights}
    return [weight for weight in network.weights if id(weight) in own]


def version(folder: Path) -> tuple[int, int]:
    """What tells the model of a run's folder from a later one of the same run; no weights are read."""
    best = _stamp(checkpoint.best_path(folder)) or _stamp(folder / FORMER_BEST)
    return _stamp(folder / FOLDER / format_.WEIGHTS), best


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
    if not version(folder)[1]:
        raise UserError(
            message("This run has no model yet."),
            message("Wait until its first round is over, or choose another run."),
        )
    base = models.load(config.model, emit, should_stop)
    network = models.backbone(base.shape, base.weights)
    trained_part(network, config, boundary(config, base.shape))
    put_back(config, folder, base, network)
    return base, network


def put_back(config: TextConfig, folder: Path, base: LanguageModel, network: keras.Model) -> None:
    """Give the network, which has the base's weights, those of the best round.

    Raises:
        UserError: the file is damaged, or the base is another one than when they were trained.
    """
    try:
        best = _best(folder)
        _check_base(config, base, best.facts.get("base", ""))
        lowest = best.facts.get("lowest", boundary(config, base.shape))
        checkpoint.restore(best, above(network, config, lowest))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(
            message("The weights of this run cannot be read: {reason}", reason=str(error)[:200]),
            message("The file is damaged. Train it again."),
        ) from error


def _best(folder: Path) -> Saved:
    """The best weights, also where an earlier version kept them."""
    if checkpoint.best_path(folder).exists():
        if found := checkpoint.load(checkpoint.best_path(folder)):
            return found
        raise ValueError(checkpoint.best_path(folder).name)
    with np.load(folder / FORMER_BEST) as file:
        facts = {"base": str(file["base"])} if "base" in file else {}
        return Saved(facts, [file[str(number)] for number in range(len(file.files) - len(facts))])


def _check_base(config: TextConfig, base: LanguageModel, trained_on: str) -> None:
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
