"""Labelled pictures to pretrain on: archives of photographs, or, as a wrong source, patterns drawn on the spot.

Which pictures are held out for the source accuracy depends on their names alone.
"""

import hashlib
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tl_core.images.data.drawn.textures import TEXTURES, texture

HELD_OUT = 25  # one source picture in so many is kept for the source accuracy
SIDE = 112  # pixels at which pictures are kept
IMAGENET_TERMS = (
    "ImageNet's terms of access: for non-commercial research and education (https://image-net.org/download)"
)


@dataclass(frozen=True)
class Source:
    """One labelled set of pictures, decoded: uint8 [n, side, side, 3] and int32 [n]."""

    name: str
    classes: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray  # bool [n]


@dataclass(frozen=True)
class Origin:
    """Who made a set of pictures, and what may be done with them."""

    title: str
    makers: str
    terms: str
    home: str


ORIGINS = {  # by how the names of sources begin
    "caltech101": Origin(
        "Caltech-101",
        "F.-F. Li, M. Andreeto, M. Ranzato, P. Perona, California Institute of Technology",
        "Creative Commons Attribution 4.0 (CC BY 4.0)",
        "https://data.caltech.edu/records/mzrjq-6wc02",
    ),
    "imagenette": Origin(
        "Imagenette, ten classes of ImageNet", "fast.ai", IMAGENET_TERMS, "https://github.com/fastai/imagenette"
    ),
    "tiny_imagenet": Origin(
        "Tiny ImageNet, 200 classes of ImageNet",
        "Stanford University, CS231n",
        IMAGENET_TERMS,
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    ),
    "patterns": Origin(
        "Drawn patterns", "this project (tl_core/images/data/drawn/textures.py)", "as the project's own", ""
    ),
}
PETS = {  # Tiny ImageNet's few cats and dogs, by their WordNet number
    "n02085620": "Chihuahua",
    "n02094433": "Yorkshire terrier",
    "n02099601": "golden retriever",
    "n02099712": "Labrador retriever",
    "n02106662": "German shepherd",
    "n02113799": "standard poodle",
    "n02123045": "tabby",
    "n02123394": "Persian cat",
    "n02124075": "Egyptian cat",
}
UNKNOWN = Origin("", "unknown", "unknown: ask where the pictures came from", "")


def origin(name: str) -> Origin:
    """Where the source of this name comes from, as far as it is known."""
    return next((known for prefix, known in ORIGINS.items() if name.startswith(prefix)), UNKNOWN)


def pets(source: Source) -> np.ndarray:
    """Which pictures of the source show a cat or a dog, as far as `PETS` names their classes: bool [n]."""
    return np.isin(source.labels, [number for number, name in enumerate(source.classes) if name in PETS])


def photographs(archive: Path, cache: Path, side: int = SIDE) -> Source:
    """Decode `archive` (a ZIP of class/file.jpg) to squares of at most `side` pixels, once; later from `cache`.

    A picture is cropped to its central square; the whole source is scaled to its usual side, never enlarged.
    """
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if name.count("/") == 1 and name.endswith(".jpg"))
        classes = tuple(sorted({name.split("/")[0] for name in names}))
        labels = np.array([classes.index(name.split("/")[0]) for name in names], np.int32)
        side = min(side, max(Image.open(io.BytesIO(file.read(name))).size[0] for name in names[:50]))
        stored = cache / f"{archive.stem}_{side}.npy"
        if not stored.exists():
            payloads = (file.read(name) for name in names)
            images = np.empty((len(names), side, side, 3), np.uint8)
            with ThreadPoolExecutor(2) as pool:
                for index, image in enumerate(pool.map(lambda data: _square(data, side), payloads)):
                    images[index] = image
            _store(images, stored)
    return Source(archive.stem, classes, np.load(stored, mmap_mode="r"), labels, _held_out(names))


def patterns(cache: Path, per_class: int = 300, side: int = SIDE, seed: int = 0) -> Source:
    """Draw `per_class` pictures of each kind of pattern, once; later from `cache`. Nothing in them is a thing."""
    classes = tuple(TEXTURES)
    names = [f"{name}/{number}.jpg" for name in classes for number in range(per_class)]
    stored = cache / f"patterns_{per_class}_{side}_{seed}.npy"
    if not stored.exists():
        images = np.empty((len(names), side, side, 3), np.uint8)
        for index, name in enumerate(names):
            random = np.random.default_rng((seed, *divmod(index, per_class)))
            images[index] = texture(name.split("/")[0], random, side)
        _store(images, stored)
    labels = np.arange(len(names), dtype=np.int32) // per_class
    return Source("patterns", classes, np.load(stored, mmap_mode="r"), labels, _held_out(names))


def _held_out(names: list[str]) -> np.ndarray:
    return np.array([int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0 for name in names])


def _store(images: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npy")
    np.save(part, images)
    part.replace(path)


def _square(data: bytes, side: int) -> np.ndarray:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short)))
