"""Cut plain-text collections of tales, as Project Gutenberg prints them, into clean tales: the source task's data.

Line breaks inside paragraphs are undone, typographic quotes become plain ones, and what is no tale (contents, notes,
footnotes, licences, prefaces) is left out. Which tales are held out depends on their text alone.
"""

import hashlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

HELD_OUT = 25  # one tale in so many is never trained on
WRAPPED = 50  # characters; a shorter line was ended by its author (verse, headings), not by the margin
PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})

_LICENCE = re.compile(r"The Project Gutenberg Etext of.*?\*END\*", re.DOTALL)
_NO_TALE = re.compile(
    r"^\s*(produced by|this etext|end of |preface|contents|introduction|notes|by .{0,40}$|edited by"
    r"|collected by|dedicat|\(\d+\)|\[|\([^)]*\)\.?\s*$)|_Source_|_Parallels_|Gutenberg",
    re.IGNORECASE,
)
_PART = re.compile(r"^(chapter|part|story)?\s*[IVXLC\d]+\.?$|\b(first|second|third|fourth|fifth) story", re.IGNORECASE)
_SMALL = {"a", "an", "and", "at", "but", "by", "de", "for", "from", "in", "of", "on", "or", "that", "the", "to", "who",
          "with", "into", "his", "her", "went", "was", "what", "how"}  # fmt: skip
_HEADING_LENGTH = 90  # characters
_SHORTEST = 600  # characters of a tale; less is a fragment or a note


@dataclass(frozen=True)
class Tale:
    """One tale: paragraphs parted by empty lines, without its title."""

    title: str
    text: str

    @property
    def held_out(self) -> bool:
        """Whether it is kept for the held-out figures: by a hash of its text."""
        return int(hashlib.sha256(self.text.encode()).hexdigest(), 16) % HELD_OUT == 0


def read(path: Path) -> list[Tale]:
    """All tales of a UTF-8 text file in their order, each text once; where no heading is found the file is one tale."""
    return tales(path.read_text(encoding="utf-8"))


def tales(text: str) -> list[Tale]:
    """The tales of a collection. A heading stands alone between two or more empty lines, in capitals or title case."""
    text = _LICENCE.sub("", text.replace("\r\n", "\n")).translate(PLAIN)
    found: list[tuple[str, list[str]]] = [("", [])]
    skipping = False
    for piece in re.split(r"\n\s*\n\s*\n+", text):
        paragraphs = [p for p in re.split(r"\n\s*\n", piece.strip("\n")) if p.strip()]
        while paragraphs and _is_heading(paragraphs[0]):
            heading = paragraphs.pop(0).strip()
            skipping = bool(_NO_TALE.search(heading))
            if not _PART.search(heading):
                found.append((heading, []))
        if not skipping:
            found[-1][1].extend(_unwrapped(p) for p in paragraphs if not _NO_TALE.search(p))
    unique = {"\n\n".join(paragraphs): title for title, paragraphs in found}
    return [Tale(title, text) for text, title in unique.items() if len(text) >= _SHORTEST]


def split(all_tales: list[Tale]) -> tuple[list[str], list[str]]:
    """Training texts and held-out texts. A paragraph that a held-out tale has too is taken out of the training texts.

    Collections print the same tale more than once; without this the held-out figures would flatter.
    """
    held_out = [tale.text for tale in all_tales if tale.held_out]
    known = {p for text in held_out for p in text.split("\n\n") if len(p) >= 40}
    training = []
    for tale in all_tales:
        kept = [p for p in tale.text.split("\n\n") if p not in known]
        if not tale.held_out and kept:
            training.append("\n\n".join(kept))
    return training, held_out


def _is_heading(paragraph: str) -> bool:
    words = re.findall(r"[^\W\d_][\w'-]*", paragraph)
    if not words or len(paragraph) > _HEADING_LENGTH or paragraph.strip().startswith(("(", "_", '"', "*")):
        return False
    if paragraph.upper() == paragraph:
        return True
    return not paragraph.rstrip().endswith((".", ",", ";", ":", "!", "?", '"', "'")) and all(
        word[0].isupper() or word in _SMALL for word in words
    )


def _unwrapped(paragraph: str) -> str:
    """Join lines that the margin broke; a line shorter than `WRAPPED` keeps its end."""
    lines = [line.strip() for line in paragraph.split("\n") if line.strip()]
    joined = lines[0]
    for previous, line in itertools.pairwise(lines):
        joined += (" " if len(previous) >= WRAPPED else "\n") + line
    return re.sub(r"\(\d+\)", "", re.sub(r"[ \t]+", " ", joined))  # (7) points at a footnote
