"""What labelled texts are like: classes, lengths, copies, what a model will not see of them, and what was not taken."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.split import Split
from tl_core.text.data.files import Rejected
from tl_core.text.data.labelled import Example, LabelledTexts

FEW = 10  # training texts of a class, below which the report warns
UNEVEN = 5.0  # largest class to smallest, from which on it warns


@dataclass(frozen=True)
class ClassReport:
    """One class."""

    name: str
    training: int
    validation: int
    test: int
    example: str  # one of its texts, of middle length

    @property
    def total(self) -> int:
        """Of all parts."""
        return self.training + self.validation + self.test


@dataclass(frozen=True)
class Copies:
    """Texts that are the same but for spaces and capitals."""

    text: str  # its beginning
    count: int
    across_parts: bool  # cannot be after a split of ours: the files' own parts have it so
    across_classes: bool


@dataclass(frozen=True)
class Lengths:
    """In tokens of one model."""

    median: int
    longest: int
    cut: int  # texts of which the model does not see the end


@dataclass(frozen=True)
class LabelledReport:
    """What a page shows of labelled texts."""

    classes: tuple[ClassReport, ...]
    characters: int  # of the middle text
    lengths: Lengths | None  # None: without a tokenizer
    copies: tuple[Copies, ...]  # most frequent first
    rejected: tuple[Rejected, ...]
    warnings: tuple[Message, ...]


def report(
    dataset: LabelledTexts, split: Split, count: Callable[[Sequence[str]], Sequence[int]] | None = None, limit: int = 0
) -> LabelledReport:
    """Describe a dataset as one model will see it.

    Args:
        split: of its examples.
        count: tokens of each of some texts, the marks at both ends included.
        limit: tokens that the model sees of a text.
    """
    examples = dataset.examples
    parts = {int(i): part for part in ("train", "validation", "test") for i in getattr(split, part)}
    classes = []
    for label, name in enumerate(dataset.classes):
        own = [index for index, example in enumerate(examples) if example.label == label]
        training, validation, test = (
            sum(parts.get(index) == part for index in own) for part in ("train", "validation", "test")
        )
        middle = sorted((examples[index].text for index in own), key=len)[len(own) // 2] if own else ""
        classes.append(ClassReport(name, training, validation, test, middle))
    lengths = _lengths(count([example.text for example in examples]), limit) if count else None
    copies = _copies(examples, parts)
    return LabelledReport(
        classes=tuple(classes),
        characters=int(np.median([len(example.text) for example in examples])),
        lengths=lengths,
        copies=copies,
        rejected=dataset.rejected,
        warnings=tuple(_warnings(classes, copies, lengths, len(examples), limit)),
    )


def _lengths(tokens: Sequence[int], limit: int) -> Lengths:
    counts = np.asarray(tokens)
    return Lengths(int(np.median(counts)), int(counts.max()), int((counts > limit).sum()) if limit else 0)


def _copies(examples: Sequence[Example], parts: dict[int, str]) -> tuple[Copies, ...]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        groups[example.id].append(index)
    found = [
        Copies(
            examples[group[0]].text[:80],
            len(group),
            len({parts[index] for index in group if index in parts}) > 1,
            len({examples[index].label for index in group}) > 1,
        )
        for group in groups.values()
        if len(group) > 1
    ]
    return tuple(sorted(found, key=lambda copies: -copies.count))


def _warnings(
    classes: Sequence[ClassReport], copies: Sequence[Copies], lengths: Lengths | None, total: int, limit: int
) -> list[Message]:
    found = []
    few = [each.name for each in classes if each.training < FEW]
    if few:
        found.append(message("Few texts to learn from: {classes}.", classes=few[:5]))
    largest, smallest = max(each.total for each in classes), max(1, min(each.total for each in classes))
    if largest / smallest >= UNEVEN:
        found.append(
            message("The largest class has {n} times as many texts as the smallest.", n=round(largest / smallest, 1))
        )
    if any(each.across_classes for each in copies):
        found.append(message("Some texts stand in two classes: nobody can tell which one is right."))
    if any(each.across_parts for each in copies):
        found.append(message("Some texts are in two parts: figures on held-out texts will flatter."))
    if lengths and lengths.cut:
        share = round(100 * lengths.cut / total)
        found.append(message("{share} % of the texts are longer than {n} tokens; their end is not seen.",
                             share=max(1, share), n=limit))  # fmt: skip
    return found
