"""Classes and parts from names: sub-folder = class, a level of train, validation and test folders above it = split."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.images.data.dataset import Part

MAX_CLASSES = 1000
LOOSE = 10  # a folder with less than one in so many pictures beside its sub-folders is only a wrapping
PARTS: dict[str, Part] = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test", "训练": "train", "训练集": "train", "验证": "validation", "验证集": "validation",
    "测试": "test", "测试集": "test",
}  # fmt: skip
CAMERAS = {"img", "image", "dsc", "dscn", "dscf", "pict", "pic", "picture", "photo", "p", "pxl", "screenshot", "scan"}

Names = tuple[str, ...]  # the components of a path


@dataclass(frozen=True)
class Place:
    """Where a picture belongs: its key below the wrapping folders, its class, and the part its folder named."""

    key: str
    label: str  # "" outside the class folders
    part: Part | None


@dataclass(frozen=True)
class Layout:
    """What the names say: places in the order of the keys, class names in natural order, and what to tell people."""

    places: tuple[Place, ...]
    classes: tuple[str, ...]
    notices: tuple[Message, ...]


def arrange(keys: Sequence[str], folders: Sequence[str]) -> Layout:
    """Find wrapping folders, parts and classes.

    Args:
        keys: names of good pictures, "flowers/train/roses/a.jpg".
        folders: names of all folders, also of those without a good picture.

    Raises:
        UserError: there are more classes than anything here can show.
    """
    names = [tuple(key.split("/")) for key in keys]
    wrapping = _wrapping(names)
    names = [parts[len(wrapping) :] if parts[: len(wrapping)] == wrapping else parts for parts in names]
    inner = [parts[len(wrapping) :] for parts in (tuple(folder.split("/")) for folder in folders)
             if len(parts) > len(wrapping) and parts[: len(wrapping)] == wrapping]  # fmt: skip
    notices = []
    classify = _by_folder
    flat = all(len(parts) == 1 or (len(parts) == 2 and _part(parts)) for parts in names)
    alone = not any(map(_part, names)) and len({parts[0] for parts in names if len(parts) > 1}) == 1
    if (flat or alone) and _prefixed(names):
        classify = _by_prefix
        notices.append(
            message("There are no class folders; the classes were read from the file names (cat.1.jpg is a cat).")
        )
    elif flat:
        classify = _all_one
        notices.append(
            message("The pictures are in no sub-folder, so they form one class. Make one sub-folder for each class.")
        )
    parted = flat or any(len(parts) > 2 and _part(parts) for parts in names)
    places = tuple(_place(parts, classify, parted) for parts in names)
    classes = tuple(sorted({place.label for place in places} - {""}, key=natural))
    if len(classes) > MAX_CLASSES:
        raise UserError(
            message("There are {n} class folders; at most {limit} are possible.", n=len(classes), limit=MAX_CLASSES),
            message("Each sub-folder becomes a class: put the pictures of one kind into one folder."),
        )
    if classify is _by_folder:
        empty = sorted({_label_of(parts, parted) for parts in inner} - set(classes) - {""}, key=natural)
        if empty:
            notices.append(message("No picture could be taken from these class folders: {names}.", names=empty))
    return Layout(places, classes, tuple(notices))


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key by which 9 comes before 10, and case does not matter."""
    return [
        (0, int(piece), "") if piece.isdecimal() else (1, 0, piece.casefold()) for piece in re.split(r"(\d+)", text)
    ]


def _wrapping(names: Sequence[Names]) -> Names:
    """The folders around everything: alone at their level, nearly all pictures in sub-folders of theirs."""
    wrapping: Names = ()
    while True:
        depth = len(wrapping)
        beside = {parts[depth] for parts in names if len(parts) > depth + 1 and parts[:depth] == wrapping}
        if len(beside) != 1:
            return wrapping
        (name,) = beside
        deep = sum(len(parts) > depth + 2 for parts in names)
        if name.casefold() in PARTS or not deep or LOOSE * (len(names) - deep) > len(names):
            return wrapping
        wrapping = (*wrapping, name)


def _part(parts: Names) -> Part | None:
    return PARTS.get(parts[0].casefold()) if len(parts) > 1 else None


def _place(parts: Names, classify: Callable[[Names], str], parted: bool) -> Place:
    part = _part(parts) if parted else None
    return Place("/".join(parts), classify(parts[1:] if part else parts), part)


def _by_folder(parts: Names) -> str:
    return parts[0] if len(parts) > 1 else ""


def _by_prefix(parts: Names) -> str:
    return _prefix(parts[-1])


def _all_one(parts: Names) -> str:
    return "pictures"


def _label_of(folder: Names, parted: bool) -> str:
    """The class that a folder stands for; "" if it is a part."""
    part = PARTS.get(folder[0].casefold()) if parted else None
    inner = folder[1:] if part else folder
    return inner[0] if inner else ""


def _prefixed(names: Sequence[Names]) -> bool:
    """Whether the file names tell the classes: a few different words before a number."""
    prefixes = {_prefix(parts[-1]) for parts in names}
    few = 2 <= len(prefixes) <= max(2, len(names) // 5)
    return few and "" not in prefixes and not prefixes & CAMERAS


def _prefix(name: str) -> str:
    """cat.12.jpg, cat_12.jpg and cat-12.jpg -> cat; "" when the name is not made like that."""
    match = re.fullmatch(r"([^\W\d_]+)[ ._-]*\(?\d+\)?\.\w+", name)
    return match[1].casefold() if match else ""
