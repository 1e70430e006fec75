"""Bring text in: pasted, as .txt and .md files, or a ZIP of them; kept on disk under the hash of its content.

texts/<id>/corpus.json   name, owner, whether it is for all, documents, what could not be taken
texts/<id>/text.txt      all documents one after another, UTF-8, ordinary line ends
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tl_core.base import paths, records
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import Message, message
from tl_core.base.records import Count
from tl_core.text import tokenizer as bpe
from tl_core.text.data import files as brought
from tl_core.text.data.files import Rejected, decoded, unpacked
from tl_core.text.data.typography import straightened, typographic

PASSAGE = 40  # characters; shorter ones may repeat by right ("Exeunt."),
OFTEN = 0.05  # unless they fill so much of the text
COSTLY = 0.02  # part of the tokens that may spell unknown characters before the report warns
FEW_TOKENS = 2000  # below which the report warns


@dataclass(frozen=True)
class Document:
    """One file (or what was pasted): the characters [start, end) of the corpus' text."""

    name: str
    start: Count
    end: Count


@dataclass(frozen=True)
class Corpus:
    """A text on disk."""

    id: str
    name: str
    owner: str
    documents: tuple[Document, ...]
    rejected: tuple[Rejected, ...]
    characters: Count
    shared: bool = False  # for all: the app made it itself

    @property
    def private(self) -> bool:
        """Whether it is for its owner alone."""
        return bool(self.owner) and not self.shared

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return _home() / self.id

    @property
    def text(self) -> str:
        """All documents one after another.

        Raises:
            UserError: the file is gone or damaged.
        """
        try:
            return (self.folder / "text.txt").read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UserError(
                message("The text {name} is damaged: {reason}.", name=self.name, reason=str(error)),
                message("Delete it and bring it in again."),
            ) from error


