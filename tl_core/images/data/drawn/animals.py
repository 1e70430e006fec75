"""Two drawn animals that sit there. They share colours, markings and settings; their shapes differ.

Coordinates are in half widths of the head, its middle at (0, 0), y down. Half outlines run down the right side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.images.data.drawn.brush import Canvas, Colour, Pose, Random, blob, bow, mix, oval, shade, vary

BLACK, GREY, WHITE, CREAM = (48, 46, 50), (134, 134, 142), (236, 232, 226), (232, 208, 172)
GINGER, BROWN, CHOCOLATE, SAND = (214, 136, 70), (142, 98, 64), (92, 62, 46), (206, 168, 118)
COATS = (BLACK, GREY, WHITE, CREAM, GINGER, BROWN, CHOCOLATE, SAND)
EYES = {
    "cat": ((150, 180, 70), (212, 176, 60), (110, 170, 190), (200, 140, 50)),
    "dog": ((92, 58, 34), (70, 44, 30), (140, 90, 40), (110, 160, 190)),
}
COLLARS = ((196, 50, 50), (60, 110, 180), (70, 150, 90), (210, 170, 60))
PINK, TONGUE, NOSE, MOUTH = (226, 150, 146), (214, 96, 104), (34, 30, 32), (50, 40, 40)

CAT_HEAD = ((0, -0.78), (0.55, -0.72), (0.95, -0.2), (1.04, 0.25), (0.62, 0.72), (0, 0.86))
DOG_HEAD = ((0, -0.86), (0.5, -0.78), (0.8, -0.35), (0.74, 0.2), (0.5, 0.72), (0, 1.05))
DOG_MUZZLE = ((0, 0.02), (0.32, 0.2), (0.48, 0.58), (0.26, 0.88), (0, 0.94))
DOG_NOSE = ((0, 0.24), (0.22, 0.3), (0.13, 0.48), (0, 0.54))
BLAZE = ((0, -0.7), (0.13, -0.2), (0.4, 0.55), (0, 0.78))
TRUNK = ((0, 0.5), (0.62, 0.8), (0.95, 1.9), (1.12, 3.0), (1.0, 3.7), (0, 3.75))
CHEST = ((0, 0.7), (0.42, 1.2), (0.4, 2.0), (0, 2.5))
LEG = ((0, 1.8), (0.2, 1.95), (0.24, 3.2), (0.28, 3.7), (0, 3.75))
FLOPPY = ((0.5, -0.76), (0.9, -0.62), (1.2, 0.1), (1.0, 0.55), (0.72, 0.2), (0.64, -0.2))


@dataclass(frozen=True)
class Look:
    """What one animal looks like, besides its kind."""

    coat: np.ndarray
    second: np.ndarray  # chest, muzzle, patches
    markings: str  # "plain", "bib", "patches", "stripes"
    ears: str  # "up", "folded", "hanging"
    turned: float  # how far the face looks aside, -1 to 1
    eye: np.ndarray
    fur: float  # length of the hairs
    view: str  # "front", "asleep", "back"


@dataclass(frozen=True)
class Sitter:
    """One animal while it is being drawn."""

    canvas: Canvas
    random: Random
    pose: Pose
    look: Look

    def fill(self, curve: np.ndarray, colour: Colour, alpha: float = 1.0) -> None:
        """A filled outline."""
        self.canvas.polygon(self.pose.place(curve), colour, alpha)

    def stroke(self, start: Sequence[float], end: Sequence[float], bend: float, colour: Colour, width: float) -> None:
        """A bowed line."""
        self.canvas.line(self.pose.place(bow(start, end, bend)), colour, self.pose.size * width)

    def furry(self, curve: np.ndarray, colour: Colour, fur: float) -> None:
        """A part of the body: tufts along its edge, a dark border, the colour, a light side, hairs on top."""
        centre = curve.mean(0)
        from_centre = curve - centre
        border = curve
        if fur:
            away = from_centre / (np.linalg.norm(from_centre, axis=1)[:, None] + 1e-6)
            length = fur * self.random.uniform(0.2, 0.9, (len(curve), 1))
            tips = curve + away * length + self.random.normal(0, 0.3 * fur, curve.shape)
            border = np.stack([curve, tips], 1).reshape(-1, 2)  # out and back again, all around
        self.fill(centre + (border - centre) * 1.03, shade(colour, 0.64))
        self.fill(border, shade(colour, 0.9))
        self.fill(curve, colour)
        self.fill(centre + from_centre * 0.8 + (-0.05, -0.07), shade(colour, 1.08), 0.6)
        if fur and self.canvas.flat is None:
            count = 70
            roots = centre + from_centre[self.random.integers(0, len(curve), count)] * np.sqrt(
                self.random.random((count, 1))
            )
            ends = roots + self.random.normal(0, 0.35 * fur, (count, 2)) + (0, 0.9 * fur)
            tones = shade(colour, self.random.uniform(0.8, 1.2, count))
            self.canvas.lines(self.pose.place(np.stack([roots, ends], 1)), tones, self.pose.size * 0.012, 0.5)


def draw_animal(canvas: Canvas, random: Random, name: str, pose: Pose, strangeness: float) -> None:
    """A cat or a dog: tail, body, legs, head.

    Args:
        canvas: what to draw on.
        random: decides everything that is left open.
        name: "cat" or "dog".
        pose: the middle of the head; its size is half the head's width, pixels.
        strangeness: 0 (as in a picture book) to 1.6: how often ears, eyes, build and markings are unusual, how far the
            head is turned, and how often the animal sleeps or turns its back on you.
    """
    look = _look(random, name, strangeness)
    turn, mirror = random.normal(0, 0.08 + 0.12 * strangeness), bool(random.random() < 0.5)
    head = Sitter(canvas, random, Pose(pose.x, pose.y, pose.size, turn, 1.0, mirror), look)
    body = Sitter(canvas, random, Pose(pose.x, pose.y, pose.size, 0.25 * turn, 1.0, mirror), look)
    _tail(body, name)
    _body(body)
    (_cat_head if name == "cat" else _dog_head)(head, min(strangeness, 1.0))


def _look(random: Random, name: str, strangeness: float) -> Look:
    coat = vary(random, COATS[random.integers(len(COATS))], 7)
    second = vary(random, WHITE if coat.mean() < 200 else COATS[random.integers(4, 8)], 7)
    usual = ("plain", "bib", "stripes", "stripes") if name == "cat" else ("plain", "bib", "patches", "patches")
    any_markings = random.random() < 0.6 * strangeness
    markings = ("plain", "bib", "stripes", "patches")[random.integers(4)] if any_markings else usual[random.integers(4)]
    odd_ears = random.random() < 0.4 * strangeness
    if name == "cat":
        ears = "folded" if odd_ears else "up"
    else:
        ears = ("up", "folded")[random.integers(2)] if odd_ears else "hanging"
    eyes = EYES["cat" if random.random() < 0.3 * strangeness else name]
    view = random.random() / (0.2 * strangeness + 1e-9)
    return Look(
        coat, second, markings, ears, float(np.clip(random.normal(0, 0.15 + 0.35 * strangeness), -0.9, 0.9)),
        vary(random, eyes[random.integers(len(eyes))], 8), random.uniform(0.05, 0.16),
        "back" if view < 0.5 else "asleep" if view < 1.3 else "front",
    )  # fmt: skip


def _both(half: Sequence[Sequence[float]], aside: float = 0.0, wide: float = 1.0, steps: int = 8) -> np.ndarray:
    """The whole outline out of its right half, whose first and last point lie on the middle line."""
    right = np.asarray(half, float) * (wide, 1)
    left = right[-2:0:-1] * (-1, 1)
    return blob(np.concatenate([right, left]) + np.array((aside, 0)), steps)


def _tail(sitter: Sitter, name: str) -> None:
    cat, look, reach = name == "cat", sitter.look, sitter.random.uniform(1.0, 1.5)
    if look.view != "back" and sitter.random.random() < 0.25:
        return  # it lies behind the body
    if cat:
        middle = (1 + reach * 0.6, 2.3)
        curve = np.concatenate([bow((0.7, 3.1), middle, -0.25), bow(middle, (1 + reach * 0.35, 1.2), 0.3)])
    else:
        curve = bow((0.75, 2.5), (1 + reach * 0.55, 1.35), 0.25)
    placed = sitter.pose.place(curve)
    width = sitter.pose.size * (0.3 if cat else 0.36)
    sitter.canvas.line(placed, shade(look.coat, 0.6), width)
    sitter.canvas.line(placed, shade(look.coat, 0.9), width * 0.74)
    tip = look.second if look.markings == "bib" else shade(look.coat, 0.9)
    x, y = placed[-1]
    sitter.canvas.disc(x, y, width * 0.5, tip)


def _body(sitter: Sitter) -> None:
    look, random = sitter.look, sitter.random
    wide = random.uniform(0.85, 1.15)
    sitter.furry(_both(TRUNK, wide=wide, steps=16), shade(look.coat, 0.88), look.fur)
    if look.markings == "stripes":
        for height in np.linspace(1.3, 3.0, 4) + random.normal(0, 0.06, 4):
            for side in (-1, 1):
                inner = 0.42 if look.view != "back" else 0.1
                start, end = (side * wide * 0.88, height), (side * wide * inner, height + 0.16)
                sitter.stroke(start, end, side * 0.15, shade(look.coat, 0.6), 0.13)
    elif look.markings == "patches":
        for _ in range(2):
            patch = oval(random.uniform(-0.5, 0.5), random.uniform(1.3, 3), *random.uniform(0.25, 0.5, 2))
            sitter.fill(patch, look.second)
    if look.view == "back":
        return
    if look.markings == "bib" or random.random() < 0.3:
        sitter.furry(_both(CHEST, steps=12), look.second, look.fur)
    for side in (-1, 1):
        sitter.furry(_both(LEG, side * random.uniform(0.3, 0.42)), look.coat, 0)
    if random.random() < 0.3:
        sitter.stroke((-0.62, 0.92), (0.62, 0.92), -0.16, vary(random, COLLARS[random.integers(4)], 10), 0.15)
        x, y = sitter.pose.place(np.array((0.0, 1.18)))
        sitter.canvas.disc(x, y, sitter.pose.size * 0.1, (232, 200, 90))


def _eyes(sitter: Sitter, aside: float, apart: float, y: float, size: float, slit: bool) -> None:
    look = sitter.look
    pupil = sitter.random.uniform(0.16, 0.6) if slit else 0.45
    for x in (aside - apart, aside + apart):
        if look.view == "asleep":
            sitter.stroke((x - size, y), (x + size, y), 0.18, shade(look.coat, 0.3), 0.06)
            continue
        gaze = x + look.turned * size * 0.25
        sitter.fill(oval(x, y, size * 1.16, size * (1.0 if slit else 1.12)), shade(look.coat, 0.36))
        sitter.fill(oval(x, y, size, size * 0.86), look.eye if slit else (244, 242, 238))
        if not slit:
            sitter.fill(oval(gaze, y, size * 0.78, size * 0.8), look.eye)
        sitter.fill(oval(gaze, y, size * pupil, size * (0.8 if slit else 0.48)), (16, 14, 16))
        left, top = sitter.pose.place(np.array((gaze - size * 0.25, y - size * 0.3)))
        sitter.canvas.disc(left, top, sitter.pose.size * size * 0.2, (255, 255, 255))


def _markings(sitter: Sitter, aside: float) -> None:
    look = sitter.look
    if look.markings == "stripes":
        dark = shade(look.coat, 0.55)
        for x in (-0.24, 0.0, 0.24):
            sitter.stroke((aside + x * 1.3, -0.74), (aside + x, -0.36), 0.05, dark, 0.1)
        for side in (-1, 1):
            for height in (0.12, 0.34):
                sitter.stroke((side * 0.78, height), (aside + side * 0.58, height + 0.06), 0.05, dark, 0.08)
    elif look.view == "back":
        return
    elif look.markings == "patches":
        side = 1 if sitter.random.random() < 0.5 else -1
        sitter.fill(oval(aside + side * 0.38, -0.14, 0.34, 0.44, 0.3 * side), look.second)
    elif look.markings == "bib":
        sitter.fill(_both(BLAZE, aside), look.second)


def _pointed_ears(sitter: Sitter, inner: float, outer: float, tip: float, high: float, tone: Colour) -> None:
    look = sitter.look
    for side in (-1, 1):
        across = side * tip * (1 - side * look.turned * 0.28)
        ear = np.array([(side * inner, -0.66), (across, -high), (side * outer, -0.2)])
        sitter.fill(ear * 1.03, shade(tone, 0.6))
        sitter.fill(ear, tone)
        if look.ears == "folded":
            flap = np.array([(ear[0] + ear[1]) / 2, (ear[2] + ear[1]) / 2, (side * (outer + 0.05), -0.42)])
            sitter.fill(flap, shade(tone, 0.8))
        elif look.view != "back":
            centre = ear.mean(0)
            sitter.fill(centre + (ear - centre) * 0.56 + (0, 0.06), mix(PINK, look.coat, 0.35))


def _cat_head(sitter: Sitter, odd: float) -> None:
    """Wide, with pointed ears, slit pupils, a small nose and long whiskers."""
    look, random = sitter.look, sitter.random
    aside = look.turned * 0.22
    _pointed_ears(sitter, 0.16, 0.94, 0.72, random.uniform(1.1, 1.45), shade(look.coat, 0.9))
    sitter.furry(_both(CAT_HEAD, wide=1 - random.uniform(0, 0.22) * odd), look.coat, look.fur)
    _markings(sitter, aside)
    if look.view == "back":
        return
    snout = look.second if look.markings == "bib" else shade(look.coat, 1.2)
    for side in (-1, 1):
        sitter.fill(oval(aside + side * 0.17, 0.42, 0.25, 0.2), snout)
    _eyes(
        sitter,
        aside,
        0.42 - 0.05 * odd,
        -0.06,
        random.uniform(0.2 - 0.06 * odd, 0.25),
        slit=random.random() > 0.4 * odd,
    )
    nose = np.array([(aside - 0.1, 0.24), (aside + 0.1, 0.24), (aside, 0.35)])
    sitter.fill(nose * (1, 1.05), mix(PINK, NOSE, (0.0, 0.2, 0.9)[random.integers(3)]))
    light = (250, 250, 250) if look.coat.mean() < 190 else (110, 106, 100)
    for side in (-1, 1):
        sitter.stroke((aside, 0.35), (aside + side * 0.26, 0.44), side * 0.3, shade(look.coat, 0.32), 0.03)
        for number in range(3):
            start = (aside + side * 0.24, 0.38 + 0.05 * number)
            end = (aside + side * random.uniform(1.0, 1.35), 0.22 + 0.2 * number + random.normal(0, 0.05))
            sitter.stroke(start, end, side * 0.06, light, 0.014)


def _dog_head(sitter: Sitter, odd: float) -> None:
    """Longer, with a big muzzle and nose, round eyes, and ears that mostly hang."""
    look, random = sitter.look, sitter.random
    aside = look.turned * 0.24
    tone = shade(look.coat, 0.78) if random.random() < 0.7 else shade(look.second, 0.8)
    if look.ears != "hanging":
        _pointed_ears(sitter, 0.2, 0.8, 0.62, random.uniform(1.15, 1.5), tone)
    sitter.furry(_both(DOG_HEAD, wide=1 + random.uniform(0, 0.22) * odd), look.coat, look.fur * 0.8)
    _markings(sitter, aside)
    if look.view != "back":
        _dog_face(sitter, aside, odd)
    if look.ears == "hanging":
        long = random.uniform(0.7, 1.2)
        for side in (-1, 1):
            ear = blob(np.array(FLOPPY) * (side, long) + np.array((0, 0.62 * (long - 1))))
            sitter.furry(ear, tone, look.fur * 0.7)


def _dog_face(sitter: Sitter, aside: float, odd: float) -> None:
    look, random = sitter.look, sitter.random
    if random.random() < 0.45 - 0.2 * odd:
        sitter.fill(oval(aside, 1.0, 0.16, 0.3), TONGUE)
        sitter.stroke((aside, 0.85), (aside, 1.15), 0, shade(TONGUE, 0.8), 0.025)
    snout = look.second if look.markings != "plain" else shade(look.coat, 1.14)
    sitter.furry(_both(DOG_MUZZLE, aside * 1.1, 1 - random.uniform(0, 0.25) * odd), snout, look.fur * 0.4)
    _eyes(sitter, aside, 0.36, -0.18, random.uniform(0.14, 0.18 + 0.05 * odd), slit=False)
    for side in (-1, 1):
        if random.random() < 0.5:
            start, end = (aside + side * 0.22, -0.42), (aside + side * 0.5, -0.4)
            sitter.stroke(start, end, side * -0.2, shade(look.coat, 0.6), 0.06)
    tip = aside * 1.2
    sitter.fill(_both(DOG_NOSE, tip, 1 - random.uniform(0, 0.35) * odd), NOSE)
    x, y = sitter.pose.place(np.array((tip - 0.07, 0.32)))
    sitter.canvas.disc(x, y, sitter.pose.size * 0.045, (150, 146, 150))
    sitter.stroke((tip, 0.54), (tip, 0.68), 0, MOUTH, 0.03)
    for side in (-1, 1):
        sitter.stroke((tip, 0.68), (tip + side * 0.36, 0.62), side * 0.3, MOUTH, 0.03)
