"""What came in: counts, sizes, copies, refused files, and what a teacher would warn of; read from the manifest."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset, ImageRecord

UNEVEN = 3.0  # largest class / smallest class from which on the report warns
FEW = 10  # pictures below which a class is called small


@dataclass(frozen=True)
class ClassCount:
    """Pictures of one class: all, those whose folder named their part, and the others, which the split deals out."""

    name: str
    images: int
    train: int
    validation: int
    test: int
    unassigned: int


@dataclass(frozen=True)
class Sizes:
    """Smallest, median and largest width and height in pixels, as stored (the short side is at most 320)."""

    width: tuple[int, int, int]
    height: tuple[int, int, int]


@dataclass(frozen=True)
class Copies:
    """Pictures with the same bytes: their keys, and whether they lie in several parts or several classes."""

    id: str  # SHA-256, hex
    keys: tuple[str, ...]
    across_parts: bool
    across_classes: bool


@dataclass(frozen=True)
class Refused:
    """A reason for which files were not taken, as it reads for the first of them, and how many files it hit."""

    reason: Message
    count: int


@dataclass(frozen=True)
class DatasetReport:
    """Everything that a page shows of a dataset besides the pictures themselves."""

    images: int
    classes: tuple[ClassCount, ...]
    sizes: Sizes | None  # None: there is no picture
    copies: tuple[Copies, ...]  # largest groups first
    rejected: tuple[tuple[str, Message], ...]  # every file that was not taken, with the reason
    refused: tuple[Refused, ...]  # the same, counted by reason, most frequent first
    imbalance: float  # pictures of the largest class / those of the smallest; 1.0 for none or one class
    notices: tuple[Message, ...]  # what ingest had to say
    warnings: tuple[Message, ...]

    @property
    def spare_copies(self) -> int:
        """Pictures that are a copy of another one, the first of each group not counted."""
        return sum(len(group.keys) - 1 for group in self.copies)

    @property
    def parts(self) -> bool:
        """Whether the folders bring a split of their own."""
        return any(count.validation or count.test for count in self.classes)


def dataset_report(dataset: Dataset) -> DatasetReport:
    """Describe a dataset in its present state; what was refused is as it was when the pictures came in.

    Raises:
        UserError: the dataset was deleted or is damaged.
    """
    manifest = datasets.read_manifest(dataset.id)
    rejected = manifest.rejected
    classes = _classes(dataset)
    copies = _copies(dataset.images)
    filled = [count.images for count in classes if count.images]
    imbalance = max(filled) / min(filled) if filled else 1.0
    emptied = sorted(set(manifest.classes) - {count.name for count in classes if count.images})
    return DatasetReport(
        images=len(dataset.images),
        classes=classes,
        sizes=_sizes(dataset.images),
        copies=copies,
        rejected=rejected,
        refused=_refused([reason for _, reason in rejected]),
        imbalance=imbalance,
        notices=manifest.notices,
        warnings=tuple(_warnings(classes, copies, imbalance, emptied)),
    )


def _classes(dataset: Dataset) -> tuple[ClassCount, ...]:
    seen = Counter((image.label, image.part) for image in dataset.images)
    counts = []
    for label, name in enumerate(dataset.classes):
        train, validation, test, rest = (seen[label, part] for part in ("train", "validation", "test", None))
        counts.append(ClassCount(name, train + validation + test + rest, train, validation, test, rest))
    return tuple(counts)


def _sizes(images: Sequence[ImageRecord]) -> Sizes | None:
    if not images:
        return None
    sides = np.array([(image.width, image.height) for image in images])
    low, middle, high = sides.min(axis=0), np.median(sides, axis=0), sides.max(axis=0)
    width, height = ((int(low[i]), int(middle[i]), int(high[i])) for i in (0, 1))
    return Sizes(width, height)


def _copies(images: Sequence[ImageRecord]) -> tuple[Copies, ...]:
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in images:
        groups[image.id].append(image)
    copies = [
        Copies(
            id,
            tuple(image.key for image in group),
            len({image.part or "train" for image in group}) > 1,
            len({image.label for image in group}) > 1,
        )
        for id, group in groups.items()
        if len(group) > 1
    ]
    return tuple(sorted(copies, key=lambda group: (-len(group.keys), group.keys)))


def _refused(reasons: Sequence[Message]) -> tuple[Refused, ...]:
    counts = Counter(reason.text for reason in reasons)
    first = {reason.text: reason for reason in reversed(reasons)}
    return tuple(Refused(first[text], count) for text, count in counts.most_common())


def _warnings(
    classes: Sequence[ClassCount], copies: Sequence[Copies], imbalance: float, emptied: Sequence[str]
) -> list[Message]:
    warnings = []
    filled = sorted((count for count in classes if count.images), key=lambda count: count.images)
    if len(filled) < 2:
        warnings.append(
            message("All pictures are of one class; training needs at least two.")
            if filled
            else message("There are no pictures left.")
        )
    if emptied:
        warnings.append(message("No picture is left in: {names}. The class is left out.", names=emptied))
    if imbalance >= UNEVEN:
        warnings.append(
            message(
                "The classes are uneven: {largest} has {ratio} times as many pictures as {smallest}. "
                "Turn on class weights, or add pictures.",
                largest=filled[-1].name,
                smallest=filled[0].name,
                ratio=round(imbalance, 1),
            )
        )
    small = [count.name for count in filled if count.images < FEW]
    if small:
        warnings.append(message("Fewer than {n} pictures: {names}. Add more of them.", n=FEW, names=small))
    parts = sum(group.across_parts for group in copies)
    if parts:
        warnings.append(
            message(
                "{n} pictures lie in more than one part of the split; "
                "the copies are left out of training so that validation and test stay honest.",
                n=parts,
            )
        )
    labels = sum(group.across_classes for group in copies)
    if labels:
        warnings.append(message("{n} pictures lie in more than one class. Remove the copies that are wrong.", n=labels))
    return warnings
