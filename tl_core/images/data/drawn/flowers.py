"""Five drawn flowers. They differ in shape; their colours overlap, so that colour alone does not tell them apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.images.data.drawn.brush import Canvas, Colour, Pose, Random, bow, mix, outline, oval, petals, shade, vary

WHITE, IVORY, YELLOW, GOLD, ORANGE = (244, 242, 236), (250, 238, 200), (250, 208, 40), (240, 176, 20), (238, 128, 36)
PINK, ROSE, RED, CRIMSON, LILAC = (240, 160, 186), (222, 84, 128), (206, 40, 44), (150, 24, 50), (180, 140, 206)
PEACH, BRICK, VIOLET = (248, 186, 150), (168, 74, 40), (122, 76, 160)
SHARED = (WHITE, IVORY, YELLOW, ORANGE, PINK, ROSE, RED, LILAC, PEACH)
GREENS = ((74, 118, 52), (92, 140, 62), (58, 98, 58), (110, 146, 74), (84, 122, 84))

T = np.linspace(0, 1, 12)
STRAP = outline(0.5 * np.clip(np.sin(np.pi * T**0.75), 0, 1) ** 0.42 * (0.55 + 0.45 * T))  # long, rounded tip
POINTED = outline(0.5 * np.sin(np.pi * T**0.8) ** 0.9)  # widest before the middle, pointed tip
FLORET = outline(0.5 * np.where(T > 0.97, 0.55, np.clip(0.45 + 0.55 * T, 0, 1)))  # cut straight at the tip
ROUND = outline(0.5 * np.sqrt(np.clip(1 - (2 * T - 1) ** 2, 0, 1)) * (0.7 + 0.5 * T))  # nearly a disc
EGG = outline(0.5 * np.sin(np.pi * T**0.72) ** 0.75)  # a tulip's petal
LANCE = outline(0.5 * np.sin(np.pi * T**0.7) ** 1.1)
HEART = outline(0.5 * np.clip(np.sin(np.pi * T**0.5), 0, 1) ** 0.8)
SAW = outline(0.5 * np.sin(np.pi * T**0.9) * (0.55 + 0.45 * np.abs(np.sin(T * 17))))


@dataclass(frozen=True)
class Species:
    """How one kind of flower is drawn."""

    head: Callable[[Canvas, Random, Pose, Colour, float], None]
    colours: tuple[Colour, ...]  # its usual ones
    leaves: Callable[[Canvas, Random, Pose, Colour], None]
    stem: float  # width, relative to the head's size
    face: float  # how far it can be slanted: the least tilt


def _ring(random: Random, count: int, jitter: float = 0.35) -> np.ndarray:
    step = 2 * np.pi / count
    return random.uniform(0, 2 * np.pi) + step * (np.arange(count) + random.uniform(-jitter, jitter, count))


def _lit(random: Random, colour: Colour, angles: np.ndarray, strength: float = 0.16) -> np.ndarray:
    """One colour for each petal: those towards the light are lighter."""
    sun = random.uniform(0, 2 * np.pi)
    return shade(colour, 1 + strength * np.cos(angles - sun) + random.normal(0, 0.035, len(angles)))


def daisy(canvas: Canvas, random: Random, pose: Pose, colour: Colour, odd: float) -> None:
    """Many narrow rays around a small yellow dome."""
    count = int(random.integers(13 - round(3 * odd), 26))
    heart = random.uniform(0.24 - 0.06 * odd, 0.34 + 0.14 * odd)
    shape = POINTED if random.random() < 0.4 * odd else STRAP
    middles = ((232, 180, 30), (70, 46, 30), (150, 150, 60))
    middle = middles[random.integers(3) if random.random() < 0.7 * odd else 0]
    for layer in range(int(random.integers(1, 3))):
        angles = _ring(random, count)
        tone = shade(colour, 0.86 + 0.14 * layer)
        lengths = random.uniform(0.86, 1.0, count) * (1 - 0.06 * layer)
        thick = random.uniform(0.8, 1.15) * 4.4 / count
        petals(
            canvas, pose, shape, angles, lengths - 0.1, np.full(count, thick), _lit(random, tone, angles),
            root=0.1, depth=0.2, veins=2,
        )  # fmt: skip
    _dome(canvas, random, pose, heart, vary(random, middle, 8), 46)


def _dome(canvas: Canvas, random: Random, pose: Pose, radius: float, colour: Colour, dots: int) -> None:
    canvas.polygon(pose.place(oval(0, 0, radius * 1.06, radius * 1.06)), shade(colour, 0.55))
    canvas.polygon(pose.place(oval(0, -0.02, radius, radius)), shade(colour, 0.82))
    canvas.polygon(pose.place(oval(-0.2 * radius, -0.25 * radius, radius * 0.68, radius * 0.66)), colour)
    _seeds(canvas, pose, radius * 0.94, dots, shade(colour, 1.3), shade(colour, 0.62))


def _seeds(canvas: Canvas, pose: Pose, radius: float, count: int, light: Colour, dark: Colour) -> None:
    """Dots in the order of a sunflower's seeds (Vogel 1979: the golden angle)."""
    number = np.arange(count)
    r, angle = radius * np.sqrt((number + 0.5) / count), number * 2.399963
    placed = pose.place(np.stack([r * np.cos(angle), r * np.sin(angle)], 1))
    size = max(1.0, pose.size * radius * 0.8 / np.sqrt(count))
    sunny = np.random.default_rng(count).random(count) < 0.4
    fills = [tuple(canvas.ink(dark)), tuple(canvas.ink(light))]
    for (x, y), bright in zip(placed.tolist(), sunny.tolist(), strict=True):
        canvas.solid.ellipse((x - size, y - size, x + size, y + size), fill=fills[bright])


