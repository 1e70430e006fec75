"""Seeded, stratified split into training, validation and test; ready-made parts are kept."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from tl_core.config import DataConfig
from tl_core.data.dataset import Dataset
from tl_core.errors import UserError
from tl_core.messages import message


@dataclass(frozen=True)
class Split:
    """Indices into `Dataset.images`, each an increasing int64 array."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Assign every picture to one part.

    Pictures whose folder names a part stay there. The others are dealt out class by class: duplicates (equal ids)
    together, in an order drawn from (seed, class). A part that the folders already provide takes none of them. Each
    class keeps at least one training and, if validation is asked for, one validation picture.

    Raises:
        UserError: fewer than two classes have pictures, or a class has too few for the parts asked for.
    """
    filled = [name for name, count in zip(dataset.classes, dataset.counts, strict=True) if count]
    if len(filled) < 2:
        raise UserError(
            message("Training needs at least two classes with pictures; there are {n}.", n=len(filled)),
            message("Add a folder of pictures for each further class."),
        )
    given = {image.part for image in dataset.images}
    wanted = {
        "validation": 0.0 if "validation" in given else config.validation,
        "test": 0.0 if "test" in given else config.test,
    }
    parts = np.array([image.part or "" for image in dataset.images], dtype=object)
    held = {image.id for image in dataset.images if image.part in ("validation", "test")}
    for label, name in enumerate(dataset.classes):
        groups: dict[str, list[int]] = defaultdict(list)
        for index, image in enumerate(dataset.images):
            if image.label == label and image.part in (None, "train"):
                groups[image.id].append(index)
        if not groups:
            continue
        # A copy of a held-out picture is left out: it would be an exam question seen beforehand.
        free = [members for id, members in groups.items() if id not in held]
        for id in groups.keys() & held:
            parts[groups[id]] = ""
        order = np.random.default_rng((config.seed, label)).permutation(len(free))
        total = sum(len(members) for members in free)
        taken = {part: _share(wanted[part], total) for part in ("validation", "test")}
        if len(free) < 1 + sum(count > 0 for count in taken.values()):
            raise UserError(
                message(
                    "The class {name} has too few different pictures ({n}) for this split.", name=name, n=len(free)
                ),
                message("Add pictures to it, remove the class, or set the test share to zero."),
            )
        position = 0
        for part in ("validation", "test"):
            count = 0
            while count < taken[part] and position < len(free) - 1:
                parts[free[order[position]]] = part
                count += len(free[order[position]])
                position += 1
        for rest in order[position:]:
            parts[free[rest]] = "train"
    return Split(*(np.flatnonzero(parts == part) for part in ("train", "validation", "test")))


def _share(fraction: float, total: int) -> int:
    return max(1, round(fraction * total)) if fraction > 0 else 0
