"""Drawn sample pictures: five kinds of flowers, two kinds of animals, and patterns, from a seed. Knows no network.

They are for the first lesson on a computer without a network, and always called drawn, never photographs. How hard
they are can be turned (light, blur, size, slant, things in the way, colours that give less away), how far they are from
photographs too (`gap`), and labels can be wrong on purpose. The same drawing gives the same pictures, with the same
versions of NumPy and Pillow to the byte.
"""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Progress
from tl_core.base.messages import Message, message
from tl_core.images.data import ingest
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.drawn import scene
from tl_core.images.data.drawn.animals import draw_animal
from tl_core.images.data.drawn.brush import Canvas, Pose, Random, vary
from tl_core.images.data.drawn.flowers import draw_flower
from tl_core.images.data.drawn.textures import TEXTURES, texture

Kind = Literal["flowers", "animals", "textures"]
Gap = Literal["none", "painted", "sketch", "silhouette", "night"]

CLASSES: dict[Kind, tuple[str, ...]] = {
    "flowers": ("daisy", "dandelion", "rose", "sunflower", "tulip"),
    "animals": ("cat", "dog"),
    "textures": tuple(TEXTURES),
}
GAPS: tuple[Gap, ...] = ("none", "painted", "sketch", "silhouette", "night")
LARGEST = 2000  # pictures a class
QUALITY = 90  # of the JPEGs
# What difficulty 1 means inside, chosen so that 0.5 leaves something to learn. Measured there, 3 seeds, accuracy on 60
# pictures a class: ImageNet MobileNet 0.25 at 224 px, frozen, 86 % of the flowers (animals 93 %) after 20 a class, 89 %
# (94 %) after 48; fine-tuned 91 % (94 %) after 48; from scratch after 20 a class no better than guessing. EfficientNet-
# Lite0, frozen, 5 seeds: 87 % of the flowers after 20 a class; of the animals 97 % (2 seeds), so theirs became harder.
HARDEST: dict[Kind, float] = {"flowers": 1.6, "animals": 1.9, "textures": 1.6}
NAMES: dict[Kind, Message] = {
    "flowers": message("Drawn flowers"),
    "animals": message("Drawn cats and dogs"),
    "textures": message("Drawn patterns"),
}
STYLES: dict[Gap, Message] = {
    "none": message("plain"),
    "painted": message("painted"),
    "sketch": message("sketched"),
    "silhouette": message("silhouettes"),
    "night": message("at night"),
}

ProgressFunction = Callable[[Progress], None]