def dandelion(canvas: Canvas, random: Random, pose: Pose, colour: Colour, odd: float) -> None:
    """A dense pompon of narrow florets, or the white clock that it becomes."""
    if random.random() < 0.22:
        _clock(canvas, random, pose)
        return
    young = random.random() < 0.5 * odd  # the inner florets are still closed
    sepals = _ring(random, 11)
    petals(canvas, pose, LANCE, sepals, np.full(11, 0.9), np.full(11, 0.2), _lit(random, GREENS[0], sepals), depth=0.3)
    for reach, count in ((1.0, 30), (0.84, 27), (0.66, 22), (0.48, 16), (0.3, 10))[: 3 if young else 5]:
        angles = _ring(random, count, 0.5)
        lengths = random.uniform(0.86, 1.04, count) * reach
        tone = mix(colour, shade(colour, 0.78), 1 - reach)
        widths = np.full(count, 0.105 + 0.05 * reach)
        petals(canvas, pose, FLORET, angles, lengths, widths, _lit(random, tone, angles, 0.2), depth=0.34, veins=1)
    if young:
        _dome(canvas, random, pose, random.uniform(0.2, 0.34), shade(colour, 0.8), 40)
        return
    for x, y in pose.place(random.normal(0, 0.09, (16, 2))):
        canvas.disc(x, y, pose.size * 0.028, shade(colour, random.uniform(0.6, 1.2)))


def _clock(canvas: Canvas, random: Random, pose: Pose) -> None:
    canvas.polygon(pose.place(oval(0, 0, 0.95, 0.95)), (236, 238, 240), 0.22)
    missing = random.uniform(0, 2 * np.pi)
    angles, reach = random.uniform(0, 2 * np.pi, 90), np.sqrt(random.uniform(0.08, 1, 90)) * 0.92
    there = np.abs((angles - missing + np.pi) % (2 * np.pi) - np.pi) > 0.3  # some have flown away
    angles, reach = angles[there], reach[there]
    tips = np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    canvas.lines(
        pose.place(np.stack([tips * 0.1, tips], 1)), np.tile((226, 228, 230), (len(tips), 1)), pose.size * 0.012, 0.7
    )
    fans = angles[:, None] + np.linspace(-1.2, 1.2, 6)
    ends = tips[:, None] + 0.13 * np.stack([np.cos(fans), np.sin(fans)], -1)
    stars = np.stack([np.broadcast_to(tips[:, None], ends.shape), ends], 2).reshape(-1, 2, 2)
    canvas.lines(pose.place(stars), np.tile((250, 250, 250), (len(stars), 1)), pose.size * 0.01, 0.75)
    canvas.polygon(pose.place(oval(0, 0, 0.13, 0.13)), (122, 104, 78))
    _seeds(canvas, pose, 0.12, 14, (90, 72, 50), (64, 50, 36))


