"""Ready-made texts to fine-tune on: three that the project wrote itself, and public-domain books from their home.

A book is downloaded from Project Gutenberg with progress, kept, and used only when it is whole: its own first and last
lines say what it is and where it ends.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tl_core.base import download, paths
from tl_core.base.errors import UserError
from tl_core.base.events import Progress
from tl_core.base.messages import Message, message
from tl_core.base.paths import ASSETS
from tl_core.text.data import corpus, grammar

HOME = "https://www.gutenberg.org"


@dataclass(frozen=True)
class Sample:
    """A text that one click brings in."""

    name: str
    title: Message
    description: Message
    book: int = 0  # Project Gutenberg's number; 0: written by the project, needs no network
    size: int = 0  # bytes, approximately
    mark: str = ""  # stands in the book


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("weather", message("Weather reports"), message("Written by this app from a seed: needs no network.")),
        Sample("recipes", message("Recipes"), message("Written by this app from a seed: needs no network.")),
        Sample(
            "lesson", message("Lessons on transfer learning"),
            message("Written for this app, 3,000 words: needs no network."),
        ),
        Sample(
            "shakespeare", message("Shakespeare, complete works"), message("Project Gutenberg, public domain."),
            100, 5_640_000, "Shakespeare",
        ),
        Sample(
            "sherlock", message("The Adventures of Sherlock Holmes"), message("Project Gutenberg, public domain."),
            1661, 610_000, "Sherlock Holmes",
        ),
        Sample(
            "sunzi", message("Sunzi, The Art of War (Chinese)"), message("Project Gutenberg, public domain."),
            23864, 30_000, "孫子",
        ),
    )
}  # fmt: skip

_START = re.compile(r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG EBOOK[^\n]*\*\*\*")
_END = re.compile(r"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG EBOOK")


def bring_in(
    name: str,
    owner: str = "",
    emit: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    called: str = "",
) -> corpus.Corpus:
    """The sample as a corpus, written or downloaded if need be.

    Args:
        name: key of SAMPLES.
        owner: whose corpus it will be.
        emit: hears of the download's progress, in bytes.
        should_stop: asked while it downloads.
        called: the corpus' name, for instance the title in the reader's language.

    Raises:
        UserError: there is no such sample, or the book cannot be had; the remedy names the texts that need no network.
        Stopped: `should_stop` answered True.
    """
    if name not in SAMPLES:
        raise UserError(
            message("There is no sample text called {name}.", name=name),
            message("Choose one of: {allowed}.", allowed=list(SAMPLES)),
        )
    sample = SAMPLES[name]
    if sample.book:
        text = _book(sample, emit, should_stop)
    elif name in grammar.GRAMMARS:
        text = grammar.write(name)
    else:
        text = (ASSETS / "texts" / f"{name}.md").read_text(encoding="utf-8")
    return corpus.paste(text, name=called or str(sample.title), owner=owner, shared=True)


def address(sample: Sample) -> str:
    """Where a book lies; `TL_BOOKS_URL` replaces Project Gutenberg's address (a mirror in a school, a test)."""
    home = (os.environ.get("TL_BOOKS_URL") or HOME).rstrip("/")
    return f"{home}/cache/epub/{sample.book}/pg{sample.book}.txt"


def _book(sample: Sample, emit: Callable[[Progress], None] | None, should_stop: Callable[[], bool]) -> str:
    path = paths.home() / "books" / f"pg{sample.book}.txt"
    text = _inside(path, sample)
    if text is None:
        path.unlink(missing_ok=True)

        def progress(done: int, total: int, rate: float | None) -> None:
            if emit:
                emit(Progress(phase="download", done=done, total=total, rate=rate))

        reason = message("it is not the book, or not the whole of it.")
        try:
            download.download(address(sample), path, sample.size, None, progress, should_stop)
            text = _inside(path, sample)
        except download.Unavailable as error:
            reason = error.reason
        if text is None:
            path.unlink(missing_ok=True)
            raise UserError(
                message(
                    "{book} could not be downloaded from {url}: {reason}",
                    book=sample.title,
                    url=address(sample),
                    reason=reason,
                ),
                message("Try again with a network, upload the text as a file, or choose a sample that needs none."),
            )
    return text


def _inside(path: Path, sample: Sample) -> str | None:
    """The book without its licence, or None if the file is absent, cut short or another book."""
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return None
    start, end = _START.search(text), _END.search(text)
    if start is None or end is None or sample.mark not in text:
        return None
    return text[start.end() : end.start()].strip() + "\n"