def ingest(files: Sequence[tuple[str, bytes]], *, name: str, owner: str = "", shared: bool = False) -> Corpus:
    """Take what is text of `files`, (name, content); a ZIP counts as the files in it.

    Files with the same content are taken once. What cannot be taken is listed with the reason.

    Raises:
        UserError: nothing could be taken, it is too much, or the disk does not take it.
    """
    taken: dict[str, str] = {}  # text -> name of the first file with it
    rejected: list[Rejected] = []
    size = 0
    for file, data in unpacked(files, rejected):
        text, reason = decoded(data)
        if text is not None and text in taken:
            reason = message("It is the same text as {file}.", file=taken[text])
        if text is None or reason is not None:
            rejected.append((file, reason or message("It is empty.")))
            continue
        size += len(data)
        if size > brought.MAX_BYTES:
            raise UserError(
                message("The text is larger than {limit} MB.", limit=brought.MAX_BYTES // 1024**2),
                message("Bring in less text at once; a few hundred kilobytes teach a style."),
            )
        taken[text] = file
    if not taken:
        raise UserError(
            message("There is no text in {name}.", name=name),
            message(
                "{first} Paste text, or bring .txt or .md files, or a ZIP of them.",
                first=rejected[0][1] if rejected else message("Nothing was given."),
            ),
        )
    with disk_full_explained():
        return _stored(taken, rejected, name, owner, shared)


def paste(text: str, *, name: str, owner: str = "", shared: bool = False) -> Corpus:
    """Take a pasted text.

    Raises:
        UserError: it is empty or too long.
    """
    return ingest([(name, text.encode("utf-8", "replace"))], name=name, owner=owner, shared=shared)


def load(corpus_id: str) -> Corpus:
    """The corpus with this id.

    Raises:
        UserError: there is none.
    """
    path = _home() / corpus_id / "corpus.json"
    try:
        if not re.fullmatch(r"[0-9a-f]{16}", corpus_id):
            raise FileNotFoundError(corpus_id)
        return records.build(Corpus, {**records.load(path), "id": corpus_id})
    except (OSError, ValueError) as error:
        raise UserError(
            message("There is no text with the id {id}.", id=corpus_id),
            message("It may have been deleted; bring it in again."),
        ) from error


def corpora() -> list[Corpus]:
    """All texts, newest first; damaged ones are left out."""
    found = []
    for path in sorted(_home().glob("[0-9a-f]*/corpus.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        with contextlib.suppress(UserError):
            found.append(load(path.parent.name))
    return found


def delete(corpus_id: str) -> None:
    """Delete a text; nothing happens if it is gone."""
    shutil.rmtree(load(corpus_id).folder, ignore_errors=True)


def split(corpus: Corpus, validation: float, straighten: bool = False) -> tuple[str, str]:
    """Training and validation text: of every document the last part, cut at the end of a paragraph or a line.

    Contiguous parts, since single lines drawn here and there would be known from their neighbours.

    Args:
        validation: fraction of the characters, 0 to 0.8.
        straighten: with plain quotes and dashes; where it is cut does not depend on it.
    """
    text = corpus.text
    parts: tuple[list[str], list[str]] = ([], [])
    for document in corpus.documents:
        own = text[document.start : document.end]
        cut = _border(own, round(len(own) * (1 - validation))) if validation else len(own)
        parts[0].append(own[:cut])
        parts[1].append(own[cut:])
    training, held_out = ("\n\n".join(p for p in part if p.strip()) for part in parts)
    return (straightened(training), straightened(held_out)) if straighten else (training, held_out)


@dataclass(frozen=True)
class Unknown:
    """A character for which the tokenizer has no token: it is spelled in single bytes, which teaches little."""

    character: str
    count: int
    tokens: int  # that spell all of them


@dataclass(frozen=True)
class Duplicate:
    """A paragraph that occurs several times, or a line of one that repeats its lines."""

    text: str  # its beginning
    count: int
    across: bool  # both in the training and in the validation part


@dataclass(frozen=True)
class TextReport:
    """What a page shows of a text for one model's tokenizer."""

    documents: int
    characters: int
    training_tokens: int
    validation_tokens: int
    characters_per_token: float
    typographic: int  # characters that straightening changes; 0 once it is done
    unknown: tuple[Unknown, ...]  # most frequent first
    duplicates: tuple[Duplicate, ...]  # most frequent first
    rejected: tuple[Rejected, ...]
    warnings: tuple[Message, ...]

    @property
    def tokens(self) -> int:
        """Of both parts."""
        return self.training_tokens + self.validation_tokens

    @property
    def repeated(self) -> int:
        """Passages that have stood in the text before."""
        return sum(item.count - 1 for item in self.duplicates)


def report(
    corpus: Corpus, tokenizer: Tokenizer, validation: float = 0.1, *, context: int = 0, straighten: bool = False
) -> TextReport:
    """Count tokens, unknown characters and duplicates of a text as the model will see it.

    Args:
        context: tokens of a window; a text that does not fill one is not trained on.
        straighten: as in `split`.
    """
    training, held_out = split(corpus, validation, straighten)
    counts = [len(bpe.encode(tokenizer, part)) for part in (training, held_out)]
    unknown = unknown_characters(tokenizer, training + held_out)
    duplicates = _duplicates(training, held_out)
    total = len(training) + len(held_out)
    warnings = []
    if counts[0] <= context:
        warnings.append(
            message(
                "The text is too short to train on: {count} tokens, and one window takes {needed}.",
                count=counts[0],
                needed=context + 1,
            )
        )
    elif sum(counts) < FEW_TOKENS:
        warnings.append(
            message("The text has only {count} tokens: the model will learn it by heart quickly.", count=sum(counts))
        )
    if sum(item.tokens for item in unknown) > COSTLY * sum(counts):
        warnings.append(
            message(
                "{share} % of the tokens only spell characters that this model's tokenizer does not know, such as "
                "{examples}: single bytes, which teach little.",
                share=round(100 * sum(item.tokens for item in unknown) / sum(counts)),
                examples=[item.character for item in unknown[:5]],
            )
        )
    if any(item.across for item in duplicates):
        warnings.append(message("Some passages are in both parts: the validation perplexity will flatter."))
    if not held_out:
        warnings.append(message("The text is too short for a validation part."))
    return TextReport(
        documents=len(corpus.documents),
        characters=total,
        training_tokens=counts[0],
        validation_tokens=counts[1],
        characters_per_token=total / max(1, sum(counts)),
        typographic=typographic(training) + typographic(held_out),
        unknown=unknown,
        duplicates=duplicates,
        rejected=corpus.rejected,
        warnings=tuple(warnings),
    )


def unknown_characters(tokenizer: Tokenizer, text: str) -> tuple[Unknown, ...]:
    """The characters of a text that the tokenizer spells in single bytes, the most frequent first."""
    found = []
    for letter, count in Counter(text).most_common():
        size = len(bpe.encode(tokenizer, letter))
        if size == len(letter.encode("utf-8", "replace")) > 1 or letter == "\ufffd":
            found.append(Unknown(letter, count, count * size))
    return tuple(found)


def _duplicates(training: str, held_out: str) -> tuple[Duplicate, ...]:
    parts = [Counter(_passages(text)) for text in (training, held_out)]
    total = len(training) + len(held_out)
    return tuple(
        Duplicate(text[:80], count, parts[0][text] > 0 < parts[1][text])
        for text, count in (parts[0] + parts[1]).most_common()
        if count > 1 and (len(text) >= PASSAGE or count * len(text) > OFTEN * total)
    )


def _passages(text: str) -> Iterator[str]:
    """The paragraphs; of one that says a line more than once, its lines."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
        if len(set(lines)) < len(lines):
            yield from lines
        elif lines:
            yield paragraph.strip()


def _border(text: str, wanted: int) -> int:
    """The end of a paragraph near character `wanted`, else of a line, else `wanted` itself."""
    slack = max(200, len(text) // 50)
    for mark in ("\n\n", "\n", " "):
        for place in (text.find(mark, wanted), text.rfind(mark, 0, wanted)):
            if place >= 0 and abs(place - wanted) <= slack:
                return place + len(mark)
    return wanted


def _stored(taken: dict[str, str], rejected: list[Rejected], name: str, owner: str, shared: bool) -> Corpus:
    """Write the folder aside and move it into place at once."""
    texts = [text.strip("\n") for text in taken]
    documents, start = [], 0
    for text, file in zip(texts, taken.values(), strict=True):
        documents.append(Document(file, start, start + len(text)))
        start += len(text) + 2
    whole = "\n\n".join(texts)
    identity = hashlib.sha256(json.dumps([owner, [d.__dict__ for d in documents]]).encode() + whole.encode())
    corpus = Corpus(identity.hexdigest()[:16], name, owner, tuple(documents), tuple(rejected), len(whole), shared)
    building = _home() / f".ingest-{os.getpid()}-{time.time_ns()}"
    building.mkdir(parents=True)
    try:
        (building / "text.txt").write_text(whole, encoding="utf-8", newline="\n")
        facts = {
            "name": name,
            "owner": owner,
            "shared": shared,
            "characters": len(whole),
            "documents": [document.__dict__ for document in documents],
            "rejected": [(file, reason.to_json()) for file, reason in rejected],
        }
        (building / "corpus.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
        shutil.rmtree(corpus.folder, ignore_errors=True)
        building.replace(corpus.folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return corpus


def _home() -> Path:
    path = paths.home() / "texts"
    path.mkdir(parents=True, exist_ok=True)
    return path
