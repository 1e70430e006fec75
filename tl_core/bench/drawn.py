"""Pictures that are drawn where no photographs are at hand: noise whose grain tells the class."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("horizontal", "vertical")
SIZE = (180, 150)  # pixels; about the size of the photographs of the article's demo


def draw(folder: Path, counts: dict[str, int], seed: int) -> Path:
    """Fill `folder` with <part>/<class>/<n>.jpg and return it.

    Args:
        folder: made if it is not there.
        counts: part ("train", "validation") -> pictures of each class.
        seed: decides every pixel.
    """
    for part, count in counts.items():
        for label, name in enumerate(CLASSES):
            place = folder / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                random = np.random.default_rng((seed, len(part), label, number))
                _picture(random, label).save(place / f"{number}.jpg", quality=85)
    return folder


def _picture(random: np.random.Generator, label: int) -> Image.Image:
    """Noise, coarse along one axis and fine along the other, over a random colour, with more noise on top."""
    width, height = SIZE
    coarse, fine = int(random.integers(8, 16)), int(random.integers(60, 120))
    grain = (coarse, fine) if label == 0 else (fine, coarse)
    noise = random.integers(0, 256, (grain[1], grain[0], 3), np.uint8)
    texture = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC), np.float32)
    pixels = 0.45 * texture + 0.35 * random.integers(0, 256, 3) + random.normal(0, 40, (height, width, 3)) + 25
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
