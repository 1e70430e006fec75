"""Seeded, stratified division of labelled examples into training, validation and test, and its settings; ready-made
parts are kept.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np

from tl_core.base.messages import Message, message
from tl_core.base.settings import setting

Part = Literal["train", "validation", "test"]
_FEW = 1  # sets the draw of a few examples apart from that of the parts


class Example(Protocol):
    """What decides where an example goes."""

    @property
    def id(self) -> str: ...  # equal ones are copies of each other
    @property
    def label(self) -> int: ...
    @property
    def part(self) -> Part | None: ...  # None: it is to be dealt out


@dataclass(frozen=True)
class Split:
    """Indices of examples, each an increasing int64 array."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def validation_share(help: Message) -> Any:
    """A config's fraction of each class for validation."""
    return setting(
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
        help=help,
    )


def test_share(default: float) -> Any:
    """A config's fraction of each class for the last test."""
    return setting(
        default,
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


def split_seed(help: Message) -> Any:
    """A config's number from which the split is drawn."""
    return setting(
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
        help=help,
    )


def per_class(help: Message) -> Any:
    """A config's number of training examples of each class; 0 is all."""
    return setting(
        0,
        key="per_class",
        label=message("Training examples a class"),
        term=message("training examples a class"),
        group="split",
        shown="stops",
        low=0,
        high=1_000_000,
        offered=(0, 2, 5, 10, 20, 50, 100, 200, 500),
        off=message("all"),
        help=help,
    )


class TooFew(Exception):
    """A class has too few different examples for the parts asked for."""

    def __init__(self, label: int, count: int):
        super().__init__(label, count)
        self.label, self.count = label, count


def divide(examples: Sequence[Example], classes: int, validation: float, test: float, seed: int) -> Split:
    """Assign every example to one part.

    What comes with a part stays there. The others are dealt out class by class, in an order drawn from (seed, class);
    a part that is given takes none of them. Copies (equal ids) go together, also those of different classes. Each class
    keeps at least one training and, if validation is asked for, one validation example.

    Args:
        examples: labels are smaller than `classes`.
        classes: those without examples are passed over.
        validation, test: fractions of each class.
        seed: not negative.

    Raises:
        TooFew: a class has too few.
    """
    given = {example.part for example in examples}
    wanted: dict[Part, float] = {
        "validation": 0.0 if "validation" in given else validation,
        "test": 0.0 if "test" in given else test,
    }
    # A copy of a held-out example is left out of training: it would be an exam question seen beforehand.
    held = {example.id for example in examples if example.part in ("validation", "test")}
    parts: list[str] = [example.part or "" for example in examples]
    groups: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, example in enumerate(examples):
        if example.part in (None, "train"):
            parts[index] = ""
            if example.id not in held:
                groups[example.label][example.id].append(index)
    filled = {example.label for example in examples}
    placed: dict[str, Part] = {}
    for label in range(classes):
        if label in filled:
            _deal(label, groups[label], wanted, np.random.default_rng((seed, label)), placed)
    for members in groups.values():
        for id, indices in members.items():
            for index in indices:
                parts[index] = placed[id]
    named = np.array(parts)
    return Split(*(np.flatnonzero(named == part) for part in ("train", "validation", "test")))


def few(split: Split, labels: np.ndarray, per_class: int, seed: int) -> Split:
    """Keep so many training examples of each class; validation and test stay whole.

    Which ones is drawn from (seed, class) and nested: ten of a class are among the twenty that the same seed keeps.

    Args:
        split: of the examples.
        labels: [examples], the class of each.
        per_class: 0 keeps all; a class that has fewer keeps what it has.
        seed: not negative.
    """
    if not per_class:
        return split
    labels, kept = np.asarray(labels)[split.train], []
    for label in np.unique(labels):
        own = split.train[labels == label]
        kept.append(np.random.default_rng((seed, int(label), _FEW)).permutation(own)[:per_class])
    return replace(split, train=np.sort(np.concatenate([*kept, split.train[:0]])))


def _deal(
    label: int,
    groups: Mapping[str, list[int]],
    wanted: Mapping[Part, float],
    random: np.random.Generator,
    placed: dict[str, Part],
) -> None:
    """Place the examples of one class, `groups` of copies; those that another class has placed stay where they are."""
    order = [list(groups)[index] for index in random.permutation(len(groups))]
    free = [id for id in order if id not in placed]
    total = sum(len(members) for members in groups.values())
    taken = {part: max(1, round(share * total)) for part, share in wanted.items() if share > 0}
    for id in groups.keys() & placed.keys():
        if placed[id] in taken:
            taken[placed[id]] -= len(groups[id])
    if len(free) < 1 + len(taken):
        raise TooFew(label, len(free))
    for part, count in taken.items():
        while count > 0 and len(free) > 1:
            id = free.pop(0)
            placed[id] = part
            count -= len(groups[id])
    placed.update(dict.fromkeys(free, "train"))