def rose(canvas: Canvas, random: Random, pose: Pose, colour: Colour, odd: float) -> None:
    """Broad petals that lie around each other, darker towards the middle."""
    sepals = _ring(random, 5)
    petals(canvas, pose, LANCE, sepals, np.full(5, 1.08), np.full(5, 0.25), _lit(random, GREENS[2], sepals), depth=0.3)
    reach, turn = 1.0, random.uniform(0, 2 * np.pi)
    full_blown = random.random() < 0.45 * odd
    for ring in range(int(random.integers(2, 4)) if full_blown else 6):
        count = 5 if ring < 4 else 3
        angles = turn + 2 * np.pi * (np.arange(count) + random.uniform(-0.16, 0.16, count)) / count
        lengths = reach * random.uniform(0.9, 1.04, count)
        tone = shade(colour, 1.06 - 0.085 * ring)
        canvas.polygon(pose.place(oval(0, 0, reach * 0.84, reach * 0.84)), shade(colour, 0.5 - 0.03 * ring), 0.75)
        petals(
            canvas, pose, ROUND, angles, lengths * 0.92, lengths * random.uniform(0.98, 1.16, count),
            _lit(random, tone, angles), root=0.06 * reach, depth=0.34, veins=0, rim=0.32,
        )  # fmt: skip
        turn += np.pi / count + random.uniform(-0.2, 0.2)
        reach *= random.uniform(0.74, 0.8)
    if full_blown:  # its stamens show
        _dome(canvas, random, pose, 0.42 * reach, vary(random, (226, 180, 60), 8), 30)
        return
    spiral = np.linspace(0.4, 3.6 * np.pi, 36)
    radius = 0.02 + 0.016 * spiral
    curl = np.stack([radius * np.cos(spiral + turn), radius * np.sin(spiral + turn)], 1)
    canvas.line(pose.place(curl), shade(colour, 0.42), pose.size * 0.03, 0.8)


def sunflower(canvas: Canvas, random: Random, pose: Pose, colour: Colour, odd: float) -> None:
    """Pointed rays around a large dark disc of seeds."""
    disc = random.uniform(0.4 - 0.14 * odd, 0.56)
    shape = STRAP if random.random() < 0.35 * odd else POINTED
    for layer in range(2):
        count = int(random.integers(17, 25))
        angles = _ring(random, count, 0.4)
        lengths = random.uniform(0.88, 1.02, count) * (1 - 0.08 * layer) - disc * 0.75
        widths = random.uniform(0.15, 0.21, count)
        tones = _lit(random, shade(colour, 0.8 + 0.2 * layer), angles)
        petals(canvas, pose, shape, angles, lengths, widths, tones, root=disc * 0.75, depth=0.26, veins=1)
    discs = ((66, 40, 22), (92, 58, 26), (48, 34, 26), (170, 140, 50), (120, 124, 60))
    dark = vary(random, discs[random.integers(5 if random.random() < 0.8 * odd else 3)], 8)
    canvas.polygon(pose.place(oval(0, 0, disc * 1.04, disc * 1.04)), shade(dark, 0.55))
    canvas.polygon(pose.place(oval(0, 0, disc * 0.96, disc * 0.96)), dark)
    _seeds(canvas, pose, disc * 0.97, 120, mix(dark, (226, 160, 60), 0.6), shade(dark, 0.6))
    heart = random.uniform(0.3, 0.5)
    canvas.polygon(pose.place(oval(0, 0, disc * heart, disc * heart)), mix(dark, (120, 120, 50), 0.45))
    _seeds(canvas, pose, disc * heart, 26, mix(dark, (190, 180, 90), 0.6), shade(dark, 0.75))


