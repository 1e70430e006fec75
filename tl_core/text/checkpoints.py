"""The language models registry, and where their files come from: bundled, a local folder, the Hub's cache, the Hub.

All four are in one format: config.json, vocab.json, merges.txt, model.safetensors. The source is always named, never
replaced by random weights in silence. Nothing here imports TensorFlow.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tl_core.errors import UserError
from tl_core.events import Event, Notice
from tl_core.messages import Message, message
from tl_core.paths import ASSETS

WEIGHTS = "model.safetensors"
FILES = ("config.json", "vocab.json", "merges.txt", WEIGHTS)


@dataclass(frozen=True)
class Shape:
    """What config.json says about the network."""

    vocabulary: int = 50257
    context: int = 1024  # tokens
    layers: int = 12
    heads: int = 12
    width: int = 768

    @property
    def parameters(self) -> int:
        """All weights; the output layer shares the token embedding."""
        return sum(block.parameters for block in self.blocks) + 2 * self.width

    @property
    def blocks(self) -> tuple["Block", ...]:
        """What the freeze boundary counts: the embeddings, then the blocks h.0, h.1, ...

        The last normalisation `ln_f` belongs to the head, as the output layer does, which shares the token embedding:
        it is frozen with the embeddings.
        """
        block = 12 * self.width**2 + 13 * self.width
        embeddings = Block("embeddings", (self.vocabulary + self.context) * self.width)
        return (embeddings, *(Block(f"h.{layer}", block) for layer in range(self.layers)))


@dataclass(frozen=True)
class Block:
    """One step of the freeze boundary and its number of weights."""

    name: str
    parameters: int


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained language model."""

    name: str
    title: str
    repository: str  # on the Hugging Face Hub; "" for the bundled model
    folder: str  # below assets/weights; "" for models on the Hub
    description: Message
    year: int
    paper: str
    licence: str
    shape: Shape
    size: int  # bytes of model.safetensors, approximately
    source_text: Message  # what it was pretrained on


# fmt: off
_ROWS = (
    Checkpoint(
        "tales", "Tales GPT-2", repository="", folder="gpt2-tales",
        description=message("A small GPT-2 that this project pretrained on fairy tales: bundled, needs no network."),
        year=2026, paper="", licence="CC0-1.0", shape=Shape(4096, 256, 4, 4, 256), size=8_550_000,
        source_text=message("fourteen public-domain collections of fairy tales, 7 MB"),
    ),
    Checkpoint(
        "distilgpt2", "DistilGPT-2", repository="distilbert/distilgpt2", folder="",
        description=message("GPT-2 with half of its blocks, taught by the full one: twice as fast, a little plainer."),
        year=2019, paper="https://arxiv.org/abs/1910.01108", licence="Apache-2.0", shape=Shape(layers=6),
        size=352_824_413, source_text=message("OpenWebText: pages linked on Reddit, 40 GB"),
    ),
    Checkpoint(
        "gpt2", "GPT-2 (124M)", repository="openai-community/gpt2", folder="",
        description=message("The model of the article: twelve blocks, trained on eight million web pages."),
        year=2019, paper="https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
        licence="MIT", shape=Shape(), size=548_105_171,
        source_text=message("WebText: pages linked on Reddit, 40 GB"),
    ),
    Checkpoint(
        "gpt2-medium", "GPT-2 medium (355M)", repository="openai-community/gpt2-medium", folder="",
        description=message("Twenty-four wider blocks: better text, three times slower, 1.5 GB to download."),
        year=2019, paper="https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
        licence="MIT", shape=Shape(layers=24, heads=16, width=1024), size=1_519_984_962,
        source_text=message("WebText: pages linked on Reddit, 40 GB"),
    ),
)
# fmt: on
CHECKPOINTS: dict[str, Checkpoint] = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Source:
    """A model's files on this computer, and where they came from."""

    kind: Literal["bundled", "folder", "cache", "download"]
    folder: Path
    description: Message  # one sentence for the page
    revision: str = ""  # the Hub's commit


