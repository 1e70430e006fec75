"""Seeded, stratified split into training, validation and test; ready-made parts are kept."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import setting
from tl_core.images.data.dataset import Dataset, Part


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are split.

    A dataset's own ready-made parts are respected: images marked train, validation or test stay there; the fractions
    apply to the parts that are missing (taken from the training images).
    """

    dataset: str = setting(  # dataset id (content hash, edits included)
        key="dataset", label=message("Version of the pictures"), term=message("pictures"), group="data"
    )
    validation: float = setting(  # fraction of each class
        0.2,
        key="validation",
        label=message("For validation"),
        term=message("validation fraction"),
        group="split",
        shown="slider",
        low=0,
        high=0.8,
        offered=(0.05, 0.5),
        percent=True,
        help=message("The share of pictures that only measures progress. A ready-made split of the folder is kept."),
    )
    test: float = setting(  # fraction of each class
        0.2,
        key="test",
        label=message("For the last test"),
        term=message("test fraction"),
        group="split",
        shown="slider",
        low=0,
        high=0.8,
        offered=(0, 0.4),
        percent=True,
        help=message("The share that nobody looks at until the end."),
    )
    seed: int = setting(
        0,
        key="split_seed",
        label=message("Seed of the split"),
        term=message("seed of the split"),
        group="split",
        shown="number",
        low=0,
        high=2**31 - 1,
        offered=(0, 9999),
        told=str,
        shared=False,
        help=message("Another number draws other pictures for validation and test."),
    )


@dataclass(frozen=True)
class Split:
    """Indices into `Dataset.images`, each an increasing int64 array."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Assign every picture to one part.

    Pictures whose folder names a part stay there. The others are dealt out class by class, in an order drawn from
    (seed, class); a part that the folders already provide takes none of them. Copies (equal ids) go together, also
    those that lie in different classes. Each class keeps at least one training and, if validation is asked for, one
    validation picture.

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
    # A copy of a held-out picture is left out of training: it would be an exam question seen beforehand.
    held = {image.id for image in dataset.images if image.part in ("validation", "test")}
    parts = [image.part or "" for image in dataset.images]
    groups: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, image in enumerate(dataset.images):
        if image.part in (None, "train"):
            parts[index] = ""
            if image.id not in held:
                groups[image.label][image.id].append(index)
    placed: dict[str, Part] = {}
    for label, name in enumerate(dataset.classes):
        if name in filled:
            _deal(name, groups[label], wanted, np.random.default_rng((config.seed, label)), placed)
    for members in groups.values():
        for id, indices in members.items():
            for index in indices:
                parts[index] = placed[id]
    named = np.array(parts)
    return Split(*(np.flatnonzero(named == part) for part in ("train", "validation", "test")))


def _deal(
    name: str,
    groups: dict[str, list[int]],
    wanted: dict[Part, float],
    random: np.random.Generator,
    placed: dict[str, Part],
) -> None:
    """Place the pictures of one class, `groups` of copies; those that another class has placed stay where they are."""
    order = [list(groups)[index] for index in random.permutation(len(groups))]
    free = [id for id in order if id not in placed]
    total = sum(len(members) for members in groups.values())
    taken = {part: max(1, round(share * total)) for part, share in wanted.items() if share > 0}
    for id in groups.keys() & placed.keys():
        if placed[id] in taken:
            taken[placed[id]] -= len(groups[id])
    if len(free) < 1 + len(taken):
        raise UserError(
            message("The class {name} has too few different pictures ({n}) for this split.", name=name, n=len(free)),
            message("Add pictures to it, remove the class, or set the test share to zero."),
        )
    for part, count in taken.items():
        while count > 0 and len(free) > 1:
            id = free.pop(0)
            placed[id] = part
            count -= len(groups[id])
    placed.update(dict.fromkeys(free, "train"))