@dataclass(frozen=True)
class Drawing:
    """What is drawn; equal drawings give equal pictures."""

    kind: Kind = "flowers"
    per_class: int = 60  # pictures
    difficulty: float = 0.5  # 0 easy, 1 hard
    gap: Gap = "none"  # the style; everything but "none" is further away from photographs
    label_noise: float = 0.0  # fraction of pictures that lie in a wrong class, 0 to 0.5
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in alphabetical order."""
        return CLASSES[self.kind]


def picture(drawing: Drawing, label: int, number: int) -> Image.Image:
    """One picture of class `label`: RGB, 224 x 224 pixels. `number` tells the pictures of a class apart."""
    name = drawing.classes[label]
    random = np.random.default_rng((drawing.seed, label, number))
    hard = HARDEST[drawing.kind] * drawing.difficulty
    if drawing.kind == "textures":
        return Image.fromarray(texture(name, random, scene.SIDE))
    flat = None
    if drawing.gap == "silhouette":
        image = scene.dusk(random)
        flat = vary(random, (24, 18, 30), 6)
    else:
        kinds = scene.OUTDOORS if random.random() < 0.75 - 0.4 * hard else scene.EVERYWHERE
        image = scene.background(random, kinds, random.uniform(0, 0.2 + 0.8 * hard))
    canvas = Canvas(image, flat)
    compose = _flowers if drawing.kind == "flowers" else _animal
    compose(canvas, random, name, hard)
    image = canvas.image.reduce(scene.FINE)
    scene.in_the_way(image, random, int(random.poisson(4 * hard)), flat)
    finished = scene.finish(random, image, hard if flat is None else 0.3 * hard)
    return scene.styled(random, finished, drawing.gap)


def pictures(
    drawing: Drawing,
    progress: ProgressFunction = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[str, bytes]]:
    """Draw one picture after the other, the classes in turn: ("daisy/0001.jpg", JPEG bytes).

    Raises:
        UserError: a value is out of range.
        Stopped: `should_stop` answered True.
    """
    validate(drawing)
    random = np.random.default_rng((drawing.seed, 1 << 20))
    total = drawing.per_class * len(drawing.classes)
    started, told, done = time.monotonic(), 0.0, 0
    for number in range(1, drawing.per_class + 1):
        for label in range(len(drawing.classes)):
            if should_stop():
                raise Stopped
            buffer = io.BytesIO()
            picture(drawing, label, number).save(buffer, "JPEG", quality=QUALITY)
            wrong = int(random.integers(1, len(drawing.classes))) if random.random() < drawing.label_noise else 0
            shown = drawing.classes[(label + wrong) % len(drawing.classes)]
            yield f"{shown}/{number:04d}{'-' + str(label + 1) if wrong else ''}.jpg", buffer.getvalue()
            done, now = done + 1, time.monotonic()
            if now - told >= 0.2 or done == total:
                told = now
                progress(Progress("drawing", done, total, done / max(now - started, 1e-3)))


def ingest_drawn(
    drawing: Drawing,
    owner: str = "",
    progress: ProgressFunction = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    name: str = "",
) -> Dataset:
    """Draw the pictures and bring them in as a dataset whose name says that they are drawn.

    Args:
        name: of the dataset; by default the English title.

    Raises:
        UserError: a value is out of range, or the disk is full.
        Stopped: `should_stop` answered True; nothing is left behind.
    """
    files = list(pictures(drawing, progress, should_stop))
    called = name or str(title(drawing))
    return ingest.ingest(files, name=called, owner=owner, progress=progress, should_stop=should_stop)


def title(drawing: Drawing) -> Message:
    """What the dataset is called: "Drawn flowers (60 a class, painted)"."""
    details = [message("{n} a class", n=drawing.per_class)]
    if drawing.difficulty != Drawing.difficulty:
        details.append(message("difficulty {n}", n=f"{drawing.difficulty:g}"))
    if drawing.gap != "none":
        details.append(STYLES[drawing.gap])
    if drawing.label_noise:
        details.append(message("{share} % wrong labels", share=f"{100 * drawing.label_noise:.0f}"))
    if drawing.seed:
        details.append(message("seed {n}", n=drawing.seed))
    return message("{name} ({details})", name=NAMES[drawing.kind], details=details)


def archive(drawing: Drawing, path: Path, should_stop: Callable[[], bool] = lambda: False) -> Path:
    """Write the pictures as a ZIP of class/file.jpg: to give away, or as a source for pretraining."""
    part = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:
        for name, data in pictures(drawing, should_stop=should_stop):
            file.writestr(zipfile.ZipInfo(name), data)
    return part.replace(path)


def validate(drawing: Drawing) -> None:
    """Check every value.

    Raises:
        UserError: names the setting and the allowed range.
    """
    if drawing.kind not in CLASSES or drawing.gap not in GAPS:
        allowed = list(CLASSES) if drawing.kind not in CLASSES else list(GAPS)
        raise UserError(
            message("There is no such drawing: {kind}, {gap}.", kind=drawing.kind, gap=drawing.gap),
            message("Choose one of: {allowed}.", allowed=allowed),
        )
    for name, value, low, high in (
        (message("pictures a class"), drawing.per_class, 1, LARGEST),
        (message("difficulty"), drawing.difficulty, 0, 1),
        (message("wrong labels"), drawing.label_noise, 0, 0.5),
        (message("seed"), drawing.seed, 0, 2**31 - 1),
    ):
        if not low <= value <= high:
            raise UserError(
                message("The setting {name} is {value}.", name=name, value=repr(value)),
                message("Choose a number from {low} to {high}.", low=low, high=high),
            )


def _flowers(canvas: Canvas, random: Random, name: str, hard: float) -> None:
    """One to five flowers; the nearest gives the class, those behind are smaller, less sharp, and may be others."""
    side = canvas.side
    count = 1 + int(random.binomial(4, 0.12 + 0.18 * hard))
    largest = random.uniform(0.4 - 0.18 * hard, 0.46 - 0.08 * hard) * side
    crowded = 0.85 if count > 2 else 1.0
    for index in range(count):
        nearest = index == count - 1
        size = largest * crowded * (1 if nearest else random.uniform(0.45, 0.8))
        reach = 0.13 + 0.15 * hard if nearest else 0.42
        x, y = (0.5 + random.uniform(-reach, reach)) * side, (0.44 + random.uniform(-reach, reach)) * side
        foot = side * 1.1 if random.random() < 0.9 - 0.3 * hard else y
        other = not nearest and random.random() < 0.5 * hard
        kind = CLASSES["flowers"][random.integers(5)] if other else name
        draw_flower(canvas, random, kind, Pose(x, y, size), hard, foot)
        if index == count - 2 and canvas.flat is None:
            canvas.show(scene.behind(canvas.image, random.uniform(0.5, 2.5)))


def _animal(canvas: Canvas, random: Random, name: str, hard: float) -> None:
    side = canvas.side
    size = random.uniform(0.3 - 0.12 * hard, 0.34 - 0.04 * hard) * side
    reach = 0.06 + 0.14 * hard
    x, y = (0.5 + random.uniform(-reach, reach)) * side, (0.42 + random.uniform(-reach, reach)) * side
    draw_animal(canvas, random, name, Pose(x, y, size), hard)