def checkpoint(name: str) -> Checkpoint:
    """The registry's row called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in CHECKPOINTS:
        raise UserError(
            message("There is no language model called {name}.", name=name),
            message("Choose one of: {allowed}; or give the path of a folder.", allowed=list(CHECKPOINTS)),
        )
    return CHECKPOINTS[name]


def find(model: str) -> Source | None:
    """The model if its files are on this computer already; no network is used.

    Args:
        model: a name of the registry, or the path of a folder in the Hub's format.

    Raises:
        UserError: the name is unknown, or the folder does not hold a whole model.
    """
    if model not in CHECKPOINTS and ("/" in model or os.sep in model or Path(model).is_dir()):
        folder = Path(model).expanduser()
        check(folder)
        return Source("folder", folder, message("The model in the folder {folder}.", folder=str(folder)))
    row = checkpoint(model)
    if row.folder:
        folder = ASSETS / "weights" / row.folder
        check(folder)
        return Source("bundled", folder, message("{model} is bundled with the app.", model=row.title))
    from tl_core.text import hub

    folder = hub.cached(row.repository, FILES)
    if folder is None:
        return None
    where = message("{model} from the Hub's cache on this computer.", model=row.title)
    return Source("cache", folder, where, folder.name)


def obtain(
    model: str,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Source:
    """The model, downloaded if need be; `emit` gets a notice that names the source, and the download's progress.

    Raises:
        UserError: it cannot be had; the remedy says how to get it.
        Stopped: `should_stop` answered True.
    """
    source = find(model)
    if source is None:
        from tl_core.text import hub

        row = checkpoint(model)
        folder = hub.fetch(row.repository, FILES, emit, should_stop or (lambda: False))
        where = message("{model} downloaded from {url}.", model=row.title, url=hub.address(row.repository))
        source = Source("download", folder, where, folder.name)
    if emit:
        emit(Notice(source.description))
    return source


def check(folder: Path) -> None:
    """Look for the four files, and whether the weights file is as long as its own header says.

    Raises:
        UserError: names what is missing or damaged.
    """
    if not folder.is_dir():
        raise UserError(
            message("There is no folder {folder}.", folder=str(folder)),
            message("Check the path; it must lie on the computer that runs the app."),
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            message("{folder} is no GPT-2 folder: {files} is missing.", folder=str(folder), files=missing),
            message("A folder in the Hub's format holds {files}.", files=list(FILES)),
        )
    if not whole(folder / WEIGHTS):
        raise _damaged(folder / WEIGHTS)
    read_shape(folder)


def whole(path: Path) -> bool:
    """Whether a safetensors file begins with a readable header and has exactly the length that it announces."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        return size == 8 + length + max(ends)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def read_shape(folder: Path) -> Shape:
    """The network that config.json describes.

    Raises:
        UserError: it is unreadable, or not a GPT-2 that this app can run.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        family = config.get("model_type", "gpt2")
        if family != "gpt2":
            raise UserError(
                message("{folder} holds a model of the kind {kind}.", folder=str(folder), kind=str(family)),
                message("This app runs models of the kind gpt2."),
            )
        width = int(config["n_embd"])
        unusual = (
            config.get("activation_function", "gelu_new") not in ("gelu_new", "gelu_pytorch_tanh")
            or (config.get("n_inner") or 4 * width) != 4 * width
            or config.get("scale_attn_by_inverse_layer_idx", False)
            or not config.get("scale_attn_weights", True)
            or abs(config.get("layer_norm_epsilon", 1e-5) - 1e-5) > 1e-9
        )
        if unusual:
            raise UserError(
                message("The model in {folder} departs from GPT-2's network.", folder=str(folder)),
                message("This app runs GPT-2's own network in any size."),
            )
        numbers = [int(config[key]) for key in ("vocab_size", "n_positions", "n_layer", "n_head")]
        if min(*numbers, width) < 1 or width % numbers[3]:
            raise ValueError("sizes")
        return Shape(*numbers, width)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder / "config.json") from error


def read_weights(folder: Path, shape: Shape) -> dict[str, np.ndarray]:
    """Every weight as float32 under its short name ("wte.weight", "h.0.attn.c_attn.weight").

    A `transformer.` in front of the names is taken off; masks, and an output layer of its own, are left out: GPT-2's
    output layer is the token embedding.

    Raises:
        UserError: the file is damaged, or a weight is missing, of the wrong shape or not a number.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    arrays = {}
    try:
        with safe_open(path, framework="numpy") as file:
            stored = {name.removeprefix("transformer."): name for name in file.keys()}  # noqa: SIM118
            for name, size in weight_shapes(shape).items():
                array = file.get_tensor(stored[name])
                if array.shape != size:
                    raise KeyError(name)
                arrays[name] = np.asarray(array, np.float32)
    except KeyError as error:
        raise UserError(
            message("{file} does not fit its config.json: {weight}.", file=str(path), weight=str(error.args[0])),
            message("Get the folder's files again from one place."),
        ) from error
    except (SafetensorError, OSError, TypeError) as error:
        raise _damaged(path) from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise _damaged(path)
    return arrays


def weight_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every weight's name and shape in the order of the network, as the Hub names them (kernels are [in, out])."""
    width = shape.width
    named = {"wte.weight": (shape.vocabulary, width), "wpe.weight": (shape.context, width)}
    for layer in range(shape.layers):
        named |= {f"h.{layer}.{name}": size for name, size in block_shapes(width).items()}
    return named | {"ln_f.weight": (width,), "ln_f.bias": (width,)}


def block_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """The weights of one block."""
    return {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width),
        "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width),
        "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, 4 * width),
        "mlp.c_fc.bias": (4 * width,),
        "mlp.c_proj.weight": (4 * width, width),
        "mlp.c_proj.bias": (width,),
    }


def _damaged(path: Path) -> UserError:
    return UserError(
        message("{file} is damaged or incomplete.", file=str(path)),
        message("Delete it and get it again."),
    )
