"""The language models registry, and where their files come from: bundled, a local folder, the Hub's cache, the Hub.

All four are in one format: config.json, vocab.json, merges.txt, model.safetensors. The source is always named, never
replaced by random weights in silence. Nothing here imports TensorFlow.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tl_core.base.errors import UserError
from tl_core.base.events import Event, Notice
from tl_core.base.messages import Message, message
from tl_core.base.paths import ASSETS
from tl_core.text.pretrained.hub_format import FILES, check, read_shape
from tl_core.text.pretrained.shape import Shape


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
    from tl_core.text.pretrained import hub

    cached = hub.cached(row.repository, FILES)
    if cached is None:
        return None
    where = message("{model} from the Hub's cache on this computer.", model=row.title)
    return Source("cache", cached, where, cached.name)


def shape_of(model: str) -> Shape:
    """The network of a model: of the registry, else as its folder says.

    Raises:
        UserError: the name is unknown, or the folder does not hold a whole model.
    """
    if model in CHECKPOINTS:
        return CHECKPOINTS[model].shape
    found = find(model)
    return read_shape(found.folder) if found else checkpoint(model).shape


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
        from tl_core.text.pretrained import hub

        row = checkpoint(model)
        folder = hub.fetch(row.repository, FILES, emit, should_stop or (lambda: False), row.name)
        where = message("{model} downloaded from {url}.", model=row.title, url=hub.address(row.repository))
        source = Source("download", folder, where, folder.name)
    if emit:
        emit(Notice(source.description))
    return source