def tulip(canvas: Canvas, random: Random, pose: Pose, colour: Colour, odd: float) -> None:
    """A cup of six petals seen from the side, or an open star with a dark heart seen from above."""
    if random.random() < 0.2 + 0.25 * odd:
        _open_tulip(canvas, random, pose, colour)
        return
    up = -np.pi / 2
    opening = random.uniform(0.1, 0.42)
    second = random.choice((WHITE, YELLOW, CRIMSON)) if random.random() < 0.25 else None
    x, y = pose.place(np.array([0.0, 0.75]))
    cup = Pose(x, y, pose.size * 1.6, pose.turn * 0.5, max(pose.tilt, 0.85))
    for leans, width, tone in (
        ((-0.9, 0.9), 0.6, 0.68), ((-0.35, 0.4), 0.66, 0.78), ((-1.0, 1.0), 0.56, 0.94),
        ((random.uniform(-0.2, 0.2),), 0.62, 1.06),
    ):  # fmt: skip
        angles = up + np.array(leans) * opening
        count = len(leans)
        lengths = random.uniform(0.9, 1.0, count)
        widths = np.full(count, width * random.uniform(0.92, 1.08))
        colours = shade(colour, np.full(count, tone) + random.normal(0, 0.03, count))
        petals(canvas, cup, EGG, angles, lengths, widths, colours, depth=0.24, veins=3, rim=0.25)
        if second is not None:
            colours = mix(colours, second, 0.6)
            petals(canvas, cup, EGG, angles, lengths * 0.72, widths * 0.5, colours, depth=0.1, veins=0)


def _open_tulip(canvas: Canvas, random: Random, pose: Pose, colour: Colour) -> None:
    for layer in range(2):
        angles = random.uniform(0, 0.3) + np.pi / 3 * layer + 2 * np.pi * np.arange(3) / 3
        tones = _lit(random, shade(colour, 0.84 + 0.18 * layer), angles)
        petals(canvas, pose, EGG, angles, np.full(3, 1.0), np.full(3, 0.86), tones, depth=0.28, veins=3, rim=0.2)
    heart = random.choice(((40, 30, 50), (60, 40, 20), (236, 200, 60)))
    angles = np.arange(6) * np.pi / 3
    petals(canvas, pose, EGG, angles, np.full(6, 0.36), np.full(6, 0.3), np.tile(heart, (6, 1)), depth=0.1, veins=0)
    petals(canvas, pose, STRAP, angles + 0.5, np.full(6, 0.3), np.full(6, 0.08), np.tile((52, 40, 46), (6, 1)), veins=0)
    canvas.polygon(pose.place(oval(0, 0, 0.07, 0.07)), (170, 190, 90))


# Leaves; the pose stands at the foot of the stem, and its unit is the stem's length --------------------------------


def _pair(
    canvas: Canvas, random: Random, pose: Pose, green: Colour, shape: np.ndarray, length: float, width: float,
    heights: Sequence[float] | np.ndarray,
) -> None:  # fmt: skip
    for height in heights:
        for side in (-1, 1):
            if random.random() < 0.85:
                angle = -np.pi / 2 + side * random.uniform(0.5, 1.1)
                x, y = pose.place(np.array([0.0, -height]))
                at = Pose(x, y, pose.size * length * random.uniform(0.75, 1.15))
                tone = vary(random, green, 7)[None]
                petals(canvas, at, shape, np.array([angle]), np.ones(1), np.array([width]), tone, depth=0.32)


def broad_leaves(canvas: Canvas, random: Random, pose: Pose, green: Colour) -> None:
    """A tulip's: long, upright, from the foot."""
    for side in (-1, 1, 1)[: int(random.integers(2, 4))]:
        angle = -np.pi / 2 + side * random.uniform(0.15, 0.55)
        at = Pose(pose.x, pose.y, pose.size * random.uniform(0.7, 1.0))
        petals(
            canvas,
            at,
            LANCE,
            np.array([angle]),
            np.ones(1),
            np.array([0.24]),
            vary(random, green, 7)[None],
            depth=0.3,
            veins=3,
        )


def heart_leaves(canvas: Canvas, random: Random, pose: Pose, green: Colour) -> None:
    """A sunflower's: broad, on the stem."""
    _pair(canvas, random, pose, green, HEART, 0.5, 0.62, (random.uniform(0.2, 0.6),))


def saw_leaves(canvas: Canvas, random: Random, pose: Pose, green: Colour) -> None:
    """A dandelion's: saw-toothed, from the foot."""
    _pair(canvas, random, pose, green, SAW, 0.7, 0.3, (0.0, 0.05))


def small_leaves(canvas: Canvas, random: Random, pose: Pose, green: Colour) -> None:
    """A rose's: small, in pairs along the stem."""
    _pair(canvas, random, pose, green, ROUND, 0.24, 0.6, np.sort(random.uniform(0.1, 0.75, 3)))


def thin_leaves(canvas: Canvas, random: Random, pose: Pose, green: Colour) -> None:
    """A daisy's: few and narrow."""
    _pair(canvas, random, pose, green, STRAP, 0.35, 0.24, (random.uniform(0.05, 0.4),))


SPECIES = {
    "daisy": Species(daisy, (WHITE, WHITE, PINK, LILAC), thin_leaves, 0.09, 0.5),
    "dandelion": Species(dandelion, (YELLOW, GOLD), saw_leaves, 0.1, 0.62),
    "rose": Species(rose, (RED, ROSE, PINK, IVORY, PEACH, CRIMSON), small_leaves, 0.12, 0.7),
    "sunflower": Species(sunflower, (YELLOW, GOLD, ORANGE, BRICK), heart_leaves, 0.15, 0.5),
    "tulip": Species(tulip, (RED, YELLOW, PINK, WHITE, VIOLET, ORANGE), broad_leaves, 0.13, 0.7),
}


def stalk(canvas: Canvas, random: Random, pose: Pose, foot: tuple[float, float], green: Colour, width: float) -> None:
    """A bowed stem from `foot` up to the pose's centre."""
    curve = bow(foot, (pose.x, pose.y), random.uniform(-0.12, 0.12))
    canvas.line(curve, shade(green, 0.62), width)
    canvas.line(curve - (width * 0.16, 0), green, width * 0.55)


def draw_flower(canvas: Canvas, random: Random, name: str, pose: Pose, strangeness: float, foot_y: float) -> None:
    """One whole flower: leaves, stem, and the head at `pose`.

    Args:
        canvas: what to draw on.
        random: decides everything that is left open.
        name: key of SPECIES.
        pose: the head's place; its tilt is chosen here.
        strangeness: 0 (as in a picture book) to 1.6: how often colour, leaves and shape are unusual, and how much the
            head is slanted.
        foot_y: how far down the stem reaches, pixels.
    """
    species = SPECIES[name]
    pool = SHARED if random.random() < strangeness else species.colours
    colour = vary(random, pool[random.integers(len(pool))], 9)
    green = vary(random, GREENS[random.integers(len(GREENS))], 9)
    tilt = 1 - random.uniform(0, 1) * (1 - species.face) * (0.35 + 0.5 * strangeness)
    pose = Pose(pose.x, pose.y, pose.size, random.uniform(-0.45, 0.45), tilt)
    leaves = species.leaves
    if random.random() < 0.4 * strangeness:
        leaves = list(SPECIES.values())[random.integers(len(SPECIES))].leaves
    foot = (pose.x + random.uniform(-0.5, 0.5) * pose.size, foot_y)
    if foot_y > pose.y:
        stand = Pose(foot[0], foot[1], foot_y - pose.y)
        behind = random.random() < 0.6
        behind and leaves(canvas, random, stand, green)
        below = Pose(pose.x, pose.y + pose.size * 0.3, pose.size)
        stalk(canvas, random, below, foot, green, species.stem * pose.size)
        behind or leaves(canvas, random, stand, green)
    species.head(canvas, random, pose, colour, min(strangeness, 1.0))
